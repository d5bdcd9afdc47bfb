//! What watches show of Pods, with and without their numbers.

use super::*;
use crate::accounting::ledger::Ledger;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn pod(number: u64) -> ObservedPod {
    let spec = serde_json::json!({"nodeName": "n", "containers": [{"name": "web"}]});
    let status = serde_json::json!({"phase": "Running", "containerStatuses": [
        {"name": "web", "state": {"running": {"startedAt": "1970-01-01T00:00:00Z"}}},
    ]});
    ObservedPod {
        spec: serde_json::from_value(spec).unwrap(),
        status: serde_json::from_value(status).unwrap(),
        ..ObservedPod::numbered(&format!("u-{number}"), number)
    }
}

/// The Pods with these numbers are known.
fn memory(numbers: &[u64]) -> Memory {
    let mut memory = Memory::default();
    for number in numbers {
        memory.observe_pod(&pod(*number), NOW);
    }
    memory
}

/// Whether a Pod is there, and whether there is anything of it left to count.
fn check(memory: &Memory, number: u64, is_there: bool, is_evidence: bool) {
    let known = (memory.replicas.get(number).is_some(), memory.tracker.evidence(number).is_some());
    assert_eq!(known, (is_there, is_evidence), "Pod {number}");
}

#[test]
fn of_a_pod_that_is_gone_what_is_known_is_still_counted() {
    let mut memory = memory(&[1, 2]);
    memory.observe_gone(1, NOW);
    check(&memory, 1, false, true);
    check(&memory, 2, true, true);
    assert!(memory.tracker.evidence(1).is_some_and(|evidence| evidence.closed.is_some()));
}

#[test]
fn of_a_pod_that_is_gone_and_counted_not_even_its_number_is_left() {
    let mut memory = memory(&[1, 2]);
    memory.observe_gone(1, NOW);
    let later = Timestamp::from_second(1_000).unwrap();
    let mut account = Account::on(Ledger::default());
    account.count(&mut memory.tracker, later);
    account.acknowledge(&mut memory.tracker, later);
    check(&memory, 1, false, false);
    assert_eq!(memory.tracker.accounted().count(), 0);
}

#[test]
fn of_a_pod_that_is_no_longer_ours_nothing_is_said_any_more() {
    let mut memory = memory(&[1, 2]);
    memory.observe_left(1);
    check(&memory, 1, false, false);
    check(&memory, 2, true, true);
    assert!(memory.tracker.due(NOW).all(|number| number == 2));
}

fn labelled(number: u64, app: &str) -> ObservedPod {
    ObservedPod { labels: [("app".to_owned(), app.to_owned())].into(), ..pod(number) }
}

fn unselected(memory: &Memory) -> Vec<u64> {
    memory.replicas.unselected().map(|fact| fact.number).collect()
}

#[test]
fn a_pod_that_the_selector_does_not_match_counts_no_more() {
    let mut memory = Memory::default();
    memory.observe_pod(&labelled(1, "debug"), NOW);
    memory.observe_pod(&labelled(2, "web"), NOW);
    assert_eq!(unselected(&memory), [0; 0], "nobody knows the selector yet");
    let selector = serde_json::from_value(serde_json::json!({"matchLabels": {"app": "web"}})).unwrap();
    memory.know_selector(&selector);
    assert_eq!((unselected(&memory), memory.replicas.revision("rev").alive()), (vec![1], 1));
    memory.observe_pod(&labelled(2, "debug"), NOW);
    assert_eq!((unselected(&memory), memory.replicas.revision("rev").alive()), (vec![1, 2], 0));
    memory.observe_pod(&labelled(1, "web"), NOW);
    assert_eq!((unselected(&memory), memory.replicas.revision("rev").alive()), (vec![2], 1));
    let ending = ObservedPod { deletion_timestamp: Some(NOW), ..labelled(2, "debug") };
    memory.observe_pod(&ending, NOW);
    assert_eq!((unselected(&memory), memory.replicas.terminating()), (vec![], 1));
}

#[test]
fn a_pod_whose_revision_is_changed_by_hand_is_taken_out() {
    let mut memory = memory(&[1]);
    memory.observe_pod(&ObservedPod { revision: "else".to_owned(), ..pod(1) }, NOW);
    assert_eq!((unselected(&memory), memory.replicas.revision("else").all()), (vec![1], 0));
}

#[test]
fn what_the_watch_shows_of_a_pod_that_is_free_is_old() {
    let mut memory = memory(&[1]);
    let uid = "u-1".into();
    memory.released.releasing(&uid);
    assert_eq!(memory.sight(pod(1), Some(1), NOW), 1, "nobody knows yet whether it is free");
    memory.released.released(&uid);
    memory.observe_left(1);
    assert_eq!(memory.sight(pod(1), Some(1), NOW), 0);
    check(&memory, 1, false, false);
    assert_eq!(memory.observe_departed("u-1"), Some(true));
}

#[test]
fn a_pod_that_a_list_misses_because_it_is_free_is_not_gone() {
    for is_known in [false, true] {
        let mut memory = memory(&[1]);
        let uid = "u-1".into();
        memory.released.releasing(&uid);
        if is_known {
            memory.released.released(&uid);
            memory.observe_left(1);
        }
        memory.list_begins();
        assert_eq!(
            memory.list_ends(NOW).iter().map(|fact| fact.uid.to_string()).collect::<Vec<_>>(),
            ["u-1"]
        );
        check(&memory, 1, false, false);
        assert_eq!(memory.observe_departed("u-1"), None);
    }
}

#[test]
fn a_number_above_what_is_committed_is_none_but_for_a_name_that_says_the_same() {
    let mut memory = memory(&[]);
    memory.know_high_water(5);
    let unnamed = |number| ObservedPod { is_named: false, ..pod(number) };
    let sight = |memory: &mut Memory, pod| memory.sight(pod, None, NOW);
    assert_eq!((sight(&mut memory, unnamed(5)), sight(&mut memory, pod(6))), (5, 6));
    assert_eq!((sight(&mut memory, unnamed(7)), memory.replicas.highest_number()), (0, 6));
    assert_eq!((memory.newcomers.unnumbered(), memory.pods().count()), (1, 3));
}

#[test]
fn what_was_shown_before_anything_was_known_to_be_committed_is_judged_then() {
    let mut memory = Memory::default();
    for (number, is_named) in [(4, false), (8, false), (9, true)] {
        memory.sight(ObservedPod { is_named, ..pod(number) }, None, NOW);
    }
    memory.know_high_water(5);
    assert_eq!(memory.replicas.iter().map(|fact| fact.number).collect::<Vec<_>>(), [4, 9]);
}

#[test]
fn a_pod_that_a_complete_list_has_not_shown_is_gone() {
    let mut memory = memory(&[1, 2, 3]);
    memory.list_begins();
    memory.observe_pod(&pod(2), NOW);
    memory.replicas.created(PodFact::unseen(4, "web-4", "u-4", "rev", true));
    let gone: Vec<u64> = memory.list_ends(NOW).iter().map(|fact| fact.number).collect();
    assert_eq!(gone, [1, 3]);
    check(&memory, 1, false, true);
    check(&memory, 2, true, true);
    check(&memory, 4, true, false);
    // The next list has to show it.
    memory.list_begins();
    memory.observe_pod(&pod(2), NOW);
    assert_eq!(memory.list_ends(NOW).len(), 1);
    check(&memory, 4, false, false);
}

#[test]
fn a_pod_that_is_shown_after_its_list_has_begun_is_kept() {
    let mut memory = memory(&[1]);
    memory.list_begins();
    memory.observe_pod(&pod(7), NOW);
    memory.observe_pod(&pod(1), NOW);
    assert_eq!(memory.list_ends(NOW), []);
    check(&memory, 7, true, true);
}

#[test]
fn what_is_said_of_another_pod_of_the_same_number_is_not_taken_in() {
    let mut memory = memory(&[1]);
    let evidence = || PodEvidence { changed: true, ..PodEvidence::default() };
    memory.observe_event(1, "another", evidence(), NOW);
    assert!(memory.tracker.evidence(1).is_some_and(|known| !known.changed));
    memory.observe_event(2, "u-2", evidence(), NOW);
    check(&memory, 2, false, false);
    memory.observe_event(1, "u-1", evidence(), NOW);
    assert!(memory.tracker.evidence(1).is_some_and(|known| known.changed));
}

#[test]
fn what_is_known_of_revisions_does_not_outlive_their_use() {
    let mut revisions = Revisions::default();
    for revision in ["old", "new"] {
        let admission = Admission::lasting(crate::admission::Making::AsWritten);
        revisions.admissions.insert(revision.into(), admission);
        revisions.lost.insert(revision.into());
    }
    revisions.retain(|revision| revision == "new");
    assert_eq!(revisions.admissions.keys().map(|name| &**name).collect::<Vec<_>>(), ["new"]);
    assert_eq!(revisions.lost.len(), 1);
}
