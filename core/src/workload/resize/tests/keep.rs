//! Pods that must serve keep their places: where we depart from a Deployment.

use super::*;

/// A Deployment gives both two places, and of three Pods that must serve one goes.
#[test]
fn scaling_down_in_mid_rollout_takes_no_pod_that_must_serve() {
    let scaled = |new| rolling(3, 1, 0).was(5, 2).with(&[("old", 4, 4), ("new", 3, new)]);
    scaled(0).check(&[("old", 3), ("new", 1)]);
    scaled(0).check_filled(&[], &[7, 6, 4]);
    scaled(0).paused().check(&[("old", 3), ("new", 1)]);
    scaled(3).paused().check(&[("old", 2), ("new", 2)]);
}

/// New Pods have failed after old ones were taken off the sizes and before those were deleted.
#[test]
fn an_old_pod_that_is_still_there_and_must_serve_gets_its_place_back() {
    let case = |surge| rolling(3, surge, 0).pods("old", 3, 3).pods("new", 1, 0);
    case(1).sized(&[("old", 2), ("new", 1)]).check(&[("old", 3), ("new", 1)]);
    case(1).sized(&[("old", 2), ("new", 2)]).check(&[("old", 3), ("new", 1)]);
    case(1).sized(&[("old", 2), ("new", 1)]).check_filled(&[], &[]);
    // Where there is room for a new Pod besides, that comes too.
    case(2).sized(&[("old", 2), ("new", 1)]).check(&[("old", 3), ("new", 2)]);
}

#[test]
fn what_is_asked_for_is_the_last_to_give_up_a_place() {
    let failed = rolling(4, 1, 0).pods("old", 4, 4).pods("older", 1, 0).pods("new", 1, 0);
    failed.sized(&[("older", 1), ("old", 3), ("new", 1)]).check(&[("old", 4), ("new", 1)]);
}

#[test]
fn no_place_is_given_to_a_pod_that_need_not_serve() {
    rolling(3, 1, 3)
        .pods("old", 3, 3)
        .pods("new", 1, 0)
        .sized(&[("old", 0), ("new", 3)])
        .check(&[("new", 3)]);
    recreate(3).pods("old", 3, 3).sized(&[("old", 0), ("new", 0)]).check(&[]);
}
