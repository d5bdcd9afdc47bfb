//! No rollout goes on: paused, refused, leaving; and a ledger in which no sizes stand yet.

use super::*;
use crate::workload::target::Leaving;

/// Three old Pods that serve and a new one that does not yet, of a workload that was paused in a rollout.
fn check_paused(case: fn(u32) -> Case, replicas: u32, expect: &[(&str, u32)], deleted: &[u64]) {
    let made_for = case(3).made_for;
    let paused = Case { made_for, ..case(replicas).paused() };
    let paused = paused.with(&[("old", 3, 3), ("new", 1, 0)]);
    paused.check(expect);
    paused.check_filled(&[], deleted);
}

/// As a Deployment, and other than before there were sizes: a new Pod that does not serve keeps its share.
#[test]
fn a_workload_that_is_paused_in_a_rollout_keeps_its_surge_and_shares() {
    let one = |replicas| rolling(replicas, 1, 0);
    check_paused(one, 3, &[("old", 3), ("new", 1)], &[]);
    check_paused(one, 2, &[("old", 2), ("new", 1)], &[3]);
    check_paused(one, 1, &[("old", 1), ("new", 1)], &[3, 2]);
    check_paused(one, 0, &[], &[4, 3, 2, 1]);
    check_paused(recreate, 3, &[("old", 3), ("new", 1)], &[]);
}

#[test]
fn a_pod_that_is_lost_while_paused_comes_back_as_what_it_was() {
    let paused = rolling(3, 1, 0).paused().sized(&[("old", 3), ("new", 1)]);
    let paused = paused.pods("old", 1, 1).pods("new", 1, 0);
    paused.check(&[("old", 3), ("new", 1)]);
    paused.check_filled(&[("old", 2)], &[]);
}

#[test]
fn what_is_paused_before_it_began_is_made_of_the_revision_it_is_at() {
    rolling(3, 1, 0).paused().check(&[("new", 3)]);
    rolling(3, 1, 0).held(None, Why::Paused).check(&[]);
}

#[test]
fn what_is_paused_before_anything_was_rolled_to_grows_in_the_newest_that_there_is() {
    let taken_over = rolling(3, 1, 0).held(None, Why::Paused).was(0, 1);
    let taken_over = taken_over.sized(&[("older", 0), ("old", 0)]).pods("older", 1, 0).pods("old", 2, 2);
    taken_over.check(&[("old", 3)]);
}

/// Two Pods are wanted; `pods` of the revision `old` are there, numbered from 1.
fn check_refused(at: Option<&str>, pods: u32, made: &[(&str, usize)], deleted: &[u64]) {
    let refused = workload(2, &json!({})).held(at, Why::Refused("no".to_owned()));
    refused.pods("old", pods, pods).check_filled(made, deleted);
}

#[test]
fn a_refused_template_leaves_the_revision_before_scaled_and_replaced() {
    check_refused(Some("old"), 0, &[("old", 2)], &[]);
    check_refused(Some("old"), 1, &[("old", 1)], &[]);
    check_refused(Some("old"), 2, &[], &[]);
    check_refused(Some("old"), 3, &[], &[3]);
}

/// The revision of Pods that are there is stored, so that they are replaced even where none is known to be
/// rolled out.
#[test]
fn a_refused_template_without_one_before_makes_no_pod_of_its_own() {
    check_refused(None, 0, &[], &[]);
    check_refused(None, 1, &[("old", 1)], &[]);
    check_refused(None, 2, &[], &[]);
    check_refused(None, 3, &[], &[3]);
}

#[test]
fn a_workload_that_leaves_with_its_pods_is_to_have_none() {
    let leaving = |leaving| rolling(3, 1, 0).held(None, Why::Leaving(leaving));
    leaving(Leaving::WithPods).with(&[("old", 2, 2), ("new", 2, 0)]).check(&[]);
    leaving(Leaving::WithPods).pods("old", 2, 2).check(&[]);
    leaving(Leaving::WithPods).check(&[]);
    let without = leaving(Leaving::WithoutPods).was(5, 1).with(&[("old", 2, 2), ("new", 2, 0)]);
    assert_eq!(Some(without.resized()), without.sizes, "nothing is resized, and so nothing made or deleted");
}

/// Such a ledger is one of the version before: what is there is meant, and only a difference is given out.
#[test]
fn without_sizes_each_revision_is_to_have_the_pods_that_it_has() {
    let of_counts = |case: Case| case.pods("z", 2, 2).pods("a", 2, 1);
    of_counts(rolling(4, 0, 1).paused()).check(&[("z", 2), ("a", 2)]);
    // In mid-rollout, with one more than is wanted; the surge is not given out to the old.
    of_counts(rolling(3, 1, 0).paused()).check(&[("z", 2), ("a", 2)]);
    of_counts(rolling(8, 0, 1).paused()).check(&[("z", 4), ("a", 4)]);
    // The revision whose first Pod is older is the older one: it shrinks first.
    of_counts(rolling(3, 0, 1).paused()).check(&[("z", 1), ("a", 2)]);
    of_counts(rolling(4, 1, 0)).check(&[("z", 2), ("a", 2), ("new", 1)]);
}

#[test]
fn what_was_given_out_once_is_not_given_out_again() {
    let mut case = rolling(8, 0, 1).paused().pods("z", 2, 2).pods("a", 2, 1);
    case.sizes = Some(case.resized());
    case.check(&[("z", 4), ("a", 4)]);
    case.sizes = Some(case.resized());
    case.check(&[("z", 4), ("a", 4)]);
}

#[test]
fn a_revision_is_forgotten_with_its_size_and_its_last_pod() {
    let known = |case: &Case| case.resized().iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
    let case = rolling(2, 1, 0).sized(&[("older", 0), ("old", 0), ("new", 2)]).pods("old", 1, 0);
    assert_eq!(known(&case), ["old", "new"]);
    assert_eq!(known(&rolling(0, 1, 0).sized(&[("old", 0)])), ["new"]);
}
