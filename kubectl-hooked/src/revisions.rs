//! The stored revisions of a workload: its objects of the kind `ControllerRevision`, as the operator reads them.

use hooked_core::names;
use hooked_core::workload::revision::Stored;
use hooked_crd::HookedWorkload;
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, ResourceExt};
use serde_json::Value;

use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

/// A stored revision, and its object.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) stored: Stored,
    pub(crate) object: Value,
}

/// The stored revisions of a workload, the oldest first. There are few, as `spec.revisionHistoryLimit` says.
pub(crate) async fn revisions(
    connection: &Connection,
    workload: &HookedWorkload,
) -> Result<Vec<Kept>, RequestError> {
    let namespace = &connection.namespace;
    let request = Request { verb: "list", asked: Asked::Revision, name: "", namespace };
    let kind = ApiResource::erase::<ControllerRevision>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(connection.client.clone(), namespace, &kind);
    let uid = workload.uid().unwrap_or_default();
    let of_workload = ListParams::default().labels(&format!("{}={uid}", names::WORKLOAD_UID_LABEL));
    let listed = api.list(&of_workload).await.map_err(|error| request.failed(&error))?;
    let unreadable = |error| request.failed(&kube::Error::SerdeError(error));
    let objects: Result<Vec<Value>, _> =
        listed.items.into_iter().map(|object| serde_json::to_value(object).map_err(unreadable)).collect();
    Ok(kept(objects?, &uid))
}

/// Those of the objects that belong to the workload with this UID, the oldest first.
pub(crate) fn kept(objects: Vec<Value>, uid: &str) -> Vec<Kept> {
    let ours = objects.into_iter().filter_map(|object| {
        let stored = Stored::of_object(&object, uid)?;
        Some(Kept { stored, object })
    });
    let mut kept: Vec<Kept> = ours.collect();
    kept.sort_by_key(|kept| kept.stored.number);
    kept
}
