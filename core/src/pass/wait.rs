//! When a workload is looked at again though nothing new has come.

use jiff::{SignedDuration, Timestamp};

use super::Memory;
use super::memory::Acts;
use super::overlay::Committed;
use super::prepare::Prepared;

use crate::mutation::{Mutation, mutated};

/// How long an act that has failed rests: a quota, a webhook or a policy may be changed meanwhile.
const FAILED_RETRY: SignedDuration = SignedDuration::from_secs(10);

/// The earliest of all times at which something comes due after `now`, or has.
pub(super) fn wait(
    now: Timestamp,
    prepared: &Prepared,
    committed: &Committed,
    memory: &Memory,
    others: [Option<Timestamp>; 2],
) -> Option<Timestamp> {
    let desired = &prepared.desired;
    let limit = desired.progress_deadline_seconds.map(SignedDuration::from_secs);
    let since = committed.ledger.progressed_at;
    let deadline = since.zip(limit).and_then(|(since, limit)| since.checked_add(limit).ok());
    let retry = match &memory.acts {
        Acts::Failed(_) if mutated(Mutation::RefusalNotRetried) => None,
        Acts::Failed(failing) => failing.at.checked_add(FAILED_RETRY).ok(),
        Acts::Untried | Acts::Done => None,
    };
    let times = [
        next_available(prepared, memory, now),
        memory.tracker.next_due(),
        memory.tracker.running().next_overdue(now),
        // A deadline that has passed is said in the status.
        deadline.filter(|at| *at > now),
        retry,
        prepared.ask_again,
        memory.replicas.next_certainty(),
    ];
    times.into_iter().chain(others).flatten().min()
}

fn next_available(prepared: &Prepared, memory: &Memory, now: Timestamp) -> Option<Timestamp> {
    let min_ready = prepared.desired.min_ready_seconds;
    let counts = memory.replicas.revisions().map(|(_, counts)| counts);
    let next = counts.filter_map(|counts| counts.next_available(min_ready, now.as_second())).min()?;
    Timestamp::from_second(next).ok()
}
