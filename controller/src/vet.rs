//! Whether the API server takes Pods of a template, asked before anything is done for a new revision.
//!
//! A Deployment's template is checked at admission. Ours cannot be checked there in full, and a rollout that finds out
//! on its first create may have removed a serving Pod before.

use hooked_core::desired::{Desired, Measuring};
use hooked_core::pod::{Delivery, Owner, Runner, manifest};
use hooked_core::status::Refusal;
use kube::api::PostParams;
use serde_json::Value;
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

/// How Pods of a revision are made, once the API server has said that it takes them.
#[derive(Clone, Debug)]
pub(crate) enum Vetted {
    /// As written.
    AsWritten,
    /// With this runner, and over the live channel if `live`, wherever it is at that time.
    WithRunner { runner: Runner, live: bool },
    /// As written though the runner was asked for.
    Observed(String),
}

impl Vetted {
    fn apply(self, context: &Context, desired: Desired) -> Desired {
        match self {
            Self::AsWritten => desired,
            Self::WithRunner { runner, live } => {
                let live = context.live.endpoint().filter(|_| live);
                desired.with_runner(&Runner { live, ..runner })
            }
            Self::Observed(reason) => desired.observed_because(reason),
        }
    }
}

/// What the API server says to a Pod.
enum Answer {
    Taken(Value),
    /// The Pod is malformed.
    Malformed(Refusal),
    /// The Pod may be well-formed; a policy or a quota does not let it in.
    Forbidden(String),
}

/// How Pods are made, and the server's refusal of the template if it refuses it. A Pod that it takes only without the
/// runner is made without it. Quotas and the like are no matter of the template: they are shown when a Pod is really
/// created.
pub(crate) async fn vet(
    context: &Context,
    namespace: &str,
    owner: &Owner,
    desired: Desired,
) -> Result<(Desired, Option<Refusal>), VetError> {
    let key = (owner.uid.clone(), desired.revision.clone());
    if let Some(known) = context.vetted.lock().get(&key).cloned() {
        return Ok((known.apply(context, desired), None));
    }
    let vetted = match with_runner(context, namespace, owner, &desired).await? {
        Some(vetted) => vetted,
        None => match ask(context, namespace, owner, &desired).await? {
            Answer::Malformed(refusal) => return Ok((desired, Some(refusal))),
            Answer::Taken(_) | Answer::Forbidden(_) => Vetted::AsWritten,
        },
    };
    context.vetted.lock().insert(key, vetted.clone());
    Ok((vetted.apply(context, desired), None))
}

/// How Pods are made with the runner; none if that is not asked for, or if the template itself is at fault.
async fn with_runner(
    context: &Context,
    namespace: &str,
    owner: &Owner,
    desired: &Desired,
) -> Result<Option<Vetted>, VetError> {
    let runner = context.runner.runner(&context.client).await;
    let endpoint = context.live.endpoint();
    let connected = desired.clone().with_runner(&Runner { live: endpoint.clone(), ..runner.clone() });
    match &connected.measuring {
        Measuring::Observed => return Ok(None),
        Measuring::Unavailable(reason) => return Ok(Some(Vetted::Observed(reason.clone()))),
        Measuring::Runner => {}
    }
    let mut answer = ask(context, namespace, owner, &connected).await?;
    let mut live = true;
    if endpoint.is_some() && !matches!(answer, Answer::Taken(_)) {
        // A policy may forbid the live channel's volume and not the runner.
        let alone = ask(context, namespace, owner, &desired.clone().with_runner(&runner)).await?;
        if matches!(alone, Answer::Taken(_)) {
            (answer, live) = (alone, false);
        }
    }
    let reason = match answer {
        Answer::Taken(pod) if is_delivered(&pod, runner.delivery) => {
            return Ok(Some(Vetted::WithRunner { runner, live }));
        }
        Answer::Taken(_) => {
            "the API server does not know image volumes; run the operator with --injection=InitContainer"
                .to_owned()
        }
        Answer::Malformed(refusal) => refusal.message,
        Answer::Forbidden(message) => message,
    };
    match ask(context, namespace, owner, desired).await? {
        Answer::Taken(_) => Ok(Some(Vetted::Observed(reason))),
        // It is not the runner's fault.
        Answer::Forbidden(_) => Ok(Some(Vetted::WithRunner { runner, live: true })),
        Answer::Malformed(_) => Ok(None),
    }
}

/// An API server that does not know image volumes drops the source, and the hook would find no program.
fn is_delivered(pod: &Value, delivery: Delivery) -> bool {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    delivery == Delivery::InitContainer
        || volumes.into_iter().any(|volume| volume["image"]["reference"].is_string())
}

async fn ask(
    context: &Context,
    namespace: &str,
    owner: &Owner,
    desired: &Desired,
) -> Result<Answer, VetError> {
    let name = format!("{}-check", desired.revision);
    let pod = manifest(&desired.pod_template, owner, &name, &desired.revision, 0, desired.evidence);
    let parameters = PostParams { dry_run: true, field_manager: Some(FIELD_MANAGER.to_owned()) };
    let request = request::pods(namespace).create(&parameters, request::body(&pod))?;
    match context.client.request::<Value>(request).await {
        Ok(pod) => Ok(Answer::Taken(pod)),
        Err(error) => match request::refusal(&error) {
            Some(status) if status.code == 422 || status.code == 400 => {
                Ok(Answer::Malformed(refusal_of(status)))
            }
            Some(status) => Ok(Answer::Forbidden(status.message.clone())),
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
