//! Whether the API server takes Pods of a revision, asked before any is made.
//!
//! A Deployment's template is checked at admission. Ours cannot be checked there in full, and a rollout that
//! finds out on its first create may have removed a serving Pod before.

use serde_json::Value;

use super::call::Validation;
use super::overlay::Committed;
use super::subject::Subject;
use super::{Cluster, Failure, Locked, Memory, Refused, call};
use crate::admission::{Admission, Making};
use crate::workload::revision::{Measuring, PodSource, Revision};
use crate::workload::template::{Delivery, Identity, Runner, manifest};
use hooked_crd::Evidence;

/// The metadata that a template may have (`ObjectMeta`): a Pod gets some of it, and the rest is left out as it is of a
/// Deployment's Pods.
const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// What the API server says to a Pod.
enum Answer {
    Taken(Value),
    /// The Pod is malformed.
    Malformed(Refused),
    /// The Pod may be well-formed; a policy or a quota does not let it in.
    Forbidden(String),
}

/// What the API server says to Pods of a revision, and how they are made. A Pod that it takes only without
/// the runner is made without it, until it is asked again. Quotas and the like are no matter of the template:
/// they are shown when a Pod is really created. A revision of which a Pod has shown that the runner cannot run, as
/// `before` says, is made without it.
pub(super) async fn admit<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
    revision: &Revision,
    memory: &Locked<Memory>,
) -> Result<Admission, Failure> {
    let known = memory.lock().revisions.admissions.get(&revision.name).cloned();
    let now = cluster.now();
    let shown = before.ledger.unrunnable.get(&revision.name);
    let admission = match known {
        Some(known) if known.holds(cluster.delivery(), now) => return Ok(known.as_shown(shown)),
        outdated => match (Question::of(cluster, subject, before, revision).judge().await, outdated) {
            (Ok(admission), _) => admission,
            // A server that cannot be asked again has not changed its mind: a rollout that it let begin goes on.
            (Err(_), Some(outdated)) => outdated.for_now(now),
            (Err(failure), None) => return Err(failure),
        },
    };
    memory.lock().revisions.admissions.insert(revision.name.clone(), admission.clone());
    Ok(admission.as_shown(shown))
}

/// What is asked about a revision.
struct Question<'a, C> {
    cluster: &'a C,
    subject: &'a Subject<'a>,
    revision: &'a Revision,
    validation: Validation,
}

impl<'a, C: Cluster> Question<'a, C> {
    fn of(cluster: &'a C, subject: &'a Subject<'_>, before: &Committed, revision: &'a Revision) -> Self {
        Self { cluster, subject, revision, validation: before.validation(&revision.name) }
    }

    async fn judge(&self) -> Result<Admission, Failure> {
        if let Some(admission) = self.with_runner().await? {
            return Ok(admission);
        }
        Ok(match self.as_written().await? {
            Answer::Malformed(refused) => Admission::malformed(refused.of_template(), self.cluster.now()),
            Answer::Taken(_) | Answer::Forbidden(_) => Admission::lasting(Making::AsWritten),
        })
    }

    /// What becomes of Pods with the runner; none if that is not asked for.
    async fn with_runner(&self) -> Result<Option<Admission>, Failure> {
        let Self { cluster, revision, .. } = self;
        let runner = cluster.runner().await;
        let delivery = runner.delivery;
        let lasting = |making| Admission::lasting(making).with(delivery);
        let for_now = |making| lasting(making).for_now(cluster.now());
        let endpoint = cluster.endpoint();
        let connected = revision.with_runner(&Runner { live: endpoint.clone(), ..runner.clone() });
        match &connected.measuring {
            Measuring::Observed | Measuring::CannotRun(_) => return Ok(None),
            // No server was asked: it is the template that has no place for the runner.
            Measuring::Unavailable(reason) => {
                return Ok(Some(Admission::lasting(Making::Observed(reason.clone()))));
            }
            Measuring::Runner => {}
        }
        let mut answer = self.ask(&connected).await?;
        if is_delivered(&answer, delivery) {
            return Ok(Some(lasting(Making::WithRunner { runner, live: true })));
        }
        if endpoint.is_some() && !matches!(answer, Answer::Taken(_)) {
            // A policy may forbid the live channel's volume and not the runner.
            let alone = self.ask(&revision.with_runner(&runner)).await?;
            if is_delivered(&alone, delivery) {
                return Ok(Some(for_now(Making::WithRunner { runner, live: false })));
            }
            if let Answer::Taken(_) = alone {
                answer = alone;
            }
        }
        Ok(Some(match self.as_written().await? {
            Answer::Taken(_) => for_now(Making::Observed(why_not(answer))),
            // It is not the runner's fault, as far as can be seen while no Pod is let in.
            Answer::Forbidden(_) => for_now(Making::WithRunner { runner, live: true }),
            Answer::Malformed(refused) => Admission::malformed(refused.of_template(), cluster.now()),
        }))
    }

    async fn as_written(&self) -> Result<Answer, Failure> {
        self.ask(&self.revision.as_written(Measuring::Observed)).await
    }

    async fn ask(&self, source: &PodSource) -> Result<Answer, Failure> {
        let Self { cluster, subject, revision, validation } = self;
        let name = format!("{}-check", revision.name);
        let identity =
            Identity { owner: &subject.site.owner, name: &name, revision: &revision.name, number: 0 };
        let mut pod = manifest(&source.template, &identity, Evidence::Durable);
        take_along(&mut pod, &source.template);
        match cluster.send(call::try_pod(&subject.site.namespace, pod, *validation)).await {
            Ok(pod) => Ok(Answer::Taken(pod)),
            Err(failure) => match failure.refusal() {
                Some(refused) if refused.is_of_template() => Ok(Answer::Malformed(refused.clone())),
                Some(refused) => Ok(Answer::Forbidden(refused.message.clone())),
                None => Err(failure),
            },
        }
    }
}

/// Puts what no Pod is made of into a Pod that is only asked about, unless a template may have it: a misspelt field is
/// to be found there too.
fn take_along(pod: &mut Value, template: &Value) {
    let fields = |value: &Value| value.as_object().cloned().unwrap_or_default();
    for (name, value) in fields(&template["metadata"]) {
        if !METADATA.contains(&&*name) {
            pod["metadata"][name] = value;
        }
    }
    for (name, value) in fields(template) {
        if pod[&name].is_null() {
            pod[name] = value;
        }
    }
}

/// Why the runner cannot be put into Pods to which the server says this, though it takes them as they are written.
fn why_not(answer: Answer) -> String {
    let is_image = |field: &str| field.starts_with("spec.volumes[") && field.ends_with("].image");
    match answer {
        // Where it does not drop what it does not know, it is our volume alone: it takes all that the user has written.
        Answer::Malformed(refused) if !refused.unknown_fields().any(is_image) => refused.of_template(),
        Answer::Forbidden(words) => words,
        Answer::Taken(_) | Answer::Malformed(_) => {
            "the API server does not know image volumes; run the operator with --injection=InitContainer"
                .to_owned()
        }
    }
}

/// Whether the server takes the Pod with the runner in it. One that knows image volumes and has them switched off drops
/// the source, as does one that does not know them and is not asked strictly: the hook would find no program.
fn is_delivered(answer: &Answer, delivery: Delivery) -> bool {
    let Answer::Taken(pod) = answer else { return false };
    let mut volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    delivery == Delivery::InitContainer || volumes.any(|volume| volume["image"]["reference"].is_string())
}

#[cfg(test)]
mod tests;
