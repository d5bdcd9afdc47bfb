//! Everything that is decided, on what is known at this moment: nothing of it is true before it is committed.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use hooked_crd::{HookedWorkloadStatus, Reason};
use jiff::Timestamp;

use super::overlay::Committed;
use super::prepare::Prepared;
use super::subject::Subject;
use super::unrunnable::{forget_unrunnable, know_unrunnable};
use super::{Cluster, Locked, Memory};
use crate::accounting::Account;
use crate::accounting::ledger::{Alias, Gate, LedgerError, Marks, Sizes, Youngest};
use crate::lifecycle::{MAX_ORDINAL, PodUid};
use crate::mutation::{Mutation, mutated};
use crate::status::{
    Basis, Course, News, Progress, ReplicaCounts, ReplicaFailure, Series, is_invalid, news, status,
};
use crate::workload::desired::Strategy;
use crate::workload::fill::{lacking_numbers, missing};
use crate::workload::replicas::PodFact;
use crate::workload::resize::{self, resize};
use crate::workload::rollout::{Rollout, rollout};
use crate::workload::target::Why;

/// What is to be committed.
pub(super) struct Decision {
    pub(super) status: HookedWorkloadStatus,
    /// What is counted; its ledger is the one to commit.
    pub(super) account: Account,
    /// How soon it is to be written.
    pub(super) news: News,
    /// The numbers that it reserves for Pods to be made.
    pub(super) reserved: RangeInclusive<u64>,
    /// The numbers that it gives to Pods that are there, by UID.
    pub(super) claims: Vec<(PodUid, u64)>,
}

/// What was decided.
pub(super) struct Decided {
    /// What is to be committed.
    pub(super) decision: Decision,
    /// Where the rollout stands.
    pub(super) rollout: Rollout,
    /// What metrics show once it is committed.
    pub(super) series: Series,
}

/// Counts what is settled, sizes the revisions, reserves numbers and says so in a status.
pub(super) fn decide<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    prepared: &mut Prepared,
    before: &Committed,
    memory: &Locked<Memory>,
) -> Result<Decided, LedgerError> {
    let now = cluster.now();
    let memory = &mut *memory.lock();
    let mut account = count(subject, prepared, before, memory, now);
    account.ledger.operator.get_or_insert_with(|| cluster.operator().into());
    let prepared = &*prepared;
    let sizes = size(prepared, before, memory, now);
    let reserved = reserve(&sizes, before, prepared, memory);
    let claims = number(&mut account, &reserved, memory);
    let rollout = rollout(&prepared.desired, &prepared.target, &sizes, &memory.replicas, now.as_second());
    account.ledger.sizes = is_sized(subject, before, memory).then_some(sizes);
    let progress = progress(prepared, before, rollout, memory, now);
    account.ledger.progressed_at = progress.since(now);
    account.ledger.fold_old_containers(&prepared.revision.shape);

    let failure = failure(memory, prepared, before);
    let (service, overlapping) = (cluster.service(), memory.overlapping.names());
    let basis = Basis {
        previous: &before.status,
        generation: subject.generation,
        collision_count: prepared.collision_count,
        desired: &prepared.desired,
        target: &prepared.target,
        revision: &prepared.revision,
        measuring: prepared.source.measuring(),
        replicas: &memory.replicas,
        tracker: &memory.tracker,
        ledger: &account.ledger,
        counted: &account.counted,
        rollout,
        progress,
        stored: memory.revisions.stored.as_deref().unwrap_or_default(),
        failure: failure.as_ref(),
        overlapping: &overlapping,
        live: service.as_ref(),
        now,
    };
    let status = status(&basis)?;
    let series = Series::of(&basis, is_invalid(&status.conditions));
    let news = news(&before.status, &before.ledger, &status, &account.ledger);
    let reserved = reserved.start() + claims.len() as u64..=*reserved.end();
    Ok(Decided { decision: Decision { status, account, news, reserved, claims }, rollout, series })
}

/// Counts what is settled. A gate that is closed by it stops the rollout before any size follows.
fn count(
    subject: &Subject<'_>,
    prepared: &mut Prepared,
    before: &Committed,
    memory: &mut Memory,
    now: Timestamp,
) -> Account {
    let mut account = memory.account_on(before, now);
    account.ledger.gate = subject.gate(account.ledger.gate.take(), &prepared.desired, before);
    account.ledger.alias = alias(prepared, before);
    judge_marks(&mut account.ledger.marks, &before.ledger.marks, memory);
    account.count(&mut memory.tracker, now);
    if account.ledger.gate.as_ref().is_some_and(Gate::is_closed) && !mutated(Mutation::GateClosesLate) {
        prepared.stop_at_closed_gate();
    }
    forget_unrunnable(&mut account, prepared);
    know_unrunnable(&mut account, prepared, memory);
    account
}

/// Gives newcomers the first of the reserved numbers, and marks what is not ours to count of them.
pub(super) fn number(
    account: &mut Account,
    reserved: &RangeInclusive<u64>,
    memory: &Memory,
) -> Vec<(PodUid, u64)> {
    let claims = memory.newcomers.number_from(*reserved.start());
    let is_there = |first, last| {
        let Memory { replicas, tracker, newcomers, .. } = memory;
        replicas.any_in(first, last) || tracker.any_in(first, last) || newcomers.any_in(first, last)
    };
    account.ledger.marks.compact(memory.watching.is_some(), is_there);
    for (number, not_ours, youngest) in memory.newcomers.not_ours(&claims) {
        account.ledger.marks.set(number, not_ours.clone(), youngest);
    }
    if !mutated(Mutation::NumbersUnreserved) {
        account.ledger.high_water = *reserved.end();
    }
    claims
}

/// Takes marks off numbers under which Pods are shown that are not those which were marked. A user may have made a Pod
/// anew under the number of the Pod before, while no operator was there to see it.
pub(super) fn judge_marks(marks: &mut Marks, committed: &Marks, memory: &mut Memory) {
    let Memory { replicas, unjudged, tracker, newcomers, .. } = memory;
    let Youngest { created, started } = marks.youngest();
    let is_any_marked = || marks.ranges().any(|(_, _, of_pods)| !of_pods.0.is_empty());
    if (created.is_none() || started.is_none()) && is_any_marked() {
        let created = replicas.iter().filter_map(PodFact::created).max();
        let started = tracker.youngest_start().max(newcomers.youngest_start());
        marks.know_youngest(Youngest { created, started });
    }
    let created = |number: u64| replicas.get(number).and_then(PodFact::created);
    // What is not committed yet may be discarded, and is found anew by the next pass.
    unjudged.retain(|number| committed.are_of_another(number, created(number)));
    for number in unjudged.iter() {
        if marks.are_of_another(number, created(number)) {
            marks.unmark(number);
        }
    }
}

/// Whether sizes are committed. The first ones are the counts that are there, so they wait until all Pods are
/// taken over that are to be, and have their numbers; but of a workload that leaves nothing is waited for.
fn is_sized(subject: &Subject<'_>, before: &Committed, memory: &Memory) -> bool {
    let waits = memory.newcomers.any_waiting() || memory.may_adopt();
    before.ledger.sizes.is_some() || subject.leaving.is_some() || (memory.candidates.were_listed && !waits)
}

/// The sizes of the revisions. What a revision lacks that somebody has deleted is given to the target.
fn size(prepared: &Prepared, before: &Committed, memory: &Memory, now: Timestamp) -> Sizes {
    let (desired, target, replicas) = (&prepared.desired, &prepared.target, &memory.replicas);
    let joining = &match desired.strategy {
        Strategy::Recreate => memory.joining(),
        Strategy::RollingUpdate { .. } => BTreeSet::new(),
    };
    let basis = resize::Basis { desired, target, replicas, joining, now: now.as_second() };
    let mut sizes = resize(before.ledger.sizes.as_ref(), &basis);
    let Some(heir) = target.revision().filter(|heir| !memory.revisions.lost.contains(*heir)) else {
        return sizes;
    };
    for (revision, lacking) in missing(&sizes, replicas) {
        if memory.revisions.lost.contains(&revision) {
            let lacking = u32::try_from(lacking).unwrap_or(u32::MAX);
            sizes.set(&revision, sizes.get(&revision).saturating_sub(lacking));
            let size = sizes.get(heir);
            sizes.set(heir, size.saturating_add(lacking).min(size.max(desired.replicas)));
        }
    }
    sizes
}

/// The numbers that are reserved for the Pods which are to get one and for those which the sizes ask for:
/// above all that were reserved before, and above those of all Pods that are there. Without new ones it is
/// empty, and ends where the reserved ones end.
fn reserve(sizes: &Sizes, before: &Committed, prepared: &Prepared, memory: &Memory) -> RangeInclusive<u64> {
    let is_leaving = prepared.target.leaving().is_some();
    reserve_for(if is_leaving { 0 } else { lacking_numbers(sizes, &memory.replicas) }, before, memory)
}

/// The same, where so many Pods are to be made.
#[allow(clippy::reversed_empty_ranges, reason = "an empty range that ends at the high-water mark")]
pub(super) fn reserve_for(lacking: usize, before: &Committed, memory: &Memory) -> RangeInclusive<u64> {
    let reserved = if mutated(Mutation::HighWaterIgnored) { 0 } else { before.ledger.high_water };
    let used = reserved.max(memory.replicas.highest_number());
    let used = used.max(memory.tracker.highest_number());
    let asked = lacking + memory.newcomers.unnumbered();
    let last = used.saturating_add(asked as u64).min(MAX_ORDINAL.max(used));
    used + 1..=last
}

fn progress(
    prepared: &Prepared,
    before: &Committed,
    rollout: Rollout,
    memory: &Memory,
    now: Timestamp,
) -> Progress {
    let Prepared { desired, target, .. } = prepared;
    let counts = &ReplicaCounts::of(desired, &memory.replicas, now);
    let (previous, before) = (&before.status, before.ledger.progressed_at);
    Progress::of(&Course { desired, target, rollout, counts, previous, before, now })
}

/// Why Pods are not what they are to be, if something keeps them from it.
fn failure(memory: &Memory, prepared: &Prepared, before: &Committed) -> Option<ReplicaFailure> {
    let unchecked = match prepared.target.held_by() {
        Some(Why::Unchecked(words)) => {
            Some(ReplicaFailure { reason: Reason::FailedCreate, words: words.clone() })
        }
        _ => None,
    };
    unchecked.or_else(|| memory.acts.failure(&before.status.conditions))
}

/// What is known of the text of the template. Where the revision could not be looked up, that is what was known
/// before.
fn alias(prepared: &Prepared, before: &Committed) -> Option<Alias> {
    let known = || before.ledger.alias.clone();
    match prepared.target.held_by() {
        Some(Why::NotStored(_) | Why::Leaving(_)) => known(),
        _ if prepared.trouble.is_some() => prepared.desired.alias.clone().or_else(known),
        _ => prepared.desired.alias.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hooked_crd::HookedWorkloadSpec;

    use super::super::prepare::Source;
    use super::*;
    use crate::accounting::ledger::{Ledger, Total};
    use crate::workload::desired::Desired;
    use crate::workload::fill::BURST;
    use crate::workload::replicas::PodFact;
    use crate::workload::revision::Measuring;
    use crate::workload::target::{Leaving, Target};

    /// Three Pods are wanted.
    fn prepared(target: Target) -> Prepared {
        let spec =
            serde_json::json!({"selector": {}, "replicas": 3, "template": {"spec": {"containers": []}}});
        let spec: HookedWorkloadSpec = serde_json::from_value(spec).unwrap();
        let desired = Desired::from_spec(&spec, 0).unwrap();
        let source = Source::Known(desired.asked.as_written(Measuring::Observed));
        let revision = Arc::new(desired.asked.clone());
        Prepared { desired, collision_count: None, target, revision, source, ask_again: None, trouble: None }
    }

    fn committed(high_water: u64) -> Committed {
        let ledger = Ledger { high_water, ..Ledger::default() };
        Committed { version: "1".to_owned(), status: HookedWorkloadStatus::default(), ledger }
    }

    fn sizes(size: u32) -> Sizes {
        Sizes::new(vec![("rev".into(), size)], Total { replicas: size, most: size })
    }

    /// The first and the last number of those that are reserved, where so many are reserved already and so
    /// many Pods wanted.
    fn check(high_water: u64, size: u32, memory: &Memory, expect: (u64, u64)) {
        let prepared = prepared(Target::Roll { to: "rev".into() });
        let reserved = reserve(&sizes(size), &committed(high_water), &prepared, memory);
        assert_eq!((*reserved.start(), *reserved.end()), expect, "{size} Pods above {high_water}");
    }

    #[test]
    fn numbers_are_reserved_above_all_that_any_pod_may_have() {
        let mut memory = Memory::default();
        check(7, 2, &memory, (8, 9));
        check(7, 0, &memory, (8, 7));
        memory.replicas.observe(PodFact::unseen(12, "web-12", "u-12", "rev", true));
        check(7, 2, &memory, (13, 13));
        // A Pod that is gone, of which something is left to count.
        memory.tracker.observe_event(20, crate::lifecycle::PodEvidence::default(), Timestamp::UNIX_EPOCH);
        check(7, 2, &memory, (21, 21));
        check(500, 2, &memory, (501, 501));
        check(500, 100_000, &memory, (501, 500 + BURST as u64));
    }

    #[test]
    fn no_number_is_reserved_that_could_not_be_kept() {
        let memory = Memory::default();
        check(MAX_ORDINAL - 1, 2, &memory, (MAX_ORDINAL, MAX_ORDINAL));
        check(MAX_ORDINAL, 2, &memory, (MAX_ORDINAL + 1, MAX_ORDINAL));
        check(i64::MAX.unsigned_abs(), 2, &memory, (i64::MAX.unsigned_abs() + 1, i64::MAX.unsigned_abs()));
    }

    #[test]
    fn a_workload_that_leaves_reserves_nothing() {
        for leaving in [Leaving::WithPods, Leaving::WithoutPods] {
            let prepared = prepared(Target::Hold { at: None, why: Why::Leaving(leaving) });
            assert!(reserve(&sizes(3), &committed(7), &prepared, &Memory::default()).is_empty());
        }
    }

    /// What is marked under the number of a Pod that this process is shown for the first time, and that was created in
    /// second `created`. The committed marks are of a Pod of second 20; where the account has counted something of the
    /// new Pod already, its marks are new.
    fn check_marks(created: i64, is_counted: bool, expect: u32) {
        let mark = |marks: &mut Marks, starts, created| {
            let mark = crate::lifecycle::Mark { post_start: starts, ..Default::default() };
            let youngest = Youngest { created: Some(created), started: None };
            marks.set(7, crate::lifecycle::PodMarks([(Arc::from("web"), mark)].into()), youngest);
        };
        let mut committed = Marks::default();
        mark(&mut committed, 3, 20);
        let mut marks = committed.clone();
        if is_counted {
            mark(&mut marks, 1, created);
        }
        let mut memory = Memory::default();
        let pod = crate::lifecycle::ObservedPod {
            created: Timestamp::from_second(created).ok(),
            ..crate::lifecycle::ObservedPod::numbered("u-7", 7)
        };
        memory.sight(pod, None, Timestamp::UNIX_EPOCH);
        for _ in 0..2 {
            judge_marks(&mut marks, &committed, &mut memory);
            assert_eq!(marks.get(7).of("web").post_start, expect, "{created} {is_counted}");
        }
        judge_marks(&mut marks.clone(), &marks, &mut memory);
        assert!(memory.unjudged.is_empty(), "what is committed is judged");
    }

    #[test]
    fn what_is_marked_of_a_pod_is_not_said_of_another_under_its_number() {
        check_marks(20, false, 3);
        check_marks(21, false, 0);
        check_marks(21, true, 1);
    }

    #[test]
    fn what_a_revision_lacks_that_somebody_has_deleted_is_the_targets() {
        let (prepared, mut memory) = (prepared(Target::Roll { to: "new".into() }), Memory::default());
        let of = vec![("old".into(), 2), ("new".into(), 2)];
        let ledger =
            Ledger { sizes: Some(Sizes::new(of, Total { replicas: 3, most: 4 })), ..Ledger::default() };
        let before = Committed { ledger, ..committed(7) };
        let sized = |memory: &Memory| {
            let sizes = size(&prepared, &before, memory, Timestamp::UNIX_EPOCH);
            sizes.iter().map(|(revision, size)| (revision.to_string(), size)).collect::<Vec<_>>()
        };
        assert_eq!(sized(&memory), [("old".to_owned(), 2), ("new".to_owned(), 2)]);
        memory.revisions.lost.insert("old".into());
        assert_eq!(sized(&memory), [("old".to_owned(), 0), ("new".to_owned(), 3)]);
    }
}
