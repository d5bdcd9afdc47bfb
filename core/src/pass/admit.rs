//! Whether the API server takes Pods of a revision, asked before any is made.
//!
//! A Deployment's template is checked at admission. Ours cannot be checked there in full, and a rollout that
//! finds out on its first create may have removed a serving Pod before.

mod pull_secrets;
mod with_runner;

use std::sync::Arc;

use hooked_crd::Evidence;
use serde_json::Value;

use super::call::Validation;
use super::overlay::Committed;
use super::subject::Subject;
use super::{Cluster, Failure, Locked, Memory, Refused, call};
use crate::admission::{Admission, Making};
use crate::workload::revision::{Measuring, PodSource, Revision};
use crate::workload::template::{Identity, InjectError, Supply, manifest};

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
    let supply = if revision.wants_runner() { Some(cluster.supply().await) } else { None };
    let basis = supply.as_ref().map(|supply| supply.offer(&revision.template["spec"]));
    let known = memory.lock().revisions.admissions.get(&revision.name).cloned();
    let now = cluster.now();
    let shown = before.ledger.unrunnable.get(&revision.name);
    let admission = match known {
        Some(known) if known.holds(basis.as_ref(), now) => return Ok(known.as_shown(shown)),
        outdated => {
            let (validation, is_asked_again) = (before.validation(&revision.name), outdated.is_some());
            let question = Question { cluster, subject, revision, validation, is_asked_again };
            match (question.judge(supply).await, outdated) {
                (Ok(admission), _) => admission.of(basis),
                // A server that cannot be asked again has not changed its mind: a rollout that it let begin goes on.
                (Err(_), Some(outdated)) => outdated.for_now(now),
                (Err(failure), None) => return Err(failure),
            }
        }
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
    /// Whether this process has asked before.
    is_asked_again: bool,
}

impl<C: Cluster> Question<'_, C> {
    async fn judge(&self, supply: Option<Arc<Supply>>) -> Result<Admission, Failure> {
        let Some(supply) = supply else {
            return Ok(self.without_runner(self.as_written().await?, Making::AsWritten));
        };
        let misfit = match supply.offer(&self.revision.template["spec"]) {
            Ok(offer) => return self.with_runner(&supply, &offer).await,
            Err(misfit) => misfit,
        };
        let answer = self.as_written().await?;
        // A namespace or a runtime class may narrow where its Pods land, which only a Pod shows.
        if let (Answer::Taken(pod), InjectError::OtherArchitecture { .. }) = (&answer, &misfit)
            && let Ok(offer) = supply.offer(&pod["spec"])
        {
            let admission = self.with_runner(&supply, &offer).await?;
            return Ok(admission.for_now(self.cluster.now()));
        }
        Ok(self.without_runner(answer, Making::Observed(misfit.to_string())))
    }

    /// What becomes of Pods that are made as they are written, to which the server has said this.
    fn without_runner(&self, answer: Answer, making: Making) -> Admission {
        match answer {
            Answer::Malformed(refused) => Admission::malformed(refused.of_template(), self.cluster.now()),
            Answer::Taken(_) | Answer::Forbidden(_) => Admission::lasting(making),
        }
    }

    async fn as_written(&self) -> Result<Answer, Failure> {
        self.ask(&self.revision.as_written(Measuring::Observed)).await
    }

    async fn ask(&self, source: &PodSource) -> Result<Answer, Failure> {
        let Self { cluster, subject, revision, validation, .. } = self;
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

#[cfg(test)]
mod tests;
