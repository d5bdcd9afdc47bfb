//! What is asked about Pods.

use hooked_simulation::{ContentType, Request};
use serde_json::{Value, json};

use super::{Ask, ask, delete, json_patch, merge, pod, strategic};

pub(super) fn creates(pods: &str) -> Vec<Ask> {
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": "n", "uid": ""});
    vec![
        ask("create", Request::create(pods, pod("a", &json!({"labels": {"app": "x"}})))),
        ask("create again", Request::create(pods, pod("a", &json!({})))),
        ask(
            "create with finalizer",
            Request::create(pods, pod("b", &json!({"finalizers": ["hooked.dev/a"]}))),
        ),
        ask("dry run", Request::create(pods, pod("dry", &json!({}))).with("dryRun", "All")),
        ask("dry run left nothing", Request::get(format!("{pods}/dry"))),
        ask("dry run of what is there", Request::create(pods, pod("a", &json!({}))).with("dryRun", "All")),
        ask("name with capitals", Request::create(pods, pod("A", &json!({})))),
        ask("name with empty part", Request::create(pods, pod("a..b", &json!({})))),
        ask("odd label", Request::create(pods, pod("c", &json!({"labels": {"x": "-y"}})))),
        ask("long label", Request::create(pods, pod("c", &json!({"labels": {"x": "y".repeat(64)}})))),
        ask("odd label name", Request::create(pods, pod("c", &json!({"labels": {"-x": "y"}})))),
        ask("owner without UID", Request::create(pods, pod("c", &json!({"ownerReferences": [owner]})))),
        ask("other namespace", Request::create(pods, pod("c", &json!({"namespace": "other"})))),
        ask(
            "no containers",
            Request::create(pods, json!({"metadata": {"name": "c"}, "spec": {"containers": []}})),
        ),
        ask("no such Pod", Request::get(format!("{pods}/none"))),
        ask("metadata only", Request::get(format!("{pods}/a")).metadata_only()),
        ask("a list of metadata", Request::get(pods).metadata_only()),
    ]
}

pub(super) fn changes(pods: &str) -> Vec<Ask> {
    let a = format!("{pods}/a");
    vec![
        ask("merge a label", merge(&a, json!({"metadata": {"labels": {"y": "1"}}}))),
        ask("merge it again", merge(&a, json!({"metadata": {"labels": {"y": "1"}}}))),
        ask("remove it", merge(&a, json!({"metadata": {"labels": {"y": null}}}))),
        ask("an empty patch", merge(&a, json!({}))),
        ask("leave the selection", merge(&a, json!({"metadata": {"labels": {"app": "z"}}}))),
        ask("come back", strategic(&a, json!({"metadata": {"labels": {"app": "x"}}}))),
        ask(
            "add finalizers",
            strategic(&a, json!({"metadata": {"finalizers": ["hooked.dev/a", "hooked.dev/b"]}})),
        ),
        ask("add one again", strategic(&a, json!({"metadata": {"finalizers": ["hooked.dev/b"]}}))),
        ask(
            "delete one by value",
            strategic(&a, json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["hooked.dev/a"]}})),
        ),
        ask("with the UID", strategic(&a, json!({"metadata": {"uid": "{uid}", "labels": {"z": "1"}}}))),
        ask(
            "with the version",
            merge(&a, json!({"metadata": {"resourceVersion": "{version}", "labels": {"z": "2"}}})),
        ),
        ask(
            "a test that holds",
            json_patch(
                &a,
                json!([
                    {"op": "test", "path": "/metadata/uid", "value": "{uid}"},
                    {"op": "test", "path": "/metadata/annotations", "value": null},
                    {"op": "add", "path": "/metadata/annotations", "value": {"hooked.dev/number": "1"}},
                ]),
            ),
        ),
        ask(
            "replace and remove",
            json_patch(
                &a,
                json!([
                    {"op": "replace", "path": "/metadata/annotations/hooked.dev~1number", "value": "2"},
                    {"op": "remove", "path": "/metadata/labels/z"},
                ]),
            ),
        ),
    ]
}

/// Changes of the spec and of what a Pod is marked with.
pub(super) fn markings(pods: &str) -> Vec<Ask> {
    let a = format!("{pods}/a");
    let image = json!({"spec": {"containers": [{"name": "c", "image": "nginx"}]}});
    vec![
        ask("an image", strategic(&a, image)),
        ask("a deadline", merge(&a, json!({"spec": {"activeDeadlineSeconds": 100}}))),
        // Never stored: the garbage collector would take a Pod whose owners are not there.
        ask(
            "owners",
            strategic(
                &a,
                json!({"metadata": {"ownerReferences": [
                    {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "1"},
                    {"apiVersion": "v1", "kind": "Node", "name": "m", "uid": "2"},
                    {"$patch": "delete", "uid": "3"},
                ]}}),
            )
            .with("dryRun", "All"),
        ),
        ask(
            "dry run of a patch",
            merge(&a, json!({"metadata": {"labels": {"dry": "1"}}})).with("dryRun", "All"),
        ),
    ]
}

pub(super) fn refusals(pods: &str) -> Vec<Ask> {
    let a = format!("{pods}/a");
    let b = format!("{pods}/b");
    let put = |metadata: Value| {
        let mut object = pod("b", &json!({"finalizers": ["hooked.dev/a"]}));
        if let (Some(known), Some(more)) = (object["metadata"].as_object_mut(), metadata.as_object()) {
            known.extend(more.clone());
        }
        object
    };
    let absent = |metadata: Value| pod("none", &metadata);
    let none = format!("{pods}/none");
    vec![
        ask("another UID, strategic", strategic(&a, json!({"metadata": {"uid": "x"}}))),
        ask("another UID, merge", merge(&a, json!({"metadata": {"uid": "x"}}))),
        ask("a stale version", merge(&a, json!({"metadata": {"resourceVersion": "1"}}))),
        ask("another name", merge(&a, json!({"metadata": {"name": "x"}}))),
        ask("another namespace", merge(&a, json!({"metadata": {"namespace": "x"}}))),
        ask(
            "a test that fails",
            json_patch(&a, json!([{"op": "test", "path": "/metadata/uid", "value": "x"}])),
        ),
        ask("a place that is absent", json_patch(&a, json!([{"op": "remove", "path": "/metadata/none"}]))),
        ask(
            "another command",
            strategic(&a, json!({"spec": {"containers": [{"name": "c", "command": ["x"]}]}})),
        ),
        ask(
            "one container more",
            strategic(&a, json!({"spec": {"containers": [{"name": "d", "image": "i"}]}})),
        ),
        ask("another grace", merge(&a, json!({"spec": {"terminationGracePeriodSeconds": 1}}))),
        ask("a patch of what is absent", merge(&none, json!({}))),
        ask("server-side patch of another kind", Request::patch(&a, ContentType::Json, json!({}))),
        ask("put with a stale version", Request::replace(&b, put(json!({"resourceVersion": "1"})))),
        ask("put with another UID", Request::replace(&b, put(json!({"uid": "x"})))),
        ask("put under another name", Request::replace(&a, put(json!({})))),
        ask("put of what is absent", Request::replace(&none, absent(json!({})))),
        ask("put of what is absent with a UID", Request::replace(&none, absent(json!({"uid": "x"})))),
        ask("delete of what is absent", Request::delete(&none, None)),
        ask("delete with another UID", delete(&b, json!({"preconditions": {"uid": "x"}}))),
        ask("delete with a stale version", delete(&b, json!({"preconditions": {"resourceVersion": "1"}}))),
        ask("a label selector that is none", Request::get(pods).with("labelSelector", "a b")),
        ask("a field selector that is none", Request::get(pods).with("fieldSelector", "spec.x=y")),
    ]
}

pub(super) fn statuses(pods: &str) -> Vec<Ask> {
    let a = format!("{pods}/a");
    let status = format!("{a}/status");
    vec![
        ask("status by the object", merge(&a, json!({"status": {"phase": "Running"}}))),
        ask("status by its own path", merge(&status, json!({"status": {"phase": "Running"}}))),
        ask("labels by the status", merge(&status, json!({"metadata": {"labels": {"s": "1"}}}))),
        ask("spec by the status", merge(&status, json!({"spec": {"activeDeadlineSeconds": 5}}))),
        ask("status with another UID", strategic(&status, json!({"metadata": {"uid": "x"}}))),
    ]
}

pub(super) fn deletes(pods: &str) -> Vec<Ask> {
    let (a, b) = (format!("{pods}/a"), format!("{pods}/b"));
    let finalizers = |list: Value| json!({"metadata": {"finalizers": list}});
    vec![
        ask("dry run of a delete", Request::delete(&b, None).with("dryRun", "All")),
        ask("delete what has a finalizer", Request::delete(&b, None)),
        ask("delete it again", Request::delete(&b, None)),
        ask("delete it by force", delete(&b, json!({"gracePeriodSeconds": 0}))),
        ask("one finalizer more", merge(&b, finalizers(json!(["hooked.dev/a", "hooked.dev/c"])))),
        ask("a label on what goes", merge(&b, json!({"metadata": {"labels": {"late": "1"}}}))),
        ask("undo the deletion", merge(&b, json!({"metadata": {"deletionTimestamp": null}}))),
        ask(
            "take the finalizer",
            strategic(
                &b,
                json!({
                    "metadata": {"uid": "{uid}", "$deleteFromPrimitiveList/finalizers": ["hooked.dev/a"]},
                }),
            ),
        ),
        ask("it is gone", Request::get(&b)),
        ask(
            "bind",
            Request::create(
                format!("{pods}/none/binding"),
                json!({
                    "metadata": {"name": "none"}, "target": {"kind": "Node", "name": "n"},
                }),
            ),
        ),
        ask("another finalizer goes", merge(&a, finalizers(Value::Null))),
        ask(
            "delete with the UID and the version",
            delete(
                &a,
                json!({
                    "preconditions": {"uid": "{uid}", "resourceVersion": "{version}"},
                }),
            ),
        ),
        ask("it is gone too", Request::get(&a)),
        ask("a new one under the same name", Request::create(pods, pod("a", &json!({})))),
        ask("delete in the background", delete(&a, json!({"propagationPolicy": "Background"}))),
        ask("an odd policy", delete(&a, json!({"propagationPolicy": "Odd"}))),
    ]
}

pub(super) fn lists(pods: &str) -> Vec<Ask> {
    let create = |name: &'static str, label: &str| {
        ask("create for lists", Request::create(pods, pod(name, &json!({"labels": {"tier": label}}))))
    };
    let by = |selector: &str| ask("list by labels", Request::get(pods).with("labelSelector", selector));
    vec![
        create("l1", "x"),
        create("l2", "y"),
        create("l3", "z"),
        by("tier=x"),
        by("tier!=x"),
        by("tier in (x, y)"),
        by("tier notin (x)"),
        by("tier"),
        by("!tier"),
        by("tier=x,tier in (y)"),
        ask(
            "list by fields",
            Request::get(pods).with("fieldSelector", "metadata.name!=l1,status.phase=Pending"),
        ),
        ask("list by node", Request::get(pods).with("fieldSelector", "spec.nodeName=n")),
        ask("a page", Request::get(pods).with("limit", "2")),
        ask("a page by labels", Request::get(pods).with("limit", "1").with("labelSelector", "tier")),
    ]
}
