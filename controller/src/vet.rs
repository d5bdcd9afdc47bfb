//! Whether the API server takes Pods of a template, asked before anything is done for a new revision.
//!
//! A Deployment's template is checked at admission. Ours cannot be checked there in full, and a rollout that finds out
//! on its first create may have removed a serving Pod before.

use hooked_core::status::Refusal;
use hooked_core::workload::desired::{Desired, Measuring};
use hooked_core::workload::template::{Delivery, Owner, Runner, manifest};
use jiff::Timestamp;
use kube::api::PostParams;
use serde_json::Value;
use thiserror::Error;

use crate::context::{Context, FIELD_MANAGER};
use crate::request;
use crate::verdict::{Verdict, Vetted};

#[derive(Debug, Error)]
pub(crate) enum VetError {
    #[error("the template could not be checked: {}", request::brief(.0))]
    Request(#[from] kube::Error),
    #[error("the request for the check could not be made: {0}")]
    Build(#[from] kube::core::request::Error),
}

/// What the API server says to a Pod.
enum Answer {
    Taken(Value),
    /// The Pod is malformed.
    Malformed(Refusal),
    /// The Pod may be well-formed; a policy or a quota does not let it in.
    Forbidden(String),
}

/// What a pass may act upon.
pub(crate) struct Admission {
    /// With the Pods as they are made.
    pub(crate) desired: Desired,
    /// The server's refusal of the template, if it refuses it.
    pub(crate) refusal: Option<Refusal>,
    /// When the server is to be asked again though nothing has changed.
    pub(crate) ask_again: Option<Timestamp>,
}

/// How Pods are made, and the server's refusal of the template if it refuses it. A Pod that it takes only without the
/// runner is made without it, until it is asked again. Quotas and the like are no matter of the template: they are shown
/// when a Pod is really created.
pub(crate) async fn vet(
    context: &Context,
    namespace: &str,
    owner: &Owner,
    desired: Desired,
) -> Result<Admission, VetError> {
    let key = (owner.uid.clone(), desired.revision.clone());
    let known = context.vetted.lock().get(&key).cloned();
    let verdict = match known {
        Some(known) if known.holds(context.runner.known_delivery(), Timestamp::now()) => known,
        outdated => match judge(context, namespace, owner, &desired).await {
            Ok(Judged::Taken(verdict)) => verdict,
            Ok(Judged::Malformed(refusal)) => {
                return Ok(Admission { desired, refusal: Some(refusal), ask_again: None });
            }
            Err(error) => go_on_with(outdated, namespace, owner, error)?,
        },
    };
    context.vetted.lock().insert(key, verdict.clone());
    let Verdict { vetted, until, .. } = verdict;
    Ok(Admission { desired: vetted.apply(context, desired), refusal: None, ask_again: until })
}

/// A server that cannot be asked again has not changed its mind: the rollout that it let begin does not rest.
fn go_on_with(
    outdated: Option<Verdict>,
    namespace: &str,
    owner: &Owner,
    error: VetError,
) -> Result<Verdict, VetError> {
    let Some(outdated) = outdated else { return Err(error) };
    tracing::warn!(%error, namespace, name = owner.name, "Pods are made as before: the server could not be asked again");
    Ok(outdated.for_now(Timestamp::now()))
}

/// What comes of the server's answers.
enum Judged {
    Taken(Verdict),
    Malformed(Refusal),
}

async fn judge(
    context: &Context,
    namespace: &str,
    owner: &Owner,
    desired: &Desired,
) -> Result<Judged, VetError> {
    if let Some(verdict) = with_runner(context, namespace, owner, desired).await? {
        return Ok(Judged::Taken(verdict));
    }
    Ok(match ask(context, namespace, owner, desired).await? {
        Answer::Malformed(refusal) => Judged::Malformed(refusal),
        Answer::Taken(_) | Answer::Forbidden(_) => Judged::Taken(Verdict::lasting(Vetted::AsWritten)),
    })
}

/// How Pods are made with the runner; none if that is not asked for, or if the template itself is at fault.
async fn with_runner(
    context: &Context,
    namespace: &str,
    owner: &Owner,
    desired: &Desired,
) -> Result<Option<Verdict>, VetError> {
    let runner = context.runner.runner(&context.client).await;
    let delivery = runner.delivery;
    let lasting = |vetted| Verdict::lasting(vetted).with(delivery);
    let for_now = |vetted| lasting(vetted).for_now(Timestamp::now());
    let endpoint = context.live.endpoint();
    let connected = desired.clone().with_runner(&Runner { live: endpoint.clone(), ..runner.clone() });
    match &connected.measuring {
        Measuring::Observed => return Ok(None),
        // No server was asked: it is the template that has no place for the runner.
        Measuring::Unavailable(reason) => {
            return Ok(Some(Verdict::lasting(Vetted::Observed(reason.clone()))));
        }
        Measuring::Runner => {}
    }
    let mut answer = ask(context, namespace, owner, &connected).await?;
    if let Answer::Taken(pod) = &answer
        && is_delivered(pod, delivery)
    {
        return Ok(Some(lasting(Vetted::WithRunner { runner, live: true })));
    }
    if endpoint.is_some() && !matches!(answer, Answer::Taken(_)) {
        // A policy may forbid the live channel's volume and not the runner.
        let alone = ask(context, namespace, owner, &desired.clone().with_runner(&runner)).await?;
        match alone {
            Answer::Taken(pod) if is_delivered(&pod, delivery) => {
                return Ok(Some(for_now(Vetted::WithRunner { runner, live: false })));
            }
            Answer::Taken(_) => answer = alone,
            Answer::Malformed(_) | Answer::Forbidden(_) => {}
        }
    }
    Ok(match ask(context, namespace, owner, desired).await? {
        Answer::Taken(_) => Some(for_now(Vetted::Observed(why_not(answer)))),
        // It is not the runner's fault, as far as can be seen while no Pod is let in.
        Answer::Forbidden(_) => Some(for_now(Vetted::WithRunner { runner, live: true })),
        Answer::Malformed(_) => None,
    })
}

/// Why the runner cannot be put into Pods to which the server says this.
fn why_not(answer: Answer) -> String {
    match answer {
        Answer::Taken(_) => {
            "the API server does not know image volumes; run the operator with --injection=InitContainer"
                .to_owned()
        }
        Answer::Malformed(refusal) => refusal.message,
        Answer::Forbidden(message) => message,
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

#[cfg(test)]
mod tests;
