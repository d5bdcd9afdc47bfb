//! What is decided about a workload whose Pods others make: what is counted, and which Pods get which numbers.

use hooked_crd::Referent;

use super::super::decide::{Decision, judge_marks, number, reserve_for};
use super::super::overlay::Committed;
use super::super::subject::Subject;
use super::super::{Cluster, Locked, Memory};
use super::watching::Watching;
use crate::accounting::ledger::LedgerError;
use crate::lifecycle::PodShape;
use crate::status::{HooksBasis, Series, WatchedBasis, is_invalid, news, status_of_watched};
use crate::workload::asked::Asked;
use crate::workload::desired::history_limit;
use crate::workload::referent::Found;

/// Counts what is settled, gives Pods numbers that have none, and says so in a status.
pub(super) fn decide<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    (referent, found): (&Referent, &Found),
    before: &Committed,
    memory: &Locked<Memory>,
) -> Result<(Decision, Series), LedgerError> {
    let now = cluster.now();
    let memory = &mut *memory.lock();
    let mut account = memory.account_on(before, now);
    judge_marks(&mut account.ledger.marks, &before.ledger.marks, memory);
    account.count(&mut memory.tracker, now);
    account.ledger.operator.get_or_insert_with(|| cluster.operator().into());
    let reserved = reserve_for(0, before, memory);
    let claims = number(&mut account, &reserved, memory);
    if let Some(shape) = memory.watching.as_ref().and_then(Watching::shape) {
        account.ledger.fold_old_containers(shape);
    }
    let none = PodShape::default();
    let hooks = subject.workload.spec.hooks.as_ref();
    let basis = WatchedBasis {
        previous: &before.status,
        generation: subject.generation,
        referent,
        found,
        replicas: &memory.replicas,
        youngest: memory.watching.as_ref().map_or("", Watching::revision),
        hooks: HooksBasis {
            shape: memory.watching.as_ref().and_then(Watching::shape).unwrap_or(&none),
            tracker: &memory.tracker,
            ledger: &account.ledger,
            is_watched: true,
            now,
        },
        counted: &account.counted,
        asked: &Asked::by(hooks),
        injects: cluster.injects(),
        history_limit: history_limit(hooks),
        overlapping: &memory.overlapping.names(),
    };
    let status = status_of_watched(&basis)?;
    let series = Series::of_watched(&basis, is_invalid(&status.conditions));
    let news = news(&before.status, &before.ledger, &status, &account.ledger);
    let reserved = reserved.start() + claims.len() as u64..=*reserved.end();
    Ok((Decision { status, account, news, reserved, claims }, series))
}
