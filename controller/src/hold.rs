//! The finalizer on the workload itself: it stays until the hooks of its last Pod are counted.

use hooked_core::names;
use hooked_crd::HookedWorkload;
use kube::ResourceExt;
use kube::api::{ObjectMeta, Patch, PatchParams};
use serde_json::json;
use thiserror::Error;

use crate::commit::committed;
use crate::context::{Context, FIELD_MANAGER};
use crate::request;

#[derive(Debug, Error)]
pub(crate) enum HoldError {
    #[error("the finalizer of the workload could not be changed: {}", request::brief(.0))]
    Patch(#[source] kube::Error),
    #[error("the request for the finalizer could not be made: {0}")]
    Build(#[from] kube::core::request::Error),
}

/// Whether our finalizer is on the workload.
pub(crate) fn is_held(workload: &ObjectMeta) -> bool {
    workload.finalizers.iter().flatten().any(|finalizer| finalizer == names::ACCOUNTING_FINALIZER)
}

/// Puts our finalizer on the workload.
pub(crate) async fn hold(context: &Context, workload: &HookedWorkload) -> Result<(), HoldError> {
    let mut finalizers = workload.finalizers().to_vec();
    finalizers.push(names::ACCOUNTING_FINALIZER.to_owned());
    // A status that we have committed meanwhile has changed the version and not the finalizers.
    let version = committed(context, workload).version;
    change(context, &workload.metadata, &version, &finalizers).await.map(drop)
}

/// Takes our finalizer off the workload, of which `version` is the last that is known. False if it has changed
/// meanwhile or is gone.
pub(crate) async fn let_go(
    context: &Context,
    workload: &ObjectMeta,
    version: &str,
) -> Result<bool, HoldError> {
    let mut finalizers = workload.finalizers.clone().unwrap_or_default();
    finalizers.retain(|finalizer| finalizer != names::ACCOUNTING_FINALIZER);
    change(context, workload, version, &finalizers).await
}

/// Lists are replaced whole, so the workload's other finalizers must not have changed: the version is checked.
async fn change(
    context: &Context,
    workload: &ObjectMeta,
    version: &str,
    finalizers: &[String],
) -> Result<bool, HoldError> {
    let namespace = workload.namespace.as_deref().unwrap_or_default();
    let name = workload.name.as_deref().unwrap_or_default();
    let patch =
        json!({"metadata": {"finalizers": finalizers, "resourceVersion": version, "uid": workload.uid}});
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let request = request::workloads(namespace).patch(name, &parameters, &Patch::Merge(&patch))?;
    match request::send(&context.client, request).await {
        Ok(_) => Ok(true),
        // It has changed or is gone: the watch will tell.
        Err(error) if request::is_conflict(&error) || request::is_not_found(&error) => Ok(false),
        Err(error) => Err(HoldError::Patch(error)),
    }
}
