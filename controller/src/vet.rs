//! Whether the API server takes Pods of a template, asked before anything is done for a new revision.
//!
//! A Deployment's template is checked at admission. Ours cannot be checked there in full, and a rollout that finds out
//! on its first create may have removed a serving Pod before.

use hooked_core::desired::Desired;
use hooked_core::pod::{Owner, manifest};
use hooked_core::status::Refusal;
use kube::api::PostParams;
use thiserror::Error;

use crate::context::{Context, FIELD_MANAGER};
use crate::request;

#[derive(Debug, Error)]
pub(crate) enum VetError {
    #[error("the template could not be checked: {}", request::brief(.0))]
    Request(#[from] kube::Error),
    #[error("the request for the check could not be made: {0}")]
    Build(#[from] kube::core::request::Error),
}

/// The server's refusal of the template, if it refuses it. Quotas and the like are no matter of the template: they are
/// shown when a Pod is really created.
pub(crate) async fn vet(
    context: &Context,
    namespace: &str,
    owner: &Owner,
    desired: &Desired,
) -> Result<Option<Refusal>, VetError> {
    let key = (owner.uid.clone(), desired.revision.clone());
    if context.vetted.has(&key) {
        return Ok(None);
    }
    let name = format!("{}-check", desired.revision);
    let pod = manifest(&desired.template, owner, &name, &desired.revision, 0, desired.evidence);
    let parameters = PostParams { dry_run: true, field_manager: Some(FIELD_MANAGER.to_owned()) };
    let request = request::pods(namespace).create(&parameters, request::body(&pod))?;
    match request::send(&context.client, request).await {
        Ok(_) => {
            context.vetted.lock().insert(key);
            Ok(None)
        }
        Err(error) => match request::refusal(&error) {
            Some(status) if status.code == 422 || status.code == 400 => Ok(Some(refusal_of(status))),
            Some(_) => Ok(None),
            None => Err(error.into()),
        },
    }
}

/// The server's words about a Pod, with field paths as they are in the workload.
pub(crate) fn refusal_of(status: &kube::core::Status) -> Refusal {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let named: Vec<String> = causes
        .filter(|cause| !cause.field.is_empty())
        .map(|cause| format!("spec.template.{}: {}", cause.field, cause.message))
        .collect();
    let message = if named.is_empty() { status.message.clone() } else { named.join("; ") };
    Refusal { invalid: status.code == 422 || status.code == 400, message }
}
