//! The finalizer on the workload itself: it stays until the hooks of its last Pod are counted.

use hooked_core::names;
use hooked_crd::HookedWorkload;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use thiserror::Error;

use crate::context::{Context, FIELD_MANAGER};
use crate::request;

#[derive(Debug, Error)]
pub(crate) enum HoldError {
    #[error("the finalizer of the workload could not be changed: {}", request::brief(.0))]
    Patch(#[source] kube::Error),
    #[error("the request for the finalizer could not be made: {0}")]
    Build(#[from] kube::core::request::Error),
}

/// Puts our finalizer on the workload.
pub(crate) async fn hold(context: &Context, workload: &HookedWorkload) -> Result<(), HoldError> {
    let mut finalizers = workload.finalizers().to_vec();
    finalizers.push(names::ACCOUNTING_FINALIZER.to_owned());
    change(context, workload, &finalizers).await
}

/// Takes our finalizer off the workload.
pub(crate) async fn let_go(context: &Context, workload: &HookedWorkload) -> Result<(), HoldError> {
    let mut finalizers = workload.finalizers().to_vec();
    finalizers.retain(|finalizer| finalizer != names::ACCOUNTING_FINALIZER);
    change(context, workload, &finalizers).await
}

/// Lists are replaced whole, so the workload's other finalizers must not have changed: the version is checked. A
/// status that we have committed meanwhile has changed the version and not the finalizers.
async fn change(
    context: &Context,
    workload: &HookedWorkload,
    finalizers: &[String],
) -> Result<(), HoldError> {
    let (namespace, name) = (workload.namespace().unwrap_or_default(), workload.name_any());
    let version = crate::commit::committed(context, workload).version;
    let patch =
        json!({"metadata": {"finalizers": finalizers, "resourceVersion": version, "uid": workload.uid()}});
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let request = request::workloads(&namespace).patch(&name, &parameters, &Patch::Merge(&patch))?;
    match request::send(&context.client, request).await {
        Ok(_) => Ok(()),
        // It has changed or is gone: the watch will tell.
        Err(error) if request::is_conflict(&error) || request::is_not_found(&error) => Ok(()),
        Err(error) => Err(HoldError::Patch(error)),
    }
}
