//! Which operator the channel's Service leads to: the one that leads. A standby does not listen.

use hooked_core::names;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use thiserror::Error;

use crate::options::Options;
use crate::request;

#[derive(Debug, Error)]
pub(crate) enum RouteError {
    #[error(
        "the operator's own Pod {0} could not be labelled: {why}; outside of a Pod use --live-advertise-address",
        why = request::brief(.1)
    )]
    Label(String, #[source] Box<kube::Error>),
    #[error("the Pod of the operator that led before could not be found: {}", request::brief(.0))]
    Find(#[source] Box<kube::Error>),
}

/// Has the Service lead to this operator's Pod, and no longer to the Pod of the operator that led before.
pub(super) async fn to_operator(client: &Client, options: &Options) -> Result<(), RouteError> {
    let Options { namespace, pod: this, field_manager, .. } = options;
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    label(&pods, this, &json!("true"), field_manager).await?;
    let labelled = pods.list_metadata(&ListParams::default().labels(names::LEADER_LABEL)).await;
    for pod in labelled.map_err(|error| RouteError::Find(Box::new(error)))? {
        let name = pod.name_any();
        if name != *this {
            label(&pods, &name, &Value::Null, field_manager).await?;
        }
    }
    Ok(())
}

async fn label(pods: &Api<Pod>, name: &str, value: &Value, field_manager: &str) -> Result<(), RouteError> {
    let patch = Patch::Merge(json!({"metadata": {"labels": {names::LEADER_LABEL: value}}}));
    let parameters = PatchParams { field_manager: Some(field_manager.to_owned()), ..PatchParams::default() };
    match pods.patch_metadata(name, &parameters, &patch).await {
        Ok(_) => Ok(()),
        // The Pod that loses the label may be gone by now.
        Err(error) if value.is_null() && request::is_not_found(&error) => Ok(()),
        Err(error) => Err(RouteError::Label(name.to_owned(), Box::new(error))),
    }
}
