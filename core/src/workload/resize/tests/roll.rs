//! `rolling_test.go` and `recreate_test.go` of kubernetes/pkg/controller/deployment: one step of a rollout.

use super::*;
use crate::workload::replicas::Life;

fn check_new(replicas: u32, surge: u32, old: u32, new: u32, expect: u32) {
    let sizes = rolling(replicas, surge, 0).with(&[("old", old, 0), ("new", new, 0)]).resized();
    assert_eq!(sizes.get("new"), expect, "{replicas}+{surge}: {old} old, {new} new");
}

/// `TestDeploymentController_reconcileNewReplicaSet`.
#[test]
fn the_new_revision_grows_as_far_as_the_surge_allows() {
    check_new(10, 0, 10, 0, 0);
    check_new(10, 2, 10, 0, 2);
    check_new(10, 2, 5, 0, 7);
    check_new(10, 2, 10, 2, 2);
    check_new(10, 2, 2, 11, 10);
}

/// Ten Pods are wanted, and may be in no rollout more than ten: a revision is its size and how many of its
/// Pods serve.
fn check_old(unavailable: u32, old: (u32, u32), new: (u32, u32), expect: u32) {
    let sizes = rolling(10, 0, unavailable).with(&[("old", old.0, old.1), ("new", new.0, new.1)]).resized();
    assert_eq!(sizes.get("old"), expect, "{unavailable}: {old:?} old, {new:?} new");
}

/// `TestDeploymentController_reconcileOldReplicaSets`, `…_cleanupUnhealthyReplicas` and
/// `…_scaleDownOldReplicaSetsForRollingUpdate`: ours are one function.
#[test]
fn old_revisions_shrink_as_far_as_enough_pods_serve() {
    // Both limits are 0, with which nothing could move: one Pod may be missing.
    check_old(0, (10, 10), (0, 0), 9);
    check_old(2, (10, 10), (0, 0), 8);
    check_old(2, (10, 8), (0, 0), 8);
    check_old(2, (10, 9), (0, 0), 8);
    check_old(2, (8, 8), (2, 0), 8);
    check_old(1, (10, 8), (0, 0), 9);
    check_old(3, (10, 8), (0, 0), 7);
    check_old(2, (10, 1), (0, 0), 8);
    check_old(2, (0, 0), (10, 10), 0);
    check_old(2, (8, 8), (2, 2), 6);
}

fn check(replicas: u32, surge: u32, unavailable: u32, before: &[(&str, u32, u32)], expect: &[(&str, u32)]) {
    rolling(replicas, surge, unavailable).with(before).check(expect);
}

#[test]
fn a_rolling_step_respects_surge_and_unavailable() {
    check(3, 1, 0, &[], &[("new", 3)]);
    check(3, 1, 0, &[("old", 3, 3)], &[("old", 3), ("new", 1)]);
    check(3, 1, 0, &[("old", 3, 3), ("new", 1, 0)], &[("old", 3), ("new", 1)]);
    check(3, 1, 0, &[("old", 3, 3), ("new", 1, 1)], &[("old", 2), ("new", 1)]);
    check(3, 0, 1, &[("old", 3, 3)], &[("old", 2)]);
    check(3, 0, 1, &[("old", 2, 2)], &[("old", 2), ("new", 1)]);
    // Old Pods that do not serve leave no more than the surge before new ones serve, as a Deployment's.
    check(3, 1, 0, &[("old", 3, 0)], &[("old", 3), ("new", 1)]);
    check(10, 3, 2, &[("old", 10, 8)], &[("old", 8), ("new", 3)]);
}

#[test]
fn scaling_down_in_a_rollout_removes_what_is_too_much() {
    check(1, 1, 0, &[("new", 3, 3)], &[("new", 1)]);
    rolling(1, 1, 0).was(3, 1).with(&[("new", 3, 3)]).check_filled(&[], &[3, 2]);
}

#[test]
fn the_oldest_revision_gives_way_first_and_of_all_what_does_not_serve() {
    let three = |oldest| [("z", 4, oldest), ("m", 4, 4), ("new", 3, 3)];
    check(10, 1, 0, &three(4), &[("z", 3), ("m", 4), ("new", 3)]);
    check(10, 1, 2, &three(4), &[("z", 1), ("m", 4), ("new", 3)]);
    check(10, 1, 2, &[("z", 4, 4), ("m", 4, 2), ("new", 3, 3)], &[("z", 3), ("m", 2), ("new", 3)]);
}

/// A user goes back, or on, from a revision that does not start (the examples in `rolling.go`).
#[test]
fn a_revision_that_does_not_start_gives_way_to_the_next() {
    let stuck = [("old", 8, 7), ("bad", 5, 0)];
    rolling(10, 3, 2).with(&[("old", 8, 8), ("bad", 5, 0), ("new", 0, 0)]).check(&[("old", 8)]);
    let mut back = rolling(10, 3, 2).with(&stuck);
    back.target = Target::Roll { to: "old".into() };
    back.check(&[("old", 8), ("bad", 1)]);
    let mut goes_on = rolling(10, 3, 2).with(&stuck);
    goes_on.target = Target::Roll { to: "bad".into() };
    goes_on.check(&[("old", 8), ("bad", 5)]);
}

/// Bug B1 of the review: an old revision's lost Pod was never made again.
#[test]
fn a_rollout_that_is_stuck_loses_no_pod_of_the_revision_that_serves() {
    let stuck = || workload(4, &json!({})).sized(&[("old", 3), ("new", 2)]);
    let lost = stuck().pods("new", 2, 0);
    lost.check(&[("old", 3), ("new", 2)]);
    lost.check_filled(&[("old", 3)], &[]);
    let replaced = stuck().pods("new", 2, 0).pods("old", 3, 3);
    replaced.check(&[("old", 3), ("new", 2)]);
    replaced.check_filled(&[], &[]);
}

/// The last old Pod of a Recreate, as it is at that moment.
fn last_old(life: Life, over: bool) -> Case {
    let mut case = recreate(3).sized(&[("old", 0), ("new", 0)]);
    let mut fact = PodFact::unseen(1, "web", "u-1", "old", true);
    (fact.seen, fact.life, fact.over) = (true, life, over);
    case.replicas.observe(fact);
    case
}

#[test]
fn new_pods_come_when_the_last_old_one_has_ended() {
    recreate(3).with(&[("old", 3, 3)]).check(&[]);
    recreate(3).with(&[("old", 3, 3)]).check_filled(&[], &[3, 2, 1]);
    recreate(3).with(&[("old", 0, 0)]).check(&[("new", 3)]);
    last_old(Life::Terminating, false).check(&[]);
    // A phase that is an end counts as one, as `oldPodsRunning` says.
    last_old(Life::Terminating, true).check(&[("new", 3)]);
    last_old(Life::Ended, true).check(&[("new", 3)]);
    recreate(1).with(&[("new", 3, 3)]).check(&[("new", 1)]);
    // One that is taken over may run as any other.
    let mut joined = recreate(3);
    joined.joining.insert("new".into());
    joined.check(&[("new", 3)]);
    joined.joining.insert("old".into());
    joined.check(&[]);
}

#[test]
fn a_pause_lets_no_new_pod_come_before_the_last_old_one_has_ended() {
    last_old(Life::Terminating, false).paused().check(&[]);
    last_old(Life::Terminating, true).paused().check(&[("new", 3)]);
}
