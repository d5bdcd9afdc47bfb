//! Whether the API server takes Pods of a revision, asked before any is made.
//!
//! A Deployment's template is checked at admission. Ours cannot be checked there in full, and a rollout that
//! finds out on its first create may have removed a serving Pod before.

use serde_json::Value;

use super::subject::Subject;
use super::{Cluster, Failure, Locked, Memory, call};
use crate::admission::{Admission, Making};
use crate::workload::revision::{Measuring, PodSource, Revision};
use crate::workload::template::{Delivery, Identity, Runner, manifest};
use hooked_crd::Evidence;

/// What the API server says to a Pod.
enum Answer {
    Taken(Value),
    /// The Pod is malformed.
    Malformed(String),
    /// The Pod may be well-formed; a policy or a quota does not let it in.
    Forbidden(String),
}

/// What the API server says to Pods of a revision, and how they are made. A Pod that it takes only without
/// the runner is made without it, until it is asked again. Quotas and the like are no matter of the template:
/// they are shown when a Pod is really created.
pub(super) async fn admit<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    revision: &Revision,
    memory: &Locked<Memory>,
) -> Result<Admission, Failure> {
    let known = memory.lock().revisions.admissions.get(&revision.name).cloned();
    let now = cluster.now();
    let admission = match known {
        Some(known) if known.holds(cluster.delivery(), now) => return Ok(known),
        outdated => match (judge(cluster, subject, revision).await, outdated) {
            (Ok(admission), _) => admission,
            // A server that cannot be asked again has not changed its mind: a rollout that it let begin goes on.
            (Err(_), Some(outdated)) => outdated.for_now(now),
            (Err(failure), None) => return Err(failure),
        },
    };
    memory.lock().revisions.admissions.insert(revision.name.clone(), admission.clone());
    Ok(admission)
}

async fn judge<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    revision: &Revision,
) -> Result<Admission, Failure> {
    if let Some(admission) = with_runner(cluster, subject, revision).await? {
        return Ok(admission);
    }
    let as_written = revision.as_written(Measuring::Observed);
    Ok(match ask(cluster, subject, revision, &as_written).await? {
        Answer::Malformed(words) => Admission::malformed(words, cluster.now()),
        Answer::Taken(_) | Answer::Forbidden(_) => Admission::lasting(Making::AsWritten),
    })
}

/// How Pods are made with the runner; none if that is not asked for, or if the template itself is at fault.
async fn with_runner<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    revision: &Revision,
) -> Result<Option<Admission>, Failure> {
    let runner = cluster.runner().await;
    let delivery = runner.delivery;
    let lasting = |making| Admission::lasting(making).with(delivery);
    let for_now = |making| lasting(making).for_now(cluster.now());
    let endpoint = cluster.endpoint();
    let connected = revision.with_runner(&Runner { live: endpoint.clone(), ..runner.clone() });
    match &connected.measuring {
        Measuring::Observed => return Ok(None),
        // No server was asked: it is the template that has no place for the runner.
        Measuring::Unavailable(reason) => {
            return Ok(Some(Admission::lasting(Making::Observed(reason.clone()))));
        }
        Measuring::Runner => {}
    }
    let mut answer = ask(cluster, subject, revision, &connected).await?;
    if is_delivered(&answer, delivery) {
        return Ok(Some(lasting(Making::WithRunner { runner, live: true })));
    }
    if endpoint.is_some() && !matches!(answer, Answer::Taken(_)) {
        // A policy may forbid the live channel's volume and not the runner.
        let alone = ask(cluster, subject, revision, &revision.with_runner(&runner)).await?;
        if is_delivered(&alone, delivery) {
            return Ok(Some(for_now(Making::WithRunner { runner, live: false })));
        }
        if let Answer::Taken(_) = alone {
            answer = alone;
        }
    }
    let as_written = revision.as_written(Measuring::Observed);
    Ok(match ask(cluster, subject, revision, &as_written).await? {
        Answer::Taken(_) => Some(for_now(Making::Observed(why_not(answer)))),
        // It is not the runner's fault, as far as can be seen while no Pod is let in.
        Answer::Forbidden(_) => Some(for_now(Making::WithRunner { runner, live: true })),
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
        Answer::Malformed(words) | Answer::Forbidden(words) => words,
    }
}

/// Whether the server takes the Pod with the runner in it. One that does not know image volumes drops the
/// source, and the hook would find no program.
fn is_delivered(answer: &Answer, delivery: Delivery) -> bool {
    let Answer::Taken(pod) = answer else { return false };
    let mut volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    delivery == Delivery::InitContainer || volumes.any(|volume| volume["image"]["reference"].is_string())
}

async fn ask<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    revision: &Revision,
    source: &PodSource,
) -> Result<Answer, Failure> {
    let name = format!("{}-check", revision.name);
    let identity = Identity { owner: &subject.site.owner, name: &name, revision: &revision.name, number: 0 };
    let pod = manifest(&source.template, &identity, Evidence::Durable);
    match cluster.send(call::try_pod(&subject.site.namespace, pod)).await {
        Ok(pod) => Ok(Answer::Taken(pod)),
        Err(failure) => match failure.refusal() {
            Some(refused) if refused.is_of_template() => Ok(Answer::Malformed(refused.of_template())),
            Some(refused) => Ok(Answer::Forbidden(refused.message.clone())),
            None => Err(failure),
        },
    }
}
