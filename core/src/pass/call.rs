//! Every request that a pass makes: the only place that knows where objects are found and how they are changed.

mod list;
mod others;

use serde_json::{Value, json};

use crate::lifecycle::ordinal;
use crate::names;
use crate::workload::fill::PodRef;
use crate::workload::revision::{Revision, object_name};
use crate::workload::template::Owner;
pub use list::{list_held, list_pods};
pub use others::{find_object, list_kinds, list_replica_sets, look_for_replica_set};

/// A request to the API server.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is to be done.
    pub verb: Verb,
    /// Where, such as `/api/v1/namespaces/shop/pods`.
    pub path: String,
    /// The query, such as `("dryRun", "All")`.
    pub query: Vec<(&'static str, String)>,
    /// The body; null without one.
    pub body: Value,
    /// How much of the reply is read.
    pub reply: Reply,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// An object or a list is read.
    Get,
    /// An object is created.
    Create,
    /// An object is replaced.
    Replace,
    /// An object is deleted.
    Delete,
    /// Operations are carried out one after the other, or none of them: JSON patch.
    JsonPatch,
    /// Fields are replaced by JSON merge patch.
    Merge,
    /// Fields and list items are replaced by strategic merge patch.
    StrategicMerge,
}

/// How much of a reply is read: decoding whole Pods costs a third of the create rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The object's metadata alone.
    Metadata,
    /// The metadata alone of each object of a list.
    MetadataList,
    /// All of it.
    Whole,
}

/// What the API server is to do about fields that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// It refuses the object and names them.
    Strict,
    /// It drops them.
    Lenient,
}

impl Call {
    fn new(verb: Verb, path: String) -> Self {
        Self { verb, path, query: Vec::new(), body: Value::Null, reply: Reply::Metadata }
    }

    fn with(self, body: Value) -> Self {
        Self { body, ..self }
    }

    fn whole(self) -> Self {
        Self { reply: Reply::Whole, ..self }
    }

    fn dry(mut self) -> Self {
        self.query.push(("dryRun", "All".to_owned()));
        self
    }

    fn validated(mut self, validation: Validation) -> Self {
        if validation == Validation::Strict {
            self.query.push(("fieldValidation", "Strict".to_owned()));
        }
        self
    }

    /// Of a list, the page that follows `token`, which is empty for the first one.
    fn page(mut self, token: &str) -> Self {
        self.query.push(("limit", PAGE.to_string()));
        if !token.is_empty() {
            self.query.push(("continue", token.to_owned()));
        }
        self
    }

    fn written(mut self) -> Self {
        self.query.push(("fieldManager", names::FIELD_MANAGER.to_owned()));
        self
    }
}

/// Objects in a page of a list.
const PAGE: u32 = 500;

fn pods(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods")
}

fn revisions(namespace: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/controllerrevisions")
}

fn workload(namespace: &str, name: &str) -> String {
    format!("/apis/{}/namespaces/{namespace}/hookedworkloads/{name}", names::API_VERSION)
}

/// Creates a Pod.
pub fn create_pod(namespace: &str, manifest: Value) -> Call {
    Call::new(Verb::Create, pods(namespace)).with(manifest).written()
}

/// Asks what would become of the creation of a Pod. Only here a field may be refused that the server does not know: a
/// Pod of a revision that is rolled out must be made whatever is in it.
pub fn try_pod(namespace: &str, manifest: Value, validation: Validation) -> Call {
    create_pod(namespace, manifest).whole().dry().validated(validation)
}

/// Whether there is a Secret of that name. The operator has no right to read Secrets of others unless it is given one;
/// what stands in it is not asked for.
pub fn find_secret(namespace: &str, name: &str) -> Call {
    Call::new(Verb::Get, format!("/api/v1/namespaces/{namespace}/secrets/{name}"))
}

/// Asks for the template of a revision with the API server's defaults. Nothing is stored, and no webhook, quota or
/// policy of Pods is met.
pub fn try_template(namespace: &str, owner: &Owner, revision: &Revision, validation: Validation) -> Call {
    let manifest = json!({
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": object_name(owner, &revision.name)},
        "template": revision.template,
    });
    let path = format!("/api/v1/namespaces/{namespace}/podtemplates");
    Call::new(Verb::Create, path).with(manifest).written().whole().dry().validated(validation)
}

/// Reads a Pod.
pub fn read_pod(namespace: &str, name: &str) -> Call {
    find_pod(namespace, name).whole()
}

/// Takes just this Pod over, as of just this version: the workload is its controller from then on, and our
/// finalizer is on the Pod if that is asked for. The reply is the Pod.
pub fn adopt_pod(
    namespace: &str,
    (name, uid, version): (&str, &str, &str),
    revision: &str,
    owner: &Owner,
    adds_finalizer: bool,
) -> Call {
    let metadata = json!({
        "finalizers": finalizers(adds_finalizer),
        "uid": uid,
        "resourceVersion": version,
        "labels": {names::REVISION_LABEL: revision},
        "ownerReferences": [owner.reference()],
    });
    patch_pod(namespace, name, json!({"metadata": metadata})).whole()
}

/// Reads the metadata of a Pod.
pub fn find_pod(namespace: &str, name: &str) -> Call {
    Call::new(Verb::Get, format!("{}/{name}", pods(namespace)))
}

/// Deletes just this Pod: another of the same name is left alone.
pub fn delete_pod(namespace: &str, pod: &PodRef) -> Call {
    let body = json!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": pod.uid}});
    Call::new(Verb::Delete, format!("{}/{}", pods(namespace), pod.name)).with(body)
}

/// Takes our finalizer off just this Pod.
///
/// A Pod that is being deleted has its managed fields reset by the same write, which is mostly its last one: the API
/// server then does not compute who manages which field of a Pod that is about to be gone (`skipNonAppliedManager` in
/// apimachinery/pkg/util/managedfields/internal), which is a third of what the write costs it.
pub fn remove_pod_finalizer(namespace: &str, name: &str, uid: &str, is_terminating: bool) -> Call {
    let mut change = without_finalizer(uid);
    if is_terminating {
        change["metadata"]["managedFields"] = json!([{}]);
    }
    patch_pod(namespace, name, change)
}

/// Takes our finalizer off just this Pod, as of just this version.
pub fn remove_finalizer_of_version(namespace: &str, name: &str, uid: &str, version: &str) -> Call {
    let mut change = without_finalizer(uid);
    change["metadata"]["resourceVersion"] = version.into();
    patch_pod(namespace, name, change)
}

/// Takes our finalizer and the workload as owner off just this Pod: the Pod lives on without us.
pub fn orphan_pod(namespace: &str, pod: &PodRef, owner: &Owner) -> Call {
    patch_pod(namespace, &pod.name, without_owner(pod, owner))
}

/// Takes our finalizer, the workload as owner, and the number off just this Pod: the Pod lives on, and is
/// nobody's. The hash of its template stays, as on a Pod that a ReplicaSet gives up: the Pod is known by it
/// if its labels match again.
pub fn release_pod(namespace: &str, pod: &PodRef, owner: &Owner) -> Call {
    let mut change = without_owner(pod, owner);
    change["metadata"]["labels"] = json!({names::ORDINAL: null});
    change["metadata"]["annotations"] = json!({names::ORDINAL: null});
    patch_pod(namespace, &pod.name, change)
}

/// Tells just this Pod where the operator is reached now. The kubelet passes the annotations on into its volumes.
pub fn annotate_pod(namespace: &str, pod: &PodRef, annotations: &serde_json::Map<String, Value>) -> Call {
    patch_pod(namespace, &pod.name, json!({"metadata": {"uid": pod.uid, "annotations": annotations}}))
}

/// Writes its number on just this Pod, as of just this version and under that annotation, and puts our finalizer on it
/// if that is asked for.
pub fn number_pod(
    namespace: &str,
    pod: &PodRef,
    (version, annotation): (&str, &str),
    owner: &Owner,
    adds_finalizer: bool,
) -> Call {
    let metadata = json!({
        "uid": pod.uid,
        "resourceVersion": version,
        "annotations": {annotation: ordinal(pod.number, &owner.uid)},
        "finalizers": finalizers(adds_finalizer),
    });
    patch_pod(namespace, &pod.name, json!({"metadata": metadata}))
}

fn finalizers(adds_ours: bool) -> &'static [&'static str] {
    if adds_ours { &[names::ACCOUNTING_FINALIZER] } else { &[] }
}

fn without_owner(pod: &PodRef, owner: &Owner) -> Value {
    let mut change = without_finalizer(&pod.uid);
    change["metadata"]["ownerReferences"] = json!([{"$patch": "delete", "uid": owner.uid}]);
    change
}

fn without_finalizer(uid: &str) -> Value {
    json!({"metadata": {"uid": uid, "$deleteFromPrimitiveList/finalizers": [names::ACCOUNTING_FINALIZER]}})
}

fn patch_pod(namespace: &str, name: &str, change: Value) -> Call {
    Call::new(Verb::StrategicMerge, format!("{}/{name}", pods(namespace))).with(change).written()
}

/// Lists the revisions that are stored of a workload.
pub fn list_revisions(namespace: &str, owner: &Owner) -> Call {
    let mut call = Call::new(Verb::Get, revisions(namespace)).whole();
    call.query.push(("labelSelector", format!("{}={}", names::WORKLOAD_UID_LABEL, owner.uid)));
    call
}

/// Lists the revisions that are stored of all workloads, in a namespace or in all of them: the page that follows
/// `token`, which is empty for the first one.
pub fn list_all_revisions(namespace: Option<&str>, token: &str) -> Call {
    let path = namespace.map_or_else(|| "/apis/apps/v1/controllerrevisions".to_owned(), revisions);
    let mut call = Call::new(Verb::Get, path).whole();
    call.query.push(("labelSelector", names::WORKLOAD_UID_LABEL.to_owned()));
    call.page(token)
}

/// Lists the workloads of a namespace, or of all of them: the page that follows `token`, which is empty for the first
/// one.
pub fn list_workloads(namespace: Option<&str>, token: &str) -> Call {
    let within = namespace.map(|namespace| format!("/namespaces/{namespace}")).unwrap_or_default();
    let path = format!("/apis/{}{within}/hookedworkloads", names::API_VERSION);
    Call::new(Verb::Get, path).whole().page(token)
}

/// Reads a stored revision.
pub fn read_revision(namespace: &str, owner: &Owner, revision: &str) -> Call {
    let name = object_name(owner, revision);
    Call::new(Verb::Get, format!("{}/{name}", revisions(namespace))).whole()
}

/// Stores a revision with its number and, where the user tells it, why it was rolled out. Numbers only have to grow.
pub fn store_revision(
    namespace: &str,
    owner: &Owner,
    revision: &str,
    number: i64,
    change_cause: Option<&str>,
    data: &Value,
) -> Call {
    let mut manifest = json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": object_name(owner, revision),
            "labels": {names::REVISION_LABEL: revision, names::WORKLOAD_UID_LABEL: owner.uid},
            "ownerReferences": [owner.reference()],
        },
        "revision": number,
        "data": data,
    });
    if let Some(cause) = change_cause {
        manifest["metadata"]["annotations"] = json!({names::CHANGE_CAUSE: cause});
    }
    Call::new(Verb::Create, revisions(namespace)).with(manifest).written()
}

/// Gives a stored revision another number, since the user has gone back to it and it is the newest again, and
/// another cause, if there is one.
pub fn mark_revision(
    namespace: &str,
    owner: &Owner,
    revision: &str,
    number: i64,
    change_cause: Option<&str>,
) -> Call {
    let name = object_name(owner, revision);
    let mut change = json!({"revision": number});
    if let Some(cause) = change_cause {
        change["metadata"] = json!({"annotations": {names::CHANGE_CAUSE: cause}});
    }
    Call::new(Verb::Merge, format!("{}/{name}", revisions(namespace))).with(change).written()
}

/// Takes just this stored revision over, as of just this version. The reply is the revision.
pub fn adopt_revision(namespace: &str, owner: &Owner, revision: &str, (uid, version): (&str, &str)) -> Call {
    let name = object_name(owner, revision);
    let metadata = json!({
        "uid": uid,
        "resourceVersion": version,
        "labels": {names::WORKLOAD_UID_LABEL: owner.uid},
        "ownerReferences": [owner.reference()],
    });
    let change = json!({"metadata": metadata});
    Call::new(Verb::Merge, format!("{}/{name}", revisions(namespace))).with(change).written().whole()
}

/// Deletes a stored revision.
pub fn delete_revision(namespace: &str, owner: &Owner, revision: &str) -> Call {
    let name = object_name(owner, revision);
    Call::new(Verb::Delete, format!("{}/{name}", revisions(namespace)))
}

/// Reads the metadata of a workload.
pub fn find_workload(namespace: &str, name: &str) -> Call {
    Call::new(Verb::Get, workload(namespace, name))
}

/// Reads a workload.
pub fn read_workload(namespace: &str, name: &str) -> Call {
    Call::new(Verb::Get, workload(namespace, name)).whole()
}

/// Changes the spec or the annotations of a workload, by a JSON patch that is for just this one.
pub fn patch_workload(namespace: &str, name: &str, patch: Value) -> Call {
    Call::new(Verb::JsonPatch, workload(namespace, name)).with(patch).written()
}

/// Replaces the finalizers of just this workload, at just this version: lists are replaced whole, so others
/// must not have changed it.
pub fn set_workload_finalizers(namespace: &str, owner: &Owner, version: &str, finalizers: &[String]) -> Call {
    let change =
        json!({"metadata": {"finalizers": finalizers, "resourceVersion": version, "uid": owner.uid}});
    Call::new(Verb::Merge, workload(namespace, &owner.name)).with(change).written()
}

/// Replaces the status of just this workload, at just this version.
pub fn write_status(namespace: &str, owner: &Owner, version: &str, status: &Value) -> Call {
    let object = json!({
        "apiVersion": names::API_VERSION,
        "kind": names::KIND,
        "metadata": {"name": owner.name, "namespace": namespace, "uid": owner.uid, "resourceVersion": version},
        "status": status,
    });
    Call::new(Verb::Replace, format!("{}/status", workload(namespace, &owner.name))).with(object).written()
}
