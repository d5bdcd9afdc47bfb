//! Creating and changing objects.

use serde_json::json;

use super::*;

#[test]
fn a_new_object_gets_a_uid_a_time_a_version_and_a_generation() {
    let mut story = Story::new();
    let pod = story.create(PODS, pod("a"));
    let metadata = &pod["metadata"];
    assert_eq!(metadata["creationTimestamp"], "2023-11-14T22:13:20Z");
    assert_eq!(metadata["generation"], 1);
    assert_eq!(metadata["namespace"], "ns");
    assert_eq!((&metadata["resourceVersion"], metadata["uid"].as_str().unwrap().len()), (&json!("2"), 36));
    assert_eq!((&pod["kind"], &pod["apiVersion"]), (&json!("Pod"), &json!("v1")));
    assert_eq!(pod["status"], json!({"phase": "Pending", "qosClass": "BestEffort"}));
    assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], 30);
    let lease = story.create(LEASES, json!({"metadata": {"name": "l", "generation": 7}}));
    assert_eq!(lease["metadata"]["generation"], Value::Null);
}

#[test]
fn a_name_is_given_once_and_generated_names_are_free() {
    let mut story = Story::new();
    story.create(PODS, pod("a"));
    let message = story.refused(&Request::create(PODS, pod("a")), 409, "AlreadyExists");
    assert_eq!(message, "pods \"a\" already exists");
    let message = story.refused(&Request::create(DEPLOYMENTS, json!([])), 400, "BadRequest");
    assert_eq!(message, "the body of the request is no object");
    let mut generated = pod("");
    generated["metadata"] = json!({"generateName": "a-"});
    let names: std::collections::BTreeSet<_> = (0..50)
        .map(|_| story.create(PODS, generated.clone())["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        names.len() == 50 && names.iter().all(|name| name.len() == 7 && name.starts_with("a-")),
        "{names:?}"
    );
}

#[test]
fn what_is_invalid_is_refused_with_the_field_named() {
    let check = |path: &str, object: Value, expect: &str| {
        let message = Story::new().refused(&Request::create(path, object), 422, "Invalid");
        assert!(message.starts_with(expect), "{message} does not begin with {expect}");
    };
    check(PODS, json!({"metadata": {"name": "a"}}), "Pod \"a\" is invalid: spec.containers: Required value");
    check(
        PODS,
        pod("A"),
        "Pod \"A\" is invalid: metadata.name: Invalid value: \"A\": a lowercase RFC 1123 subdomain",
    );
    check(
        PODS,
        pod("a..b"),
        "Pod \"a..b\" is invalid: metadata.name: Invalid value: \"a..b\": a lowercase RFC",
    );
    check(
        PODS,
        pod_with("a", &json!({"labels": {"x": "-"}})),
        "Pod \"a\" is invalid: metadata.labels: Invalid value: \"-\": a valid label must be an empty string or consist",
    );
    check(
        PODS,
        pod_with(
            "a",
            &json!({"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": ""}]}),
        ),
        "Pod \"a\" is invalid: metadata.ownerReferences.uid: Invalid value: \"\": must not be empty",
    );
    check(
        DEPLOYMENTS,
        json!({"metadata": {"name": "-"}}),
        "Deployment.apps \"-\" is invalid: metadata.name: Invalid",
    );
}

#[test]
fn a_put_of_a_stale_version_or_of_another_object_is_a_conflict() {
    let mut story = Story::new();
    let old = story.create(PODS, pod("a"));
    story.merge(&format!("{PODS}/a"), json!({"metadata": {"labels": {"x": "y"}}}));
    let path = format!("{PODS}/a");
    assert_eq!(
        story.refused(&Request::replace(&path, old.clone()), 409, "Conflict"),
        "Operation cannot be fulfilled on pods \"a\": the object has been modified; please apply your changes to the \
         latest version and try again"
    );
    let mut other = old.clone();
    other["metadata"]["uid"] = json!("other");
    let message = story.refused(&Request::replace(&path, other), 409, "Conflict");
    assert!(
        message.contains("Precondition failed: UID in precondition: other, UID in object meta: 0000"),
        "{message}"
    );
    let mut absent = old;
    absent["metadata"]["name"] = json!("b");
    assert_eq!(
        story.refused(&Request::replace(format!("{PODS}/b"), absent), 404, "NotFound"),
        "pods \"b\" not found"
    );
    let lease = json!({"metadata": {"name": "l", "uid": "x"}});
    let message = story.refused(&Request::replace(format!("{LEASES}/l"), lease), 409, "Conflict");
    assert!(message.ends_with("UID in precondition: x, UID in object meta: "), "{message}");
}

#[test]
fn a_put_without_a_version_is_for_resources_that_allow_it() {
    let mut story = Story::new();
    story.create(PODS, pod("a"));
    let mut labelled = story.server.object(&format!("{PODS}/a")).unwrap().as_ref().clone();
    labelled["metadata"]["labels"] = json!({"x": "y"});
    labelled["metadata"]["resourceVersion"] = Value::Null;
    story.done(&Request::replace(format!("{PODS}/a"), labelled));
    let workload = json!({"metadata": {"name": "w"}, "spec": {"replicas": 1}});
    story.create(WORKLOADS, workload.clone());
    assert_eq!(
        story.refused(&Request::replace(format!("{WORKLOADS}/w"), workload), 422, "Invalid"),
        "hookedworkloads.hooked.dev \"w\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified \
         for an update"
    );
    let made = story.done(&Request::replace(format!("{LEASES}/l"), json!({"metadata": {"name": "l"}})));
    assert!(made["metadata"]["uid"].is_string(), "a PUT of an absent Lease creates it");
}

#[test]
fn a_change_that_changes_nothing_has_no_new_version() {
    let mut story = Story::new();
    let first = story.create(PODS, pod_with("a", &json!({"labels": {"x": "y"}, "finalizers": ["a.b/c"]})));
    let again =
        story.merge(&format!("{PODS}/a"), json!({"metadata": {"labels": {"x": "y"}, "annotations": {}}}));
    assert_eq!(first, again);
    assert_eq!(story.done(&Request::replace(format!("{PODS}/a"), first.clone())), first);
    assert_eq!(story.server.version(), 2);
}

#[test]
fn a_patch_with_another_uid_or_version_is_refused() {
    let mut story = Story::new();
    story.create(PODS, pod("a"));
    for (content_type, patch, code, reason, expect) in [
        (
            ContentType::StrategicMergePatch,
            json!({"metadata": {"uid": "x"}}),
            422,
            "Invalid",
            "Pod \"a\" is invalid: metadata.uid: Invalid value: \"x\": field is immutable",
        ),
        (
            ContentType::MergePatch,
            json!({"metadata": {"resourceVersion": "1"}}),
            409,
            "Conflict",
            "Operation cannot be fulfilled on pods \"a\": the object has been modified; please apply your changes to the \
             latest version and try again",
        ),
        (
            ContentType::JsonPatch,
            json!([{"op": "test", "path": "/metadata/uid", "value": "x"}]),
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
        ),
        (
            ContentType::JsonPatch,
            json!({}),
            400,
            "BadRequest",
            "error decoding patch: json: cannot unmarshal object",
        ),
        (
            ContentType::ApplyPatch,
            json!({}),
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: \
             application/json-patch+json, application/merge-patch+json, \
             application/strategic-merge-patch+json, application/apply-patch+yaml",
        ),
    ] {
        let message = story.refused(&Request::patch(format!("{PODS}/a"), content_type, patch), code, reason);
        assert!(message.starts_with(expect), "{message}");
    }
    let absent = Request::patch(format!("{PODS}/b"), ContentType::MergePatch, json!({}));
    assert_eq!(story.refused(&absent, 404, "NotFound"), "pods \"b\" not found");
    story.create(WORKLOADS, json!({"metadata": {"name": "w"}}));
    let strategic = Request::patch(format!("{WORKLOADS}/w"), ContentType::StrategicMergePatch, json!({}));
    let message = story.refused(&strategic, 415, "UnsupportedMediaType");
    assert!(!message.contains("strategic"), "{message}");
}

#[test]
fn the_generation_counts_changes_of_the_spec_alone() {
    let mut story = Story::new();
    let generation = |object: Value| object["metadata"]["generation"].clone();
    let path = format!("{WORKLOADS}/w");
    story.create(WORKLOADS, json!({"metadata": {"name": "w"}, "spec": {"replicas": 1}}));
    assert_eq!(generation(story.merge(&path, json!({"metadata": {"labels": {"a": "b"}}}))), 1);
    assert_eq!(generation(story.merge(&format!("{path}/status"), json!({"status": {"replicas": 1}}))), 1);
    assert_eq!(generation(story.merge(&path, json!({"spec": {"replicas": 2}}))), 2);
    assert_eq!(generation(story.merge(&path, json!({"metadata": {"generation": 9}}))), 2);
    story.create(PODS, pod("a"));
    assert_eq!(
        generation(story.merge(&format!("{PODS}/a"), json!({"spec": {"activeDeadlineSeconds": 9}}))),
        2
    );
}

#[test]
fn status_and_the_rest_are_written_apart() {
    let mut story = Story::new();
    let path = format!("{WORKLOADS}/w");
    let new = json!({"metadata": {"name": "w"}, "spec": {"replicas": 1}, "status": {"replicas": 9}});
    assert_eq!(story.create(WORKLOADS, new)["status"], Value::Null);
    let change =
        json!({"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 2}, "status": {"replicas": 3}});
    let after = story.merge(&format!("{path}/status"), change.clone());
    assert_eq!((&after["spec"]["replicas"], &after["status"]["replicas"]), (&json!(1), &json!(3)));
    assert_eq!(after["metadata"]["labels"], Value::Null);
    let mut whole = after;
    whole["status"] = json!({"replicas": 7});
    whole["spec"] = json!({"replicas": 5});
    let after = story.done(&Request::replace(&path, whole.clone()));
    assert_eq!((&after["spec"]["replicas"], &after["status"]["replicas"]), (&json!(5), &json!(3)));
    story.refused(&Request::replace(format!("{path}/status"), whole), 409, "Conflict");
}

#[test]
fn a_pods_spec_stays_but_for_its_image_its_deadline_and_more_tolerations() {
    let check = |patch: Value, allowed: bool| {
        let mut story = Story::new();
        story.create(PODS, pod("a"));
        let request = Request::patch(format!("{PODS}/a"), ContentType::StrategicMergePatch, patch.clone());
        assert_eq!(story.ask(&request).is_success(), allowed, "{patch}");
        if !allowed {
            let message = story.refused(&request, 422, "Invalid");
            assert!(
                message.starts_with("Pod \"a\" is invalid: spec: Forbidden: pod updates may not change"),
                "{message}"
            );
        }
    };
    check(json!({"spec": {"containers": [{"name": "c", "image": "j"}]}}), true);
    check(json!({"spec": {"tolerations": [{"key": "k"}]}}), true);
    check(json!({"spec": {"activeDeadlineSeconds": 5}}), true);
    check(json!({"spec": {"terminationGracePeriodSeconds": 5}}), false);
    check(json!({"spec": {"nodeName": "n"}}), false);
}

#[test]
fn a_pod_gets_no_container_more_and_loses_none() {
    let mut story = Story::new();
    story.create(PODS, pod("a"));
    let patch = json!({"spec": {"containers": [{"name": "d", "image": "j"}]}});
    let request = Request::patch(format!("{PODS}/a"), ContentType::StrategicMergePatch, patch);
    assert_eq!(
        story.refused(&request, 422, "Invalid"),
        "Pod \"a\" is invalid: spec.containers: Forbidden: pod updates may not add or remove containers"
    );
}

#[test]
fn a_revisions_data_stays() {
    let mut story = Story::new();
    story.create(REVISIONS, json!({"metadata": {"name": "r"}, "data": {"a": 1}, "revision": 1}));
    story.merge(&format!("{REVISIONS}/r"), json!({"revision": 2}));
    let request =
        Request::patch(format!("{REVISIONS}/r"), ContentType::MergePatch, json!({"data": {"a": 2}}));
    let message = story.refused(&request, 422, "Invalid");
    assert!(message.contains("data: Invalid value") && message.ends_with("field is immutable"), "{message}");
}

#[test]
fn a_dry_run_answers_alike_and_stores_nothing() {
    let mut story = Story::new();
    let made = story.done(&Request::create(PODS, pod("a")).with("dryRun", "All"));
    assert!(made["metadata"]["uid"].is_string() && made["metadata"]["resourceVersion"].is_null());
    assert!(!story.exists(&format!("{PODS}/a")));
    story.create(PODS, pod("a"));
    story.refused(&Request::create(PODS, pod("a")).with("dryRun", "All"), 409, "AlreadyExists");
    let patch = json!({"metadata": {"labels": {"x": "y"}}});
    let request = Request::patch(format!("{PODS}/a"), ContentType::MergePatch, patch).with("dryRun", "All");
    assert_eq!(story.done(&request)["metadata"]["labels"]["x"], "y");
    story.done(&Request::delete(format!("{PODS}/a"), Some(json!({"dryRun": ["All"]}))));
    assert_eq!(story.server.version(), 2);
}

#[test]
fn scale_reads_and_writes_the_replicas() {
    let mut story = Story::new();
    story.create(WORKLOADS, json!({"metadata": {"name": "w"}, "spec": {"replicas": 2}}));
    story.merge(&format!("{WORKLOADS}/w/status"), json!({"status": {"replicas": 1, "selector": "a=b"}}));
    let path = format!("{WORKLOADS}/w/scale");
    let scale = story.done(&Request::get(&path));
    assert_eq!((&scale["kind"], &scale["spec"]), (&json!("Scale"), &json!({"replicas": 2})));
    assert_eq!(scale["status"], json!({"replicas": 1, "selector": "a=b"}));
    assert_eq!(story.merge(&path, json!({"spec": {"replicas": 5}}))["spec"]["replicas"], 5);
    let workload = story.server.object(&format!("{WORKLOADS}/w")).unwrap();
    assert_eq!((&workload["spec"]["replicas"], &workload["metadata"]["generation"]), (&json!(5), &json!(2)));
    story.refused(&Request::replace(path, scale), 409, "Conflict");
}

#[test]
fn a_field_that_nobody_knows_is_refused_only_where_that_is_asked_for() {
    let mut strange = pod("a");
    strange["spec"]["containers"][0]["imagee"] = json!("b");
    strange["spec"]["hostname"] = Value::Null;
    strange["specc"] = json!({});
    let mut story = Story::new();
    let request = Request::create(PODS, strange).with("dryRun", "All");
    let made = story.done(&request);
    assert_eq!((&made["spec"]["containers"][0]["imagee"], &made["specc"]), (&Value::Null, &Value::Null));
    let message = story.refused(&request.with("fieldValidation", "Strict"), 400, "BadRequest");
    assert_eq!(
        message,
        "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: \
         unknown field \"spec.containers[0].imagee\", unknown field \"specc\""
    );
    let mut known = pod("a");
    known["spec"]["volumes"] = json!([{"name": "v", "image": {"reference": "web:1"}}]);
    known["metadata"]["annotations"] = json!({"anything": "goes"});
    story.done(&Request::create(PODS, known).with("fieldValidation", "Strict"));
    let lease = json!({"metadata": {"name": "l"}, "spec": {"anything": "goes"}});
    story.done(&Request::create(LEASES, lease).with("fieldValidation", "Strict"));
}
