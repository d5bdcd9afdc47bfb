//! Which Pods to make and which to delete, so that each revision has its size: the ReplicaSet's part.

use std::sync::Arc;

use crate::accounting::ledger::Sizes;
use crate::mutation::{Mutation, mutated};

use super::desired::{Desired, Strategy};
use super::replicas::{PodFact, Replicas};

/// The most Pods that one pass creates: the status is written in between, as a ReplicaSet's is
/// (burstReplicas).
pub const BURST: usize = 500;

/// A Pod to act on: only this very one, and no other of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRef {
    /// Its number.
    pub number: u64,
    /// Its name.
    pub name: Arc<str>,
    /// Its UID.
    pub uid: Arc<str>,
}

impl PodRef {
    /// None for a Pod of which nobody knows whether it is there: without its UID any other could be meant.
    pub fn of(fact: &PodFact) -> Option<Self> {
        let named = Self { number: fact.number, name: fact.name.text(), uid: fact.uid.text() };
        (!fact.uid.is_empty()).then_some(named)
    }
}

/// How many Pods each revision lacks, the oldest revision first. Pods that are more than their revision is to
/// have take the place of others for as long as they cannot be deleted, and those of which nobody knows
/// whether they are: never are there more than what is wanted and the surge.
pub fn missing(sizes: &Sizes, replicas: &Replicas) -> Vec<(Arc<str>, usize)> {
    let alive: usize = replicas.revisions().map(|(_, counts)| counts.alive()).sum();
    let mut room = (sizes.made_for.most as usize).saturating_sub(alive + replicas.perhaps_alive());
    let missing = sizes.iter().map(|(revision, size)| {
        let is_newest = sizes.iter().next_back().is_some_and(|(newest, _)| newest == revision);
        let size = if mutated(Mutation::OldRevisionNotFilled) && !is_newest { 0 } else { size };
        let missing = (size as usize).saturating_sub(replicas.revision(revision).alive()).min(room);
        room -= missing;
        (Arc::clone(revision), missing)
    });
    missing.filter(|(_, missing)| *missing > 0).collect()
}

/// How many numbers more than are left must be reserved for the Pods that `sizes` lack. Creates beyond one
/// pass's are reserved for when that comes.
pub fn lacking_numbers(sizes: &Sizes, replicas: &Replicas) -> usize {
    let wanted: usize = missing(sizes, replicas).iter().map(|(_, missing)| missing).sum();
    wanted.min(BURST).saturating_sub(replicas.numbers.left())
}

/// What must serve, as far as this operator decides: it deletes no Pod that serves where fewer would be left.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// Pods that must be available.
    pub available: usize,
    /// Seconds for which a Pod must be ready before it is available.
    pub min_ready_seconds: i64,
    /// The second at which it is.
    pub now: i64,
}

impl Floor {
    /// What a workload asks for.
    pub fn of(desired: &Desired, now: i64) -> Self {
        let available = match desired.strategy {
            Strategy::Recreate => 0,
            Strategy::RollingUpdate { unavailable, .. } => desired.replicas.saturating_sub(unavailable),
        };
        let available = available.saturating_sub(u32::from(mutated(Mutation::FloorOffByOne)));
        Self { available: available as usize, min_ready_seconds: desired.min_ready_seconds, now }
    }

    /// Nothing must serve: the workload is being deleted.
    pub const NONE: Self = Self { available: 0, min_ready_seconds: 0, now: 0 };

    fn is_available(&self, fact: &PodFact) -> bool {
        fact.ready_since.is_some_and(|since| {
            self.min_ready_seconds == 0
                || mutated(Mutation::MinReadyIgnored)
                || since.saturating_add(self.min_ready_seconds) <= self.now
        })
    }
}

/// At most `limit` Pods that are more than their revisions are to have, in the order in which a ReplicaSet deletes
/// its Pods; but those that do not serve first, and those that serve only as long as enough do.
pub fn surplus(sizes: &Sizes, replicas: &mut Replicas, floor: &Floor, limit: usize) -> Vec<PodRef> {
    let (min_ready, now) = (floor.min_ready_seconds, floor.now);
    let available: usize = replicas.revisions().map(|(_, counts)| counts.available(min_ready, now)).sum();
    let spare = available.saturating_sub(floor.available);
    let surplus = replicas.revisions().filter_map(|(revision, counts)| {
        let surplus = counts.alive().saturating_sub(sizes.get(revision) as usize);
        // A rollout that waits for Pods asks at each event: where none that is ready may go, none is looked at.
        let ready_too = spare > 0 || counts.almost_available(min_ready, now) > 0;
        (surplus > 0).then(|| (Arc::clone(revision), surplus.min(limit), ready_too))
    });
    let surplus: Vec<_> = surplus.collect();
    // In a rollout some go again soon.
    if surplus.is_empty() && sizes.iter().filter(|(_, size)| *size > 0).count() < 2 {
        replicas.forget_order();
    }
    let (mut serving, mut chosen) = (Vec::new(), Vec::new());
    for (revision, surplus, ready_too) in surplus {
        for fact in replicas.first_to_go(&revision, surplus, ready_too) {
            let list = if floor.is_available(fact) { &mut serving } else { &mut chosen };
            list.extend(PodRef::of(fact));
        }
    }
    serving.truncate(spare);
    chosen.extend(serving);
    chosen.truncate(limit);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounting::ledger::Total;

    /// Pods as (revision, whether it serves), numbered from 1.
    fn replicas(pods: &[(&str, bool)]) -> Replicas {
        let mut replicas = Replicas::default();
        for (number, (revision, serves)) in (1..).zip(pods) {
            let mut fact = PodFact::unseen(number, "web", &format!("u-{number}"), revision, true);
            (fact.seen, fact.bound, fact.ready_since) = (true, true, serves.then_some(0));
            replicas.observe(fact);
        }
        replicas
    }

    fn sizes(of: &[(&str, u32)]) -> Sizes {
        let most = of.iter().map(|(_, size)| size).sum::<u32>() + 1;
        let of = of.iter().map(|(revision, size)| (Arc::from(*revision), *size)).collect();
        Sizes::new(of, Total { replicas: most - 1, most })
    }

    fn check(
        pods: &[(&str, bool)],
        of: &[(&str, u32)],
        must_serve: usize,
        deleted: &[u64],
        made: &[(&str, usize)],
    ) {
        let (mut replicas, sizes) = (replicas(pods), sizes(of));
        let floor = Floor { available: must_serve, min_ready_seconds: 0, now: 10 };
        let surplus: Vec<u64> =
            surplus(&sizes, &mut replicas, &floor, 32).iter().map(|pod| pod.number).collect();
        let missing = missing(&sizes, &replicas);
        let missing: Vec<_> = missing.iter().map(|(revision, pods)| (&**revision, *pods)).collect();
        assert_eq!((surplus.as_slice(), missing.as_slice()), (deleted, made), "{pods:?} {of:?}");
    }

    #[test]
    fn each_revision_is_filled_to_its_size() {
        check(&[], &[("old", 1), ("new", 2)], 0, &[], &[("old", 1), ("new", 2)]);
        check(&[("old", true)], &[("old", 3), ("new", 2)], 3, &[], &[("old", 2), ("new", 2)]);
        check(&[("old", true), ("new", false)], &[("old", 1), ("new", 1)], 1, &[], &[]);
    }

    #[test]
    fn what_does_not_serve_goes_first_and_the_newest_of_equals() {
        check(&[("old", true), ("old", false)], &[("old", 1)], 1, &[2], &[]);
        check(&[("old", false), ("old", false)], &[("old", 1)], 1, &[2], &[]);
        check(&[("a", true), ("b", false)], &[], 0, &[2, 1], &[]);
    }

    #[test]
    fn no_pod_that_serves_goes_where_too_few_would_be_left() {
        check(&[("old", true), ("old", true), ("new", false)], &[("new", 1)], 2, &[], &[]);
        check(&[("old", true), ("old", true), ("new", true)], &[("new", 1)], 2, &[2], &[]);
        check(&[("old", true), ("old", true), ("new", true)], &[("new", 1)], 0, &[2, 1], &[]);
    }

    #[test]
    fn a_pod_of_which_nobody_knows_counts_and_is_not_deleted() {
        let mut replicas = replicas(&[("old", true)]);
        replicas.perhaps_created(PodFact::unseen(2, "web", "", "old", true), jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(missing(&sizes(&[("old", 2)]), &replicas), []);
        assert_eq!(surplus(&sizes(&[("old", 1)]), &mut replicas, &Floor::NONE, 32), []);
        let all = surplus(&sizes(&[]), &mut replicas, &Floor::NONE, 32);
        assert_eq!(all.iter().map(|pod| pod.number).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn no_more_go_at_once_than_are_asked_for_and_those_that_serve_last() {
        let mut replicas = replicas(&[("a", true), ("a", false), ("b", true), ("b", false)]);
        let floor = Floor { available: 1, min_ready_seconds: 0, now: 10 };
        let mut gone = |limit| {
            let gone = surplus(&sizes(&[]), &mut replicas, &floor, limit);
            gone.iter().map(|pod| pod.number).collect::<Vec<_>>()
        };
        assert_eq!((gone(1), gone(2), gone(32)), (vec![2], vec![2, 4], vec![2, 4, 1]));
    }

    #[test]
    fn a_pod_serves_only_when_it_was_ready_for_long_enough() {
        let mut replicas = replicas(&[("old", true), ("old", true)]);
        let mut gone = |now| {
            let floor = Floor { available: 2, min_ready_seconds: 5, now };
            surplus(&sizes(&[("old", 1)]), &mut replicas, &floor, 32).len()
        };
        assert_eq!((gone(4), gone(5)), (1, 0));
    }

    #[test]
    fn a_pod_that_cannot_be_deleted_takes_the_place_of_one_to_be_made() {
        let (replicas, mut sizes) = (replicas(&[("old", true), ("old", true)]), sizes(&[("new", 2)]));
        for (most, expect) in [(2, 0), (3, 1), (4, 2), (9, 2)] {
            sizes.made_for.most = most;
            let made: usize = missing(&sizes, &replicas).iter().map(|(_, pods)| pods).sum();
            assert_eq!(made, expect, "at most {most}");
        }
        let (mut replicas, until) = (replicas, jiff::Timestamp::UNIX_EPOCH);
        replicas.perhaps_deleted(1, until);
        sizes.made_for.most = 3;
        assert_eq!(missing(&sizes, &replicas), [("new".into(), 1)], "nobody knows whether 1 is deleted");
        replicas.was_deleted(1);
        assert_eq!(missing(&sizes, &replicas), [("new".into(), 2)]);
    }

    #[test]
    fn numbers_are_reserved_for_the_creates_of_one_pass() {
        let mut replicas = replicas(&[("old", true)]);
        let sizes = sizes(&[("old", 3)]);
        assert_eq!(lacking_numbers(&sizes, &replicas), 2);
        replicas.numbers.reserve(4..=4);
        assert_eq!(lacking_numbers(&sizes, &replicas), 1);
        assert_eq!(lacking_numbers(&self::sizes(&[("old", 100_000)]), &replicas), BURST - 1);
    }
}
