//! Own writes that the watch has not shown yet.

use super::*;

fn unseen(number: u64, uid: &str) -> PodFact {
    PodFact::unseen(number, &format!("web-{number}"), uid, "rev", true)
}

fn seen(number: u64, life: Life) -> PodFact {
    PodFact { seen: true, life, ..unseen(number, &format!("u-{number}")) }
}

#[test]
fn a_create_that_comes_after_a_list_has_begun_is_not_missed_in_it() {
    let mut pods = Replicas::default();
    pods.created(unseen(2, "u-2"));
    pods.list_begins();
    pods.created(unseen(1, "u-1"));
    let gone = pods.list_ends();
    assert_eq!(gone.iter().map(|fact| fact.number).collect::<Vec<_>>(), [2]);
    assert!(pods.get(1).is_some());
}

#[test]
fn a_pod_that_is_gone_before_the_reply_of_its_create_is_not_there() {
    let check = |reply: fn(&mut Replicas)| {
        let mut pods = Replicas::default();
        pods.creating(1);
        pods.observe(seen(1, Life::Alive));
        pods.observe_gone(1);
        reply(&mut pods);
        assert_eq!((pods.get(1), pods.doubts().count()), (None, 0));
    };
    check(|pods| pods.created(unseen(1, "u-1")));
    check(|pods| pods.perhaps_created(unseen(1, ""), Timestamp::UNIX_EPOCH));
    check(|pods| pods.was_created(unseen(1, "u-1")));
}

#[test]
fn a_create_in_doubt_counts_as_there_until_it_is_known_not_to_be() {
    let mut pods = Replicas::default();
    let until = Timestamp::UNIX_EPOCH;
    pods.perhaps_created(unseen(1, ""), until);
    pods.list_begins();
    assert_eq!(pods.list_ends(), []);
    let counts = |pods: &Replicas| {
        let counts = pods.revision("rev");
        (counts.alive(), counts.shown_alive(), pods.doubts().count())
    };
    assert_eq!(counts(&pods), (1, 0, 1));
    pods.was_not_created(1);
    assert_eq!(counts(&pods), (0, 0, 0));
    pods.perhaps_created(unseen(2, ""), until);
    pods.observe(seen(2, Life::Alive));
    assert_eq!(counts(&pods), (1, 1, 0));
}

#[test]
fn a_delete_in_doubt_counts_as_done_until_it_is_known_not_to_be() {
    let mut pods = Replicas::default();
    let counts = |pods: &Replicas| {
        let counts = pods.revision("rev");
        (counts.alive(), counts.shown_alive(), pods.terminating(), pods.doubts().count())
    };
    pods.observe(seen(1, Life::Alive));
    pods.perhaps_deleted(1, Timestamp::UNIX_EPOCH);
    assert_eq!(counts(&pods), (0, 1, 0, 1));
    // An event that is older than the delete does not show it.
    pods.observe(seen(1, Life::Alive));
    assert_eq!(counts(&pods), (0, 1, 0, 1));
    pods.was_not_deleted(1);
    assert_eq!(counts(&pods), (1, 1, 0, 0));
    pods.perhaps_deleted(1, Timestamp::UNIX_EPOCH);
    pods.observe(seen(1, Life::Terminating));
    assert_eq!(counts(&pods), (0, 0, 1, 0));
}

#[test]
fn a_pod_that_has_ended_is_not_terminating() {
    let mut pods = Replicas::default();
    pods.observe(seen(1, Life::Terminating));
    pods.observe(PodFact { over: true, ..seen(2, Life::Terminating) });
    assert_eq!(pods.terminating(), 1);
    pods.observe(PodFact { over: true, ..seen(1, Life::Terminating) });
    assert_eq!(pods.terminating(), 0);
}
