//! The next step from old Pods to new ones, as arithmetic on counts.
//!
//! The rules are the Deployment controller's (`kubernetes/pkg/controller/deployment/{rolling,recreate}.go`), applied to
//! Pods rather than to `ReplicaSet`s.

use crate::workload::desired::{Held, Strategy};
use crate::workload::snapshot::Snapshot;
use crate::workload::tally::RevisionTally;

/// Where a rollout stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// Every wanted Pod is of the revision that is asked for and available, and no other is left.
    Done,
    /// Create so many Pods, and delete those.
    Step {
        /// How many Pods of the desired revision to create.
        create: usize,
        /// Ordinals of Pods to delete.
        delete: Vec<u64>,
    },
    /// Nothing can be done until something else happens.
    Blocked(Blocked),
}

/// What a rollout waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// New Pods are not available yet.
    AwaitingAvailability,
    /// Old Pods must have ended before new ones are created (Recreate).
    AwaitingOldPods,
    /// The workload is paused.
    Paused,
    /// The API server refuses Pods of the template.
    InvalidTemplate,
    /// The workload is being deleted.
    Leaving,
}

/// Pods of some revisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    alive: usize,
    available: usize,
}

/// The next step.
pub(super) fn rollout(snapshot: &Snapshot<'_>) -> Rollout {
    let wanted = snapshot.desired.replicas as usize;
    let old = old_revisions(snapshot);
    let new_counts = counts(snapshot, snapshot.pods.revision(&snapshot.desired.revision));
    let old_counts = old.iter().map(|tally| counts(snapshot, tally)).fold(Counts::default(), |sum, one| {
        Counts { alive: sum.alive + one.alive, available: sum.available + one.available }
    });
    let may_create = snapshot.desired.made_revision(snapshot.admitted).is_some();
    let unfinished = old.iter().map(|tally| tally.unfinished()).sum();
    let moves = match snapshot.desired.strategy {
        _ if !may_create => Moves { create: 0, ..held(wanted, most(snapshot), new_counts, old_counts) },
        _ if snapshot.desired.held == Held::AtRevision => {
            held(wanted, most(snapshot), new_counts, old_counts)
        }
        Strategy::Recreate => recreate(wanted, new_counts, old_counts, unfinished),
        Strategy::RollingUpdate { surge, unavailable } => {
            rolling(wanted, surge as usize, unavailable as usize, new_counts, old_counts)
        }
    };
    let Moves { create, delete_new, delete_old } = moves;
    if moves == Moves::default() {
        return resting(snapshot, wanted, new_counts, old_counts, unfinished);
    }
    let new_victims = snapshot.pods.revision(&snapshot.desired.revision).victims().take(delete_new);
    let delete = new_victims.chain(old_victims(snapshot, &old, delete_old)).collect();
    Rollout::Step { create, delete }
}

/// How many Pods to create and to delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Moves {
    create: usize,
    delete_new: usize,
    delete_old: usize,
}

/// Never more than `wanted + surge` Pods, never fewer than `wanted - unavailable` available ones by our doing.
fn rolling(wanted: usize, surge: usize, unavailable: usize, new: Counts, old: Counts) -> Moves {
    let total = new.alive + old.alive;
    let room = (wanted + surge).saturating_sub(total);
    let create = wanted.saturating_sub(new.alive).min(room);
    let delete_new = new.alive.saturating_sub(wanted);

    let must_be_available = wanted.saturating_sub(unavailable);
    // Old Pods that serve nobody go first, but only as many as new Pods that do not serve yet leave room for.
    let new_unavailable = new.alive - new.available;
    let may_go = total.saturating_sub(must_be_available + new_unavailable);
    let useless = (old.alive - old.available).min(may_go);
    let spare = (new.available + old.available).saturating_sub(must_be_available).min(old.available);
    Moves { create, delete_new, delete_old: useless + spare }
}

/// No new Pod before the last old one has ended.
fn recreate(wanted: usize, new: Counts, old: Counts, unfinished: usize) -> Moves {
    let create = if unfinished == 0 { wanted.saturating_sub(new.alive) } else { 0 };
    Moves { create, delete_new: new.alive.saturating_sub(wanted), delete_old: old.alive }
}

/// Only scaled: Pods of the revision at which it is held come if there are fewer than `wanted`, and only those beyond `most`
/// go. Of them Pods that serve nobody go first, of whatever revision, and then those of other revisions.
fn held(wanted: usize, most: usize, new: Counts, old: Counts) -> Moves {
    let total = new.alive + old.alive;
    let mut excess = total.saturating_sub(most);
    let mut take = |pods: usize| {
        let taken = pods.min(excess);
        excess -= taken;
        taken
    };
    let (useless_old, useless_new) = (take(old.alive - old.available), take(new.alive - new.available));
    let (spare_old, spare_new) = (take(old.available), take(new.available));
    let create = wanted.saturating_sub(total);
    Moves { create, delete_new: useless_new + spare_new, delete_old: useless_old + spare_old }
}

/// The most Pods that a workload keeps that is held. In the middle of a rollout the surge stays, or Pods would go that
/// serve in the place of new ones that do not yet (`Scale` in kubernetes/pkg/controller/deployment/sync.go).
fn most(snapshot: &Snapshot<'_>) -> usize {
    let wanted = snapshot.desired.replicas as usize;
    let revisions = snapshot.pods.revisions().filter(|(_, tally)| tally.alive() > 0).count();
    match snapshot.desired.strategy {
        Strategy::RollingUpdate { surge, .. } if revisions > 1 && wanted > 0 => wanted + surge as usize,
        _ => wanted,
    }
}

/// Nothing to do: because all is done, or because something is awaited. Blocked is never reported as done.
fn resting(snapshot: &Snapshot<'_>, wanted: usize, new: Counts, old: Counts, unfinished: usize) -> Rollout {
    let is_complete = new.alive == wanted && new.available == wanted && old.alive == 0;
    if !snapshot.admitted {
        Rollout::Blocked(Blocked::InvalidTemplate)
    } else if is_complete && !snapshot.desired.is_held_back() {
        Rollout::Done
    } else if snapshot.desired.held != Held::No {
        Rollout::Blocked(Blocked::Paused)
    } else if snapshot.desired.strategy == Strategy::Recreate && unfinished > 0 {
        Rollout::Blocked(Blocked::AwaitingOldPods)
    } else {
        Rollout::Blocked(Blocked::AwaitingAvailability)
    }
}

fn old_revisions<'a>(snapshot: &Snapshot<'a>) -> Vec<&'a RevisionTally> {
    let old = snapshot.pods.revisions().filter(|(revision, _)| ***revision != *snapshot.desired.revision);
    old.map(|(_, tally)| tally).collect()
}

fn counts(snapshot: &Snapshot<'_>, tally: &RevisionTally) -> Counts {
    let available = tally.available(snapshot.desired.min_ready_seconds, snapshot.now.as_second());
    Counts { alive: tally.alive(), available }
}

/// Of all old revisions, Pods that are not available come before those that are.
fn old_victims(snapshot: &Snapshot<'_>, old: &[&RevisionTally], pods: usize) -> Vec<u64> {
    let useless = |tally: &RevisionTally| {
        let Counts { alive, available } = counts(snapshot, tally);
        alive - available
    };
    let first = old.iter().flat_map(|tally| tally.victims().take(useless(tally)));
    let then = old.iter().flat_map(|tally| tally.victims().skip(useless(tally)));
    first.chain(then).take(pods).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(
        wanted: usize,
        surge: usize,
        unavailable: usize,
        new: (usize, usize),
        old: (usize, usize),
        expect: Moves,
    ) {
        let counts = |(alive, available)| Counts { alive, available };
        assert_eq!(
            rolling(wanted, surge, unavailable, counts(new), counts(old)),
            expect,
            "{wanted} {new:?} {old:?}"
        );
    }

    #[test]
    fn a_rolling_step_respects_surge_and_unavailable() {
        let moves = |create, delete_old| Moves { create, delete_new: 0, delete_old };
        check(3, 1, 0, (0, 0), (0, 0), moves(3, 0));
        check(3, 1, 0, (0, 0), (3, 3), moves(1, 0));
        check(3, 1, 0, (1, 0), (3, 3), moves(0, 0));
        check(3, 1, 0, (1, 1), (3, 3), moves(0, 1));
        check(3, 0, 1, (0, 0), (3, 3), moves(0, 1));
        check(3, 0, 1, (0, 0), (2, 2), moves(1, 0));
        // Old Pods that do not serve go at once.
        check(3, 1, 0, (0, 0), (3, 0), moves(1, 0));
        check(10, 3, 2, (0, 0), (10, 8), moves(3, 2));
    }

    #[test]
    fn scaling_down_in_a_rollout_removes_what_is_too_much() {
        check(1, 1, 0, (3, 3), (0, 0), Moves { create: 0, delete_new: 2, delete_old: 0 });
    }

    fn check_held(wanted: usize, most: usize, new: (usize, usize), old: (usize, usize), expect: Moves) {
        let counts = |(alive, available)| Counts { alive, available };
        assert_eq!(
            held(wanted, most, counts(new), counts(old)),
            expect,
            "{wanted} to {most}, {new:?} {old:?}"
        );
    }

    #[test]
    fn a_workload_that_is_held_keeps_what_serves_and_gives_up_what_does_not_first() {
        let moves = |create, delete_new, delete_old| Moves { create, delete_new, delete_old };
        check_held(3, 4, (1, 0), (3, 3), moves(0, 0, 0));
        check_held(2, 3, (1, 0), (3, 3), moves(0, 1, 0));
        check_held(1, 2, (1, 0), (3, 2), moves(0, 1, 1));
        check_held(1, 1, (2, 2), (2, 1), moves(0, 1, 2));
        check_held(3, 4, (1, 0), (1, 1), moves(1, 0, 0));
        check_held(0, 0, (1, 1), (2, 1), moves(0, 1, 2));
    }

    proptest! {
        /// Whatever is too much: what is available goes only where nothing else is left to go.
        #[test]
        fn what_is_held_never_gives_up_a_pod_that_serves_for_one_that_does_not(
            wanted in 0_usize..8, surge in 0_usize..4, new in (0_usize..8, 0_usize..8), old in (0_usize..8, 0_usize..8)
        ) {
            let counts = |(alive, available): (usize, usize)| Counts { alive, available: available.min(alive) };
            let (new, old, most) = (counts(new), counts(old), wanted + surge);
            let Moves { create, delete_new, delete_old } = held(wanted, most, new, old);
            let (total, deleted) = (new.alive + old.alive, delete_new + delete_old);
            prop_assert_eq!(total - deleted, total.min(most));
            prop_assert_eq!(create, wanted.saturating_sub(total));
            let serving = |counts: Counts, gone: usize| counts.available.min(counts.alive - gone);
            let served = serving(new, delete_new) + serving(old, delete_old);
            prop_assert_eq!(served, (new.available + old.available).min(most));
        }

        /// The whole rollout, with Pods becoming available one by one in any order: no step breaks a limit, and it ends.
        #[test]
        fn every_rollout_ends_and_never_breaks_its_limits(
            wanted in 0_usize..12, before in 0_usize..12, surge in 0_usize..4, unavailable in 0_usize..4, late in any::<bool>()
        ) {
            let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable }.min(wanted.max(1));
            let (mut new, mut old) = (Counts::default(), Counts { alive: before, available: before });
            for _ in 0..200 {
                let floor = wanted.saturating_sub(unavailable).min(new.available + old.available);
                let ceiling = (wanted + surge).max(new.alive + old.alive);
                let moves = rolling(wanted, surge, unavailable, new, old);
                if moves == Moves::default() && new.available == new.alive {
                    break;
                }
                new.alive += moves.create;
                let useless = (old.alive - old.available).min(moves.delete_old);
                old = Counts { alive: old.alive - moves.delete_old, available: old.available - (moves.delete_old - useless) };
                new = Counts { alive: new.alive - moves.delete_new, available: new.available.min(new.alive - moves.delete_new) };
                prop_assert!(new.available + old.available >= floor, "available {new:?} {old:?}");
                prop_assert!(new.alive + old.alive <= ceiling, "total {new:?} {old:?}");
                if new.available < new.alive {
                    new.available += if late { 1 } else { new.alive - new.available };
                }
            }
            prop_assert_eq!((new, old), (Counts { alive: wanted, available: wanted }, Counts::default()));
        }
    }
}
