//! The index, shown Pods and Events of one workload.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::*;
use crate::pass::Orphan;
use crate::watch::SlimPod;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn report(uid: &str, number: u64) -> ObservedPod {
    ObservedPod::numbered(uid, number)
}

fn index(uids: &[&str]) -> Index {
    let index = Index::default();
    let controller = Controller { name: "web".to_owned(), uid: "w".to_owned() };
    for (number, uid) in (1..).zip(uids) {
        index.observe("shop", report(uid, number), &controller, NOW);
    }
    index
}

fn strays(index: &Index) -> Vec<String> {
    index.strays().into_iter().map(|stray| stray.uid).collect()
}

#[test]
fn a_pod_that_goes_while_our_finalizer_holds_it_is_a_stray_and_one_that_was_released_is_not() {
    let index = index(&["a", "b"]);
    let owner = Owner { name: "web".to_owned(), uid: "w".to_owned() };
    index.memory("shop", &owner).lock().replicas.finalizer_removed(2);
    for uid in ["a", "b"] {
        assert_eq!(index.observe_departed(uid, Departure::Gone, NOW), Some(WorkloadRef::new("shop", "web")));
    }
    assert_eq!(strays(&index), ["a"]);
}

#[test]
fn a_list_that_does_not_show_a_pod_triggers_its_workload_and_forgets_its_place() {
    let index = index(&["a"]);
    index.list_begins();
    assert_eq!(index.list_ends(NOW), [WorkloadRef::new("shop", "web")]);
    assert!(!index.has("a"));
    assert_eq!(strays(&index), ["a"]);
    index.list_begins();
    assert_eq!(index.list_ends(NOW), []);
}

#[test]
fn pods_of_a_workload_that_is_gone_are_strays() {
    let index = index(&["a"]);
    index.disown("shop", "w");
    assert_eq!((strays(&index), index.owners()), (vec!["a".to_owned()], Vec::new()));
}

/// A Pod of others with our finalizer, which nobody controls, and its version.
fn held(label: &str) -> SlimPod {
    let metadata = serde_json::json!({
        "namespace": "shop", "name": "web-1", "uid": "u-1", "resourceVersion": "7", "labels": {label: "true"},
        "finalizers": ["hooked.dev/accounting"],
    });
    serde_json::from_value(serde_json::json!({"metadata": metadata, "spec": {"containers": []}})).unwrap()
}

/// A workload of the namespace that watches Pods of a Deployment.
fn watch(index: &Index) {
    let metadata = serde_json::json!({"namespace": "shop", "name": "watch", "uid": "w-1"});
    let referent = serde_json::json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let metadata: ObjectMeta = serde_json::from_value(metadata).unwrap();
    index.observe_watcher(&metadata, &serde_json::from_value(referent).unwrap());
}

#[test]
fn a_pod_of_others_that_is_held_for_nobody_is_a_stray() {
    let index = Index::default();
    index.show_held(&held("hooked.dev/held").metadata);
    let strays_and_versions: Vec<_> =
        index.strays().into_iter().map(|stray| (stray.uid, stray.version)).collect();
    assert_eq!(strays_and_versions, [("u-1".to_owned(), Some("7".to_owned()))]);
    index.show_held(&held("other").metadata);
    assert_eq!(strays(&index), Vec::<String>::new(), "one of our own");
    // Where somebody watches, the watch of Pods says whose they are.
    watch(&index);
    index.show_held(&held("hooked.dev/held").metadata);
    assert_eq!(strays(&index), Vec::<String>::new());
    index.show_watched(&held("hooked.dev/held"), NOW);
    assert_eq!(strays(&index), ["u-1"]);
}

/// A Pod with our finalizer of the Deployment `web`, which a workload of that name watches; `labels` stand on the Pod.
fn held_of_deployment(labels: &[&str]) -> SlimPod {
    let labels: std::collections::BTreeMap<&str, &str> = labels.iter().map(|name| (*name, "true")).collect();
    let owner = serde_json::json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d-1", "controller": true,
    });
    let metadata = serde_json::json!({
        "namespace": "shop", "name": "web-1", "uid": "u-1", "resourceVersion": "7", "labels": labels,
        "finalizers": ["hooked.dev/accounting"], "ownerReferences": [owner],
    });
    serde_json::from_value(serde_json::json!({"metadata": metadata, "spec": {"containers": []}})).unwrap()
}

#[test]
fn a_pod_that_is_watched_and_held_for_nobody_is_a_stray_until_a_workload_holds_it() {
    let index = Index::default();
    watch(&index);
    let pod = held_of_deployment(&["hooked.dev/held"]);
    index.show_watched(&pod, NOW);
    assert_eq!(strays(&index), ["u-1"], "the workload that watches the Pod does not hold Pods");
    index.show_watched(&pod, NOW);
    // Its finalizer was on its way.
    let holding = serde_json::json!({
        "namespace": "shop", "name": "watch", "uid": "w-1", "finalizers": ["hooked.dev/accounting"],
    });
    let referent = serde_json::json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let holding: ObjectMeta = serde_json::from_value(holding).unwrap();
    index.observe_watcher(&holding, &serde_json::from_value(referent).unwrap());
    assert_eq!(strays(&index), Vec::<String>::new());
}

#[test]
fn a_pod_of_our_own_that_goes_to_a_watched_deployment_is_a_stray_all_the_same() {
    let index = Index::default();
    watch(&index);
    let mut released = held_of_deployment(&["hooked.dev/revision"]);
    index.show_watched(&released, NOW);
    assert_eq!(strays(&index), Vec::<String>::new(), "nobody has said that it lost its owner");
    released.metadata.owner_references = None;
    index.show_pod(released, NOW);
    assert_eq!(strays(&index), ["u-1"]);
}

#[test]
fn a_stray_that_could_not_be_let_go_is_tried_again_as_it_was_shown_last() {
    let index = Index::default();
    let of_version = |version: &str| Stray {
        namespace: "shop".to_owned(),
        name: "web-1".to_owned(),
        uid: "a".to_owned(),
        version: Some(version.to_owned()),
        is_of_others: false,
    };
    let versions = || index.strays().into_iter().filter_map(|stray| stray.version).collect::<Vec<_>>();
    index.note_stray(of_version("1"));
    let taken = index.strays();
    index.note_stray(of_version("2"));
    for stray in taken {
        index.return_stray(stray);
    }
    assert_eq!(versions(), ["2"]);
    index.return_stray(of_version("2"));
    assert_eq!(versions(), ["2"]);
}

#[test]
fn an_event_that_comes_before_its_pod_is_not_lost() {
    let index = index(&[]);
    let evicted = PodEvidence { evicted_at: Some(7), ..PodEvidence::default() };
    assert_eq!(index.observe_event("shop", "a", evicted, NOW), []);
    let controller = Controller { name: "web".to_owned(), uid: "w".to_owned() };
    index.observe("shop", report("a", 1), &controller, NOW);
    let memory = index.memory("shop", &Owner { name: "web".to_owned(), uid: "w".to_owned() });
    assert_eq!(memory.lock().tracker.evidence(1).and_then(|evidence| evidence.evicted_at), Some(7));
}

#[test]
fn a_copy_under_a_number_that_is_known_is_another_pod() {
    let controller = Controller { name: "web".to_owned(), uid: "w".to_owned() };
    let owner = Owner { name: "web".to_owned(), uid: "w".to_owned() };
    for is_gone in [false, true] {
        let index = index(&["a", "b"]);
        if is_gone {
            index.observe_departed("a", Departure::Gone, NOW);
        }
        index.observe("shop", report("copy", 1), &controller, NOW);
        let memory = index.memory("shop", &owner);
        let of_first = memory.lock().tracker.evidence(1).map(|evidence| evidence.uid.to_string());
        assert_eq!(of_first.as_deref(), Some("a"), "what is known of the first Pod stays");
        assert_eq!(memory.lock().replicas.get(1).is_none(), is_gone);
        assert_eq!(memory.lock().pods().filter(|fact| fact.uid == *"copy").count(), 1);
        // It gets a number of its own.
        index.observe("shop", report("copy", 3), &controller, NOW);
        let memory = memory.lock();
        assert_eq!(memory.replicas.get(3).map(|fact| fact.uid.to_string()).as_deref(), Some("copy"));
        assert_eq!(memory.pods().count(), if is_gone { 2 } else { 3 });
    }
}

#[test]
fn a_pod_that_a_list_misses_and_that_comes_back_is_the_same() {
    let index = index(&["a"]);
    index.list_begins();
    index.list_ends(NOW);
    let controller = Controller { name: "web".to_owned(), uid: "w".to_owned() };
    index.observe("shop", report("a", 1), &controller, NOW);
    let memory = index.memory("shop", &Owner { name: "web".to_owned(), uid: "w".to_owned() });
    assert!(memory.lock().replicas.get(1).is_some());
}

#[test]
fn an_event_of_another_namespace_says_nothing_of_a_pod() {
    let index = index(&["a"]);
    assert_eq!(index.observe_event("else", "a", PodEvidence::default(), NOW), []);
    assert_eq!(index.observe_event("shop", "a", PodEvidence::default(), NOW).len(), 1);
}

fn orphan(uid: &str, app: &str) -> Orphan {
    let labels = [("app".to_owned(), app.to_owned())].into();
    Orphan { name: uid.into(), uid: uid.into(), revision: "rev".into(), labels }
}

/// Takes in a workload that selects that app; returns those that are to be reconciled because of it.
fn claim(index: &Index, name: &str, app: &str) -> Vec<String> {
    let owner = Owner { name: name.to_owned(), uid: format!("{name}-uid") };
    let labels = serde_json::json!({"app": app});
    let template = serde_json::json!({"metadata": {"labels": labels}, "spec": {"containers": []}});
    let spec = serde_json::json!({"selector": {"matchLabels": labels}, "template": template});
    let claim = Claim::of(&serde_json::from_value(spec).unwrap());
    index.observe_claim("shop", &owner, &claim).into_iter().map(|other| other.name).collect()
}

#[test]
fn a_pod_of_nobody_is_told_to_those_who_select_it_whichever_is_shown_first() {
    let index = Index::default();
    assert_eq!(index.observe_orphan("shop", &orphan("a", "web"), true), []);
    claim(&index, "web", "web");
    claim(&index, "api", "api");
    let awaits = |name: &str| {
        let owner = Owner { name: name.to_owned(), uid: format!("{name}-uid") };
        index.memory("shop", &owner).lock().may_adopt()
    };
    assert_eq!((awaits("web"), awaits("api")), (true, false));
    assert_eq!(index.observe_orphan("shop", &orphan("b", "api"), false), [WorkloadRef::new("shop", "api")]);
    assert!(awaits("api"));
    // Of another namespace, or selected by nobody.
    assert_eq!(index.observe_orphan("else", &orphan("c", "api"), false), []);
    assert_eq!(index.observe_orphan("shop", &orphan("d", "else"), false), []);
}

#[test]
fn workloads_that_ask_for_the_same_pods_are_told_of_each_other() {
    let index = Index::default();
    assert_eq!((claim(&index, "a", "web"), claim(&index, "b", "api")), (vec![], vec![]));
    assert_eq!(claim(&index, "c", "web"), ["a"]);
    assert_eq!(claim(&index, "c", "web"), [""; 0], "nothing is new");
    let overlapping = |name: &str| {
        let owner = Owner { name: name.to_owned(), uid: format!("{name}-uid") };
        index.memory("shop", &owner).lock().overlapping.names().join(",")
    };
    assert_eq!([overlapping("a"), overlapping("b"), overlapping("c")], ["c", "", "a"]);
    assert_eq!(index.disown("shop", "c-uid"), [WorkloadRef::new("shop", "a")]);
    assert_eq!(overlapping("a"), "");
}

#[test]
fn of_pods_that_somebody_controls_nothing_is_kept() {
    let index = Index::default();
    claim(&index, "web", "web");
    let before = format!("{index:?}");
    for number in 0..20_000 {
        let mut pod = ObjectMeta {
            name: Some(format!("api-{number}")),
            namespace: Some("shop".to_owned()),
            uid: Some(format!("u-{number}")),
            labels: Some(
                [("app", "web"), ("pod-template-hash", "rs")]
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
            ),
            ..ObjectMeta::default()
        };
        let owner = serde_json::json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-rs", "uid": "r", "controller": true});
        pod.owner_references = Some(vec![serde_json::from_value(owner).unwrap()]);
        assert_eq!(index.show_foreign(&pod), []);
        // Nor of one that nobody controls and nobody selects.
        pod.owner_references = None;
        pod.labels = Some(
            [("app", "api"), ("pod-template-hash", "rs")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        );
        assert_eq!(index.show_foreign(&pod), []);
    }
    assert_eq!(format!("{index:?}"), before);
}
