//! Pods that others make, while they are created: what a workload that watches them asks for is put into them.
//!
//! Whatever cannot be found out leaves a Pod as it is. A Pod gets the runner only in a form that the API server was
//! seen to take, by a dry run for each template: what a policy forbids must not become a Pod that is not made.

mod asking;
mod forms;
mod manner;
mod once;
mod slim;
mod trials;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use asking::{Asking, Sought};
use manner::Wanted;
use once::Once;
pub use slim::SlimWatcher;
use trials::{Kindred, Taken, Trials, question};

use crate::names::REVISION_LABEL;
use crate::pass::call::{self, Validation};
use crate::pass::{Cluster, Failure, Kinds, Locked, find_controller};
use crate::workload::asked::Asked;

/// Where Kubernetes itself runs.
const KUBE_SYSTEM: &str = "kube-system";

/// What is known to answer for Pods of others.
#[derive(Debug, Default)]
pub struct Injector {
    known: Locked<Known>,
    kinds: Locked<Kinds>,
    /// Who controls what, by namespace and UID.
    finding: Once<(String, String)>,
    /// What the API server says to Pods.
    trying: Once<Kindred>,
}

#[derive(Debug, Default)]
struct Known {
    asking: Asking,
    trials: Trials,
}

impl Injector {
    /// A workload is there.
    pub fn show(&self, workload: SlimWatcher) {
        self.known.lock().asking.show(workload);
    }

    /// The workload is gone.
    pub fn gone(&self, workload: &SlimWatcher) {
        self.known.lock().asking.gone(workload);
    }

    /// A complete list of the workloads of a namespace, or of all, begins.
    pub fn list_begins(&self, namespace: Option<&str>) {
        self.known.lock().asking.list_begins(namespace);
    }

    /// The list is complete: what it has not shown is gone.
    pub fn list_ends(&self, namespace: Option<&str>) {
        self.known.lock().asking.list_ends(namespace);
    }

    /// The Pod with what is asked for in it; none if it is to stay as it is. It may be dropped at any time: what it has
    /// found out until then is known.
    pub async fn inject<C: Cluster>(&self, cluster: &C, namespace: &str, pod: &Value) -> Option<Value> {
        // Whatever the webhook's configuration says: without these nobody could mend what has gone wrong.
        if namespace == KUBE_SYSTEM || namespace == cluster.operator() {
            return None;
        }
        if !pod["metadata"]["labels"][REVISION_LABEL].is_null() {
            return None;
        }
        let metadata = ObjectMeta::deserialize(&pod["metadata"]).ok()?;
        let asked = self.asked(cluster, namespace, &metadata).await?;
        let wanted = Wanted::of(cluster, (&metadata, pod), asked).await?;
        let kindred = Kindred::of(namespace, (&metadata, &pod["spec"]), &wanted)?;
        match self.taken(cluster, namespace, pod, (&wanted, &kindred)).await? {
            Taken::As(manner) => wanted.make(pod, manner),
            Taken::InNone => None,
        }
    }

    /// What is asked for in the Pod; none where it cannot be found out.
    async fn asked<C: Cluster>(&self, cluster: &C, namespace: &str, pod: &ObjectMeta) -> Option<Asked> {
        let seek = || self.known.lock().asking.seek(namespace, pod, cluster.now());
        loop {
            let owner = match seek() {
                Sought::Asked(asked) => return Some(asked),
                Sought::Ask(owner) => owner,
            };
            let find = async {
                // Another Pod of the same controller may have had it asked meanwhile.
                if seek() != Sought::Ask(owner.clone()) {
                    return Some(());
                }
                let mut kinds = self.kinds.lock().clone();
                let controlled = find_controller(cluster, &mut kinds, namespace, &owner).await.ok()?;
                *self.kinds.lock() = kinds;
                self.known.lock().asking.learn(namespace, &owner, controlled);
                Some(())
            };
            self.finding.alone(&(namespace.to_owned(), owner.uid.clone()), find).await?;
        }
    }

    /// What the API server says to the Pod with what is wanted in it.
    async fn taken<C: Cluster>(
        &self,
        cluster: &C,
        namespace: &str,
        pod: &Value,
        (wanted, kindred): (&Wanted, &Kindred),
    ) -> Option<Taken> {
        let known = || self.known.lock().trials.known(kindred, cluster.now());
        if let Some(taken) = known() {
            return Some(taken);
        }
        let try_it = async {
            if let Some(taken) = known() {
                return Some(taken);
            }
            let unanswered = Unanswered { injector: self, kindred, cluster };
            let taken = ask(cluster, namespace, pod, wanted).await.ok()?;
            std::mem::forget(unanswered);
            self.known.lock().trials.learn(kindred.clone(), taken, cluster.now());
            Some(taken)
        };
        self.trying.alone(kindred, try_it).await
    }
}

/// A question to the API server that has no answer yet. Should there be none in time, or none that says anything, the
/// next Pods of the template do not wait for one each.
struct Unanswered<'a, C: Cluster> {
    injector: &'a Injector,
    kindred: &'a Kindred,
    cluster: &'a C,
}

impl<C: Cluster> Drop for Unanswered<'_, C> {
    fn drop(&mut self) {
        let now = self.cluster.now();
        self.injector.known.lock().trials.went_unanswered(self.kindred, now);
    }
}

/// Asks the API server for the first manner in which it takes the Pod.
async fn ask<C: Cluster>(
    cluster: &C,
    namespace: &str,
    pod: &Value,
    wanted: &Wanted,
) -> Result<Taken, Failure> {
    let refused = |failure: Failure| failure.refusal().map(|_| ()).ok_or(failure.clone());
    let mut is_pulled = true;
    if let Some(secret) = wanted.pull_secret()
        && let Err(failure) = cluster.send(call::find_secret(namespace, secret)).await
    {
        // Without it the image may not be pulled.
        is_pulled = false;
        refused(failure)?;
    }
    for manner in wanted.manners().into_iter().filter(|manner| is_pulled || manner.runner.is_none()) {
        let Some(made) = wanted.make(pod, manner) else { continue };
        let asked = call::try_pod(namespace, question(&made), Validation::Lenient);
        match cluster.send(asked).await {
            Ok(shown) if manner.is_taken(&shown) => return Ok(Taken::As(manner)),
            Ok(_) => {}
            Err(failure) => refused(failure)?,
        }
    }
    Ok(Taken::InNone)
}

#[cfg(test)]
mod tests;
