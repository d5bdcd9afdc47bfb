//! What is asked about the custom resource and about other kinds.

use hooked_simulation::Request;
use serde_json::{Value, json};

use super::{Ask, ask, delete, merge, strategic, workload};

pub(super) fn customs(workloads: &str) -> Vec<Ask> {
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

pub(super) fn others(namespace: &str) -> Vec<Ask> {
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
