//! What is decided about a workload whose Pods others make: what is counted, and which Pods get which numbers.

use hooked_crd::Referent;

use super::super::decide::{Decision, judge_marks, number, reserve_for};
use super::super::overlay::Committed;
use super::super::subject::Subject;
use super::super::unrunnable::know_unrunnable_of_others;
use super::super::{Cluster, Locked, Memory};
use super::watching::Watching;
use crate::accounting::ledger::{LedgerError, Marks};
use crate::accounting::{Account, count_vanished};
use crate::lifecycle::PodShape;
use crate::mutation::{Mutation, mutated};
use crate::status::{HooksBasis, Series, WatchedBasis, is_invalid, news, status_of_watched};
use crate::workload::asked::Asked;
use crate::workload::desired::history_limit;
use crate::workload::referent::Found;

/// Marks are of Pods that are there, and of no others: so the next process knows which went while nobody looked. The
/// first pass of this one counts what ended with those.
fn forget_gone(account: &mut Account, committed: &Marks, shape: &PodShape, memory: &mut Memory) {
    let Memory { replicas, tracker, newcomers, watching: Some(watching), .. } = memory else { return };
    let is_left = |number| tracker.any_in(number, number) || replicas.get(number).is_some();
    for number in watching.gone(is_left, |number| !committed.get(number).0.is_empty()) {
        account.ledger.marks.unmark(number);
    }
    if watching.has_counted_vanished() {
        return;
    }
    let is_there = |number| {
        replicas.get(number).is_some() || tracker.any_in(number, number) || newcomers.any_in(number, number)
    };
    if newcomers.is_any_older() {
        // The process before may have died when it had marked what was not ours of these, before they bore their
        // numbers: such Pods are no others than these.
        let marks = &account.ledger.marks;
        let unknown: Vec<u64> = marks.numbers().filter(|number| !is_there(*number)).collect();
        for number in unknown {
            account.ledger.marks.unmark(number);
        }
        return;
    }
    if !mutated(Mutation::VanishedUncounted) {
        count_vanished(account, shape, is_there);
    }
}

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
    // Of Pods that were there before this process was, the status has told.
    let shape = memory.watching.as_ref().and_then(Watching::shape).cloned();
    let shape = &shape.unwrap_or_else(|| PodShape::of_told(&before.status.hooks));
    forget_gone(&mut account, &before.ledger.marks, shape, memory);
    let is_anew = before.status.observed_generation != Some(subject.generation);
    know_unrunnable_of_others(&mut account, is_anew, memory, now);
    account.ledger.operator.get_or_insert_with(|| cluster.operator().into());
    let reserved = reserve_for(0, before, memory);
    let claims = number(&mut account, &reserved, memory);
    account.ledger.fold_old_containers(shape);
    let hooks = subject.workload.spec.hooks.as_ref();
    let basis = WatchedBasis {
        previous: &before.status,
        generation: subject.generation,
        referent,
        found,
        replicas: &memory.replicas,
        youngest: memory.watching.as_ref().map_or("", Watching::revision),
        hooks: HooksBasis { shape, tracker: &memory.tracker, ledger: &account.ledger, is_watched: true, now },
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
