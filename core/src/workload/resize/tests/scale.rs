//! `TestScale` of `kubernetes/pkg/controller/deployment/sync_test.go`, row by row, and what the rows leave
//! out.
//!
//! Its row of a ReplicaSet whose update has failed has no counterpart: all sizes stand in one write.

use super::*;

/// A workload is paused, so that it is scaled and no more.
fn check(replicas: (u32, u32), surge: (u32, u32), before: &[(&str, u32)], expect: &[(&str, u32)]) {
    let case = rolling(replicas.1, surge.1, 1).paused().was(replicas.0, surge.0);
    case.sized(before).check(expect);
}

#[test]
fn one_revision_alone_is_scaled_to_what_is_wanted() {
    check((10, 12), (0, 0), &[("new", 10)], &[("new", 12)]);
    check((10, 5), (0, 0), &[("new", 10)], &[("new", 5)]);
    check((10, 5), (3, 2), &[("old", 10), ("new", 0)], &[("old", 5)]);
    check((6, 6), (0, 0), &[("older", 0), ("old", 0), ("new", 0)], &[("new", 6)]);
}

#[test]
fn several_revisions_get_their_shares() {
    let check =
        |from, to, before: &[(&str, u32)], expect: &[(&str, u32)]| check((from, to), (0, 0), before, expect);
    check(5, 10, &[("old", 3), ("new", 2)], &[("old", 6), ("new", 4)]);
    check(5, 3, &[("old", 3), ("new", 2)], &[("old", 2), ("new", 1)]);
    check(9, 4, &[("old", 1), ("new", 8)], &[("new", 4)]);
    check(7, 10, &[("older", 2), ("old", 3), ("new", 2)], &[("older", 3), ("old", 4), ("new", 3)]);
    check(13, 8, &[("older", 3), ("old", 8), ("new", 2)], &[("older", 2), ("old", 5), ("new", 1)]);
    check(4, 5, &[("older", 2), ("old", 2)], &[("older", 2), ("old", 3)]);
    check(6, 0, &[("older", 1), ("old", 2), ("new", 3)], &[]);
    check(10, 14, &[("older", 3), ("old", 7)], &[("older", 4), ("old", 10)]);
}

#[test]
fn of_equal_revisions_the_newest_grows_and_the_oldest_shrinks_first() {
    let all = [("older", 1), ("old", 1), ("new", 1)];
    check((3, 4), (0, 0), &all, &[("older", 1), ("old", 1), ("new", 2)]);
    check((3, 2), (0, 0), &all, &[("old", 1), ("new", 1)]);
}

#[test]
fn shares_are_of_all_pods_that_a_rollout_may_have() {
    check((10, 20), (2, 2), &[("old", 6), ("new", 6)], &[("old", 11), ("new", 11)]);
    check((10, 50), (3, 6), &[("old", 8), ("new", 5)], &[("old", 34), ("new", 22)]);
}

/// A Deployment's scaling as bug B2 of the review has it: 10 Pods, of which 8 serve, become 100.
#[test]
fn a_surge_of_users_in_mid_rollout_reaches_the_revision_that_serves() {
    let quarter = || workload(100, &json!({})).was(10, 3);
    quarter().paused().sized(&[("old", 8), ("new", 5)]).check(&[("old", 77), ("new", 48)]);
    // Not paused, the old Pods that do not serve yet give way as far as the new ones leave room for it.
    let rolling = quarter().pods("old", 8, 8).pods("new", 5, 0).sized(&[("old", 8), ("new", 5)]);
    rolling.check(&[("old", 75), ("new", 48)]);
    rolling.check_filled(&[("old", 67), ("new", 43)], &[]);
}

#[test]
fn a_new_revision_that_serves_alone_ends_the_old_ones() {
    let paused = |available| rolling(2, 1, 1).paused().with(&[("old", 1, 1), ("new", 2, available)]);
    paused(2).check(&[("new", 2)]);
    paused(1).check(&[("old", 1), ("new", 2)]);
    paused(0).check(&[("old", 1), ("new", 2)]);
    // A change of the total comes before.
    paused(2).was(4, 1).with(&[("old", 1, 1), ("new", 2, 2)]).check(&[("old", 1), ("new", 2)]);
}

#[test]
fn where_old_pods_end_before_new_ones_come_no_share_is_given() {
    recreate(6).paused().was(4, 0).with(&[("old", 3, 3), ("new", 1, 0)]).check(&[("old", 3), ("new", 1)]);
    recreate(6).paused().was(4, 0).with(&[("old", 3, 3)]).check(&[("old", 6)]);
}

#[test]
fn no_number_of_pods_is_too_large() {
    let most = i32::MAX.unsigned_abs();
    check((most, most), (5, 5), &[("old", most), ("new", 5)], &[("old", most), ("new", 5)]);
    check((10, most), (5, 5), &[("old", 10), ("new", 5)], &[("old", 1_431_655_768), ("new", 715_827_884)]);
}
