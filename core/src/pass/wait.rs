//! When a workload is looked at again though nothing new has come.

use jiff::{SignedDuration, Timestamp};

use super::Memory;
use super::memory::Acts;
use super::overlay::Committed;
use super::prepare::Prepared;

use crate::mutation::{Mutation, mutated};

/// How long a write that the server has refused rests: a quota, a webhook or a policy may be changed meanwhile.
const REFUSED_RETRY: SignedDuration = SignedDuration::from_secs(10);

/// The earliest of all times at which something comes due after `now`, or has.
pub(super) fn wait(
    now: Timestamp,
    prepared: &Prepared,
    committed: &Committed,
    memory: &Memory,
    others: [Option<Timestamp>; 2],
) -> Option<Timestamp> {
    let desired = &prepared.desired;
    let deadline = committed.ledger.progressed_at.and_then(|since| {
        since.checked_add(SignedDuration::from_secs(desired.progress_deadline_seconds)).ok()
    });
    let retry = match &memory.acts {
        Acts::Refused(..) if mutated(Mutation::RefusalNotRetried) => None,
        Acts::Refused(_, at) => at.checked_add(REFUSED_RETRY).ok(),
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
