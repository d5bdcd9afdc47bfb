//! By which Secrets the images of Pods with the runner are pulled.

use super::{Answer, Question};
use crate::admission::{Admission, Making};
use crate::pass::{Cluster, Failure, call};
use crate::workload::template::Offer;

impl<C: Cluster> Question<'_, C> {
    /// The Secrets that Pods with the runner name, or what becomes of them without the runner; none where the operator
    /// was told of no Secret. One that a Pod names takes the place of those of its service account, so ours is never
    /// named alone: those that a Pod would have without us are named with it.
    pub(super) async fn pull_secrets(
        &self,
        offer: &Offer,
    ) -> Result<Result<Vec<String>, Admission>, Failure> {
        let Some(ours) = &offer.pull_secret else { return Ok(Ok(Vec::new())) };
        let observed = |words| Admission::lasting(Making::Observed(words)).for_now(self.cluster.now());
        let namespace = &self.subject.site.namespace;
        match self.cluster.send(call::find_secret(namespace, ours)).await {
            Err(failure) if failure.is_not_found() => {
                return Ok(Err(observed(format!(
                    "the Secret {ours} that --runner-pull-secret names is not in namespace {namespace}: create it there"
                ))));
            }
            Err(failure) if failure.refusal().is_none() => return Err(failure),
            // Where the operator may not look, the kubelet tells of a Secret that is missing.
            Ok(_) | Err(_) => {}
        }
        let mut spec = self.revision.template["spec"].clone();
        if spec["imagePullSecrets"].as_array().is_none_or(Vec::is_empty) {
            spec = match self.as_written().await? {
                Answer::Taken(mut pod) => pod["spec"].take(),
                Answer::Forbidden(words) => {
                    let why = "while no Pod is let in, nobody can say by which Secrets its images are pulled";
                    return Ok(Err(observed(format!("{why}: {words}"))));
                }
                answer @ Answer::Malformed(_) => {
                    return Ok(Err(self.without_runner(answer, Making::AsWritten)));
                }
            };
        }
        let theirs = spec["imagePullSecrets"].as_array().into_iter().flatten();
        let theirs = theirs.filter_map(|secret| secret["name"].as_str()).filter(|name| !name.is_empty());
        let mut all: Vec<String> = theirs.map(str::to_owned).collect();
        if !all.contains(ours) {
            all.push(ours.clone());
        }
        Ok(Ok(all))
    }
}
