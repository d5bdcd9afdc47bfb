//! By which Secrets the images of Pods with the runner are pulled.

use serde_json::Value;

use super::{Answer, Question};
use crate::admission::{Admission, Making};
use crate::pass::{Cluster, Failure, call};
use crate::workload::template::Offer;

/// The Secrets that Pods with the runner name.
#[derive(Default)]
pub(super) struct PullSecrets {
    pub(super) names: Vec<String>,
    pub(super) origin: Origin,
}

/// Who says by which Secrets the user's own images are pulled.
#[derive(Default)]
pub(super) enum Origin {
    /// The template, or nobody since no Secret of ours takes the place of others.
    #[default]
    Template,
    /// The service account, as the API server has shown it: what that says may change while the revision stays.
    Account { has_any: bool },
}

impl<C: Cluster> Question<'_, C> {
    /// The Secrets that Pods with the runner name, or what becomes of them without the runner; none where the operator
    /// was told of no Secret. One that a Pod names takes the place of those of its service account, so ours is never
    /// named alone: those that a Pod would have without us are named with it.
    pub(super) async fn pull_secrets(
        &self,
        offer: &Offer,
    ) -> Result<Result<PullSecrets, Admission>, Failure> {
        let Some(ours) = &offer.pull_secret else { return Ok(Ok(PullSecrets::default())) };
        let without =
            |answer, words| self.without_runner(answer, Making::Observed(words)).for_now(self.cluster.now());
        let namespace = &self.subject.site.namespace;
        match self.cluster.send(call::find_secret(namespace, ours)).await {
            Err(failure) if failure.is_not_found() => {
                let words = format!(
                    "the Secret {ours} that --runner-pull-secret names is not in namespace {namespace}: create it there"
                );
                return Ok(Err(without(self.as_written().await?, words)));
            }
            Err(failure) if failure.refusal().is_none() => return Err(failure),
            // Where the operator may not look, the kubelet tells of a Secret that is missing.
            Ok(_) | Err(_) => {}
        }
        let mut secrets = match self.secrets_without_us().await? {
            Ok(secrets) => secrets,
            Err((answer, words)) => return Ok(Err(without(answer, words))),
        };
        if !secrets.names.contains(ours) {
            secrets.names.push(ours.clone());
        }
        Ok(Ok(secrets))
    }

    /// The Secrets that a Pod has without us, or what the API server says to it and why that says nothing of Secrets.
    async fn secrets_without_us(&self) -> Result<Result<PullSecrets, (Answer, String)>, Failure> {
        let spec = &self.revision.template["spec"];
        if spec["imagePullSecrets"].as_array().is_some_and(|secrets| !secrets.is_empty()) {
            return Ok(Ok(PullSecrets { names: names(spec), origin: Origin::Template }));
        }
        let why = "while no Pod is let in, nobody can say by which Secrets its images are pulled";
        let words = match self.as_written().await? {
            Answer::Taken(pod) => {
                let names = names(&pod["spec"]);
                let origin = Origin::Account { has_any: !names.is_empty() };
                return Ok(Ok(PullSecrets { names, origin }));
            }
            answer @ Answer::Malformed(_) => return Ok(Err((answer, why.to_owned()))),
            Answer::Forbidden(words) => words,
        };
        let why = format!("{why}: {words}");
        Ok(Err((Answer::Forbidden(words), why)))
    }
}

/// The pull Secrets that a Pod's spec names.
fn names(spec: &Value) -> Vec<String> {
    let secrets = spec["imagePullSecrets"].as_array().into_iter().flatten();
    let names = secrets.filter_map(|secret| secret["name"].as_str()).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}
