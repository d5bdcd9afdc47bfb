//! Deleting objects.

use serde_json::json;

use super::*;

fn deletion(object: &Value) -> (Option<i64>, Value) {
    let time = object["metadata"]["deletionTimestamp"].as_str();
    let second = time.map(|time| time.parse::<Timestamp>().unwrap().as_second() - BEGIN);
    (second, object["metadata"]["deletionGracePeriodSeconds"].clone())
}

fn delete(path: &str, grace: i64) -> Request {
    Request::delete(path, Some(json!({"gracePeriodSeconds": grace})))
}

#[test]
fn an_object_without_finalizers_is_gone_at_once_and_said_to_be() {
    let mut story = Story::new();
    let made = story.create(DEPLOYMENTS, json!({"metadata": {"name": "d"}}));
    let status = story.done(&Request::delete(format!("{DEPLOYMENTS}/d"), None));
    let details =
        json!({"name": "d", "group": "apps", "kind": "deployments", "uid": made["metadata"]["uid"]});
    assert_eq!((&status["status"], &status["details"]), (&json!("Success"), &details));
    let again = story.refused(&Request::delete(format!("{DEPLOYMENTS}/d"), None), 404, "NotFound");
    assert_eq!(again, "deployments.apps \"d\" not found");
}

#[test]
fn a_finalizer_holds_an_object_until_it_is_taken_off() {
    let mut story = Story::new();
    let path = format!("{WORKLOADS}/w");
    story.create(WORKLOADS, json!({"metadata": {"name": "w", "finalizers": ["a.b/c"]}}));
    story.second = 5;
    let held = story.done(&Request::delete(&path, None));
    assert_eq!(deletion(&held), (Some(5), json!(0)));
    assert_eq!(held["metadata"]["generation"], 2);
    story.second = 9;
    assert_eq!(story.done(&Request::delete(&path, None)), held);
    let add = Request::patch(
        &path,
        ContentType::MergePatch,
        json!({"metadata": {"finalizers": ["a.b/c", "x.y/z"]}}),
    );
    assert_eq!(
        story.refused(&add, 422, "Invalid"),
        "HookedWorkload.hooked.dev \"w\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if \
         the object is being deleted, found new finalizers []string{\"x.y/z\"}"
    );
    let last = story.merge(&path, json!({"metadata": {"finalizers": null}}));
    assert_eq!(last["metadata"]["finalizers"], Value::Null);
    assert!(!story.exists(&path));
}

#[test]
fn a_running_pod_gets_its_grace_and_a_second_delete_can_only_shorten_it() {
    let mut story = Story::new();
    let path = format!("{PODS}/a");
    story.running_pod("a");
    assert_eq!(deletion(&story.done(&Request::delete(&path, None))), (Some(30), json!(30)));
    story.second = 3;
    assert_eq!(deletion(&story.done(&delete(&path, 60))), (Some(30), json!(30)));
    assert_eq!(deletion(&story.done(&Request::delete(&path, None))), (Some(30), json!(30)));
    assert_eq!(deletion(&story.done(&delete(&path, 10))), (Some(10), json!(10)));
    assert_eq!(deletion(&story.done(&delete(&path, 2))), (Some(3), json!(1)), "never into the past");
    let version = story.server.version();
    let last = story.done(&delete(&path, 0));
    assert!(!story.exists(&path));
    assert_eq!(deletion(&last), (Some(3), json!(0)));
    assert_eq!(story.server.version(), version + 2, "the object shows its end before it goes");
}

#[test]
fn a_pod_that_does_not_run_goes_at_once() {
    let mut story = Story::new();
    story.create(PODS, pod("unscheduled"));
    story.running_pod("ended");
    story.merge(&format!("{PODS}/ended/status"), json!({"status": {"phase": "Failed"}}));
    story.running_pod("forced");
    for (name, grace) in [("unscheduled", None), ("ended", Some(20)), ("forced", Some(0))] {
        let options = grace.map(|seconds: i64| json!({"gracePeriodSeconds": seconds}));
        story.done(&Request::delete(format!("{PODS}/{name}"), options));
        assert!(!story.exists(&format!("{PODS}/{name}")), "{name}");
    }
}

#[test]
fn the_kubelets_last_delete_leaves_a_pod_with_finalizers_and_no_grace() {
    let mut story = Story::new();
    let path = format!("{PODS}/a");
    story.running_pod("a");
    story.merge(&path, json!({"metadata": {"finalizers": ["a.b/c"]}}));
    assert_eq!(deletion(&story.done(&Request::delete(&path, None))), (Some(30), json!(30)));
    story.second = 4;
    let last = story.done(&delete(&path, 0));
    assert_eq!(deletion(&last), (Some(4), json!(0)));
    assert!(story.exists(&path));
    story.merge(&path, json!({"metadata": {"finalizers": []}}));
    assert!(!story.exists(&path));
}

#[test]
fn a_pod_loses_its_finalizer_during_its_grace_and_stays() {
    let mut story = Story::new();
    let path = format!("{PODS}/a");
    story.running_pod("a");
    story.merge(&path, json!({"metadata": {"finalizers": ["a.b/c"]}}));
    story.done(&Request::delete(&path, None));
    story.merge(&path, json!({"metadata": {"finalizers": []}}));
    assert!(story.exists(&path));
}

#[test]
fn a_delete_of_another_object_or_version_is_a_conflict() {
    let mut story = Story::new();
    let made = story.create(PODS, pod("a"));
    let uid = made["metadata"]["uid"].as_str().unwrap();
    let by = |preconditions: Value| {
        Request::delete(format!("{PODS}/a"), Some(json!({"preconditions": preconditions})))
    };
    assert_eq!(
        story.refused(&by(json!({"uid": "x"})), 409, "Conflict"),
        format!(
            "Operation cannot be fulfilled on Pod \"a\": the UID in the precondition (x) does not match the UID in \
             record ({uid}). The object might have been deleted and then recreated"
        )
    );
    assert_eq!(
        story.refused(&by(json!({"resourceVersion": "1"})), 409, "Conflict"),
        "Operation cannot be fulfilled on Pod \"a\": the ResourceVersion in the precondition (1) does not match the \
         ResourceVersion in record (2). The object might have been modified"
    );
    story.done(&by(json!({"uid": uid, "resourceVersion": "2"})));
    assert!(!story.exists(&format!("{PODS}/a")));
}

#[test]
fn propagation_sets_the_finalizer_that_the_garbage_collector_takes_off() {
    for (policy, code, expect) in [
        ("Foreground", 200, json!(["foregroundDeletion"])),
        ("Orphan", 200, json!(["orphan"])),
        ("Background", 200, Value::Null),
    ] {
        let mut story = Story::new();
        story.create(DEPLOYMENTS, json!({"metadata": {"name": "d"}}));
        let options = json!({"propagationPolicy": policy});
        let reply = story.ask(&Request::delete(format!("{DEPLOYMENTS}/d"), Some(options)));
        let left = story.server.object(&format!("{DEPLOYMENTS}/d"));
        let finalizers = left.map_or(Value::Null, |left| left["metadata"]["finalizers"].clone());
        assert_eq!((reply.code, finalizers), (code, expect), "{policy}");
    }
    let mut story = Story::new();
    story.create(DEPLOYMENTS, json!({"metadata": {"name": "d"}}));
    let odd = Request::delete(format!("{DEPLOYMENTS}/d"), Some(json!({"propagationPolicy": "Odd"})));
    story.refused(&odd, 422, "Invalid");
}
