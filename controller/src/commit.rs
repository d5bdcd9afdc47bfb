//! The only status writer. A write is conditional on the version that it was computed from, so nothing is counted twice.

use hooked_core::accounting::ledger::Ledger;
use hooked_core::names;
use hooked_core::status::is_news;
use hooked_crd::{HookedWorkload, HookedWorkloadStatus};
use kube::api::PostParams;
use serde_json::json;
use thiserror::Error;

use crate::context::{Context, FIELD_MANAGER};
use crate::request;

#[derive(Debug, Error)]
pub(crate) enum CommitError {
    #[error("the workload has changed meanwhile; the status is computed anew")]
    Conflict,
    #[error("this operator no longer leads: another counts")]
    Deposed,
    #[error("the status could not be written: {}", request::brief(.0))]
    Write(#[source] kube::Error),
    #[error("the request for the status could not be made: {0}")]
    Build(#[from] kube::core::request::Error),
}

/// An own status write that the watch has not shown yet. A write's own reply counts as read back.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    /// Versions that are older than the write.
    superseded: Vec<String>,
    version: String,
    status: HookedWorkloadStatus,
}

/// The status that was last committed, and the version that a new one must replace.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    pub(crate) version: String,
    pub(crate) status: HookedWorkloadStatus,
}

/// What is committed of a workload, own writes that the watch has not shown yet included.
pub(crate) fn committed(context: &Context, workload: &HookedWorkload) -> Committed {
    let version = workload.metadata.resource_version.clone().unwrap_or_default();
    let uid = workload.metadata.uid.clone().unwrap_or_default();
    let mut overlays = context.overlays.lock();
    if let Some(overlay) = overlays.get(&uid) {
        if overlay.superseded.contains(&version) {
            return Committed { version: overlay.version.clone(), status: overlay.status.clone() };
        }
        overlays.remove(&uid);
    }
    Committed { version, status: workload.status.clone().unwrap_or_default() }
}

/// What is to be committed.
pub(crate) struct Commit<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) uid: &'a str,
    pub(crate) before: &'a Committed,
    pub(crate) before_ledger: &'a Ledger,
    pub(crate) status: HookedWorkloadStatus,
    pub(crate) ledger: &'a Ledger,
}

/// Writes the status if it says anything new.
pub(crate) async fn commit(context: &Context, commit: Commit<'_>) -> Result<Committed, CommitError> {
    let Commit { namespace, name, uid, before, before_ledger, status, ledger } = commit;
    if !is_news(&before.status, before_ledger, &status, ledger) {
        return Ok(before.clone());
    }
    let written = write(context, namespace, name, uid, &before.version, &json!(status)).await;
    let version = match written {
        Ok(version) => version,
        Err(WriteError::Request(error)) if request::is_conflict(&error) || request::is_not_found(&error) => {
            // Whatever we believed of this workload is old: only the watch may tell.
            context.overlays.lock().remove(uid);
            return Err(CommitError::Conflict);
        }
        Err(WriteError::Request(error)) => return Err(CommitError::Write(error)),
        Err(WriteError::Build(error)) => return Err(error.into()),
        Err(WriteError::Deposed) => return Err(CommitError::Deposed),
    };
    let mut overlays = context.overlays.lock();
    let mut superseded = overlays.remove(uid).map(|overlay| overlay.superseded).unwrap_or_default();
    superseded.push(before.version.clone());
    overlays.insert(uid.to_owned(), Overlay { superseded, version: version.clone(), status: status.clone() });
    Ok(Committed { version, status })
}

#[derive(Debug, Error)]
pub(crate) enum WriteError {
    #[error("{}", request::brief(.0))]
    Request(kube::Error),
    #[error(transparent)]
    Build(#[from] kube::core::request::Error),
    #[error("this operator no longer leads: another counts")]
    Deposed,
}

/// Replaces the status of just this workload at just this version, and returns the new version.
pub(crate) async fn write(
    context: &Context,
    namespace: &str,
    name: &str,
    uid: &str,
    version: &str,
    status: &serde_json::Value,
) -> Result<String, WriteError> {
    // Asked between the reading of the workload and the write: see `lead`.
    if !context.leadership.holds() {
        return Err(WriteError::Deposed);
    }
    let object = json!({
        "apiVersion": names::API_VERSION,
        "kind": names::KIND,
        "metadata": {"name": name, "namespace": namespace, "uid": uid, "resourceVersion": version},
        "status": status,
    });
    let parameters = PostParams { dry_run: false, field_manager: Some(FIELD_MANAGER.to_owned()) };
    let request = request::workloads(namespace).replace_subresource(
        "status",
        name,
        &parameters,
        request::body(&object),
    )?;
    let reply = request::send(&context.client, request).await.map_err(WriteError::Request)?;
    Ok(reply.resource_version.unwrap_or_default())
}
