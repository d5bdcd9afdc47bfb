//! What both servers are asked, one after the other.

use hooked_simulation::{ContentType, Method, Request};
use serde_json::{Value, json};

/// One request, and what it tries.
pub(super) struct Ask {
    pub(super) what: &'static str,
    pub(super) request: Request,
}

impl Ask {
    /// The path of the object that the request is about; for a create it is where the object will be.
    pub(super) fn about(&self) -> String {
        let path = &self.request.path;
        let name = self.request.body.as_ref().and_then(|body| body["metadata"]["name"].as_str());
        match (self.request.method, name) {
            (Method::Post, Some(name)) => format!("{path}/{name}"),
            _ => path.trim_end_matches("/status").to_owned(),
        }
    }
}

/// The collection of the custom resource.
pub(super) fn workloads(namespace: &str) -> String {
    format!("/apis/hooked.dev/v1alpha1/namespaces/{namespace}/hookedworkloads")
}

/// The stand-in's definition: as ours in all that the server acts upon, and it takes any spec.
pub(super) fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "hookedworkloads.hooked.dev"},
        "spec": {
            "group": "hooked.dev",
            "scope": "Namespaced",
            "names": {"plural": "hookedworkloads", "singular": "hookedworkload", "kind": "HookedWorkload"},
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {"spec": {
                        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    }, "status": {
                        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    }},
                }},
                "subresources": {"status": {}, "scale": {
                    "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                    "labelSelectorPath": ".status.selector",
                }},
            }],
        },
    })
}

/// Watches whose events are compared when all is done.
pub(super) fn watches(namespace: &str) -> Vec<(&'static str, Request)> {
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    vec![
        ("all Pods", Request::get(&pods)),
        ("Pods with a label", Request::get(&pods).with("labelSelector", "app=x")),
        ("Pods without a label", Request::get(&pods).with("labelSelector", "!app")),
        ("Pods by name", Request::get(&pods).with("fieldSelector", "metadata.name=b")),
        ("workloads", Request::get(workloads(namespace))),
        ("revisions", Request::get(format!("/apis/apps/v1/namespaces/{namespace}/controllerrevisions"))),
        ("leases", Request::get(format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"))),
    ]
}

fn ask(what: &'static str, request: Request) -> Ask {
    Ask { what, request }
}

fn merge(path: &str, change: Value) -> Request {
    Request::patch(path, ContentType::MergePatch, change)
}

fn strategic(path: &str, change: Value) -> Request {
    Request::patch(path, ContentType::StrategicMergePatch, change)
}

fn json_patch(path: &str, change: Value) -> Request {
    Request::patch(path, ContentType::JsonPatch, change)
}

fn delete(path: &str, options: Value) -> Request {
    Request::delete(path, Some(options))
}

/// A Pod that no scheduler takes for its own.
fn pod(name: &str, metadata: &Value) -> Value {
    let mut pod = json!({
        "metadata": {"name": name},
        "spec": {"schedulerName": "nobody", "containers": [{"name": "c", "image": "busybox", "command": ["true"]}]},
    });
    if let (Some(known), Some(more)) = (pod["metadata"].as_object_mut(), metadata.as_object()) {
        known.extend(more.clone());
    }
    pod
}

fn workload(name: &str, more: &Value) -> Value {
    let mut workload = json!({
        "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload", "metadata": {"name": name}, "spec": {"replicas": 1},
    });
    if let (Some(known), Some(more)) = (workload.as_object_mut(), more.as_object()) {
        known.extend(more.clone());
    }
    workload
}

/// All requests.
pub(super) fn asks(namespace: &str) -> Vec<Ask> {
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    [
        creates(&pods),
        changes(&pods),
        refusals(&pods),
        statuses(&pods),
        deletes(&pods),
        lists(&pods),
        customs(&workloads(namespace)),
        others(namespace),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn creates(pods: &str) -> Vec<Ask> {
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

fn changes(pods: &str) -> Vec<Ask> {
    let a = format!("{pods}/a");
    let image = json!({"spec": {"containers": [{"name": "c", "image": "nginx"}]}});
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

fn refusals(pods: &str) -> Vec<Ask> {
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

fn statuses(pods: &str) -> Vec<Ask> {
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

fn deletes(pods: &str) -> Vec<Ask> {
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

fn lists(pods: &str) -> Vec<Ask> {
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

fn customs(workloads: &str) -> Vec<Ask> {
    let w = format!("{workloads}/w");
    let (status, scale) = (format!("{w}/status"), format!("{w}/scale"));
    let with =
        |metadata: Value, status: Value| workload("w", &json!({"metadata": metadata, "status": status}));
    let is = |version: &str| json!({"name": "w", "resourceVersion": version});
    vec![
        ask("create", Request::create(workloads, workload("w", &json!({"status": {"replicas": 5}})))),
        ask("create again", Request::create(workloads, workload("w", &json!({})))),
        ask("change the spec", merge(&w, json!({"spec": {"replicas": 2}}))),
        ask("change metadata", merge(&w, json!({"metadata": {"finalizers": ["hooked.dev/a"]}}))),
        ask("status by the object", merge(&w, json!({"status": {"replicas": 9}}))),
        ask("strategic", strategic(&w, json!({}))),
        ask("put without a version", Request::replace(&w, with(json!({"name": "w"}), json!({})))),
        ask("put with a stale version", Request::replace(&w, with(is("1"), json!({})))),
        ask("put", Request::replace(&w, with(is("{version}"), json!({"replicas": 7})))),
        ask("status with a stale version", Request::replace(&status, with(is("1"), json!({})))),
        ask("status", Request::replace(&status, with(is("{version}"), json!({"replicas": 3})))),
        ask("the same status", Request::replace(&status, with(is("{version}"), json!({"replicas": 3})))),
        ask(
            "status with another UID",
            Request::replace(
                &status,
                with(json!({"name": "w", "resourceVersion": "{version}", "uid": "x"}), json!({})),
            ),
        ),
        ask(
            "status patch",
            merge(&status, json!({"metadata": {"labels": {"a": "b"}}, "status": {"selector": "a=b"}})),
        ),
        ask("scale", Request::get(&scale)),
        ask("scale to four", merge(&scale, json!({"spec": {"replicas": 4}}))),
        ask("scaled", Request::get(&w)),
        // Never stored: the garbage collector would take the finalizer off at a moment of its own.
        ask(
            "delete in the foreground",
            delete(&w, json!({"propagationPolicy": "Foreground", "dryRun": ["All"]})),
        ),
        ask("delete and orphan", delete(&w, json!({"propagationPolicy": "Orphan", "dryRun": ["All"]}))),
        ask("delete", Request::delete(&w, None)),
        ask("one finalizer more", merge(&w, json!({"metadata": {"finalizers": ["hooked.dev/b"]}}))),
        ask("change the spec of what goes", merge(&w, json!({"spec": {"replicas": 0}}))),
        ask("create without finalizers", Request::create(workloads, workload("v", &json!({})))),
        ask("delete it", Request::delete(format!("{workloads}/v"), None)),
    ]
}

fn others(namespace: &str) -> Vec<Ask> {
    let revisions = format!("/apis/apps/v1/namespaces/{namespace}/controllerrevisions");
    let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
    let (r, l) = (format!("{revisions}/r"), format!("{leases}/l"));
    let lease = |version: &str| json!({"metadata": {"name": "l", "resourceVersion": version}, "spec": {"holderIdentity": "x"}});
    vec![
        ask(
            "create a revision",
            Request::create(
                &revisions,
                json!({
                    "metadata": {"name": "r"}, "data": {"a": 1}, "revision": 1,
                }),
            ),
        ),
        ask("number it anew", merge(&r, json!({"revision": 2}))),
        ask("other data", merge(&r, json!({"data": {"a": 2}}))),
        ask("delete with another UID", delete(&r, json!({"preconditions": {"uid": "x"}}))),
        ask(
            "put an absent Lease with a UID",
            Request::replace(&l, json!({"metadata": {"name": "l", "uid": "x"}})),
        ),
        ask("delete it", Request::delete(&r, None)),
        ask("delete it again", Request::delete(&r, None)),
        ask(
            "put an absent Lease",
            Request::replace(&l, json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "x"}})),
        ),
        ask("put it with its version", Request::replace(&l, lease("{version}"))),
        ask("put it with a stale version", Request::replace(&l, lease("1"))),
        ask("put it without a version", Request::replace(&l, json!({"metadata": {"name": "l"}}))),
        ask("delete the Lease", Request::delete(&l, None)),
        ask("no such resource", Request::get(format!("/api/v1/namespaces/{namespace}/things"))),
    ]
}
