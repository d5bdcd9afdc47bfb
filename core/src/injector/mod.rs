//! Pods that others make, while they are created: what a workload that watches them asks for is put into them.
//!
//! Whatever cannot be found out leaves a Pod as it is. A Pod gets the runner only in a form that the API server was
//! seen to take, by a dry run for each template: what a policy forbids must not become a Pod that is not made.

mod asking;
mod forms;
mod slim;
mod trials;

use futures::lock::Mutex;
use hooked_crd::HookPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use asking::{Asking, Sought};
use forms::Stock;
pub use slim::SlimWatcher;
use trials::{Kindred, Taken, Trials, question};

use crate::names::{ACCOUNTING_FINALIZER, HELD_LABEL, REVISION_LABEL};
use crate::pass::call::{self, Validation};
use crate::pass::{Cluster, Failure, Kinds, Locked, find_controller};
use crate::workload::asked::Asked;

/// Where Kubernetes itself runs.
const KUBE_SYSTEM: &str = "kube-system";

/// What is known to answer for Pods of others.
#[derive(Debug, Default)]
pub struct Injector {
    known: Locked<Known>,
    /// Held by who asks, so that each thing is asked once however many Pods are created.
    asking: Mutex<Kinds>,
}

#[derive(Debug, Default)]
struct Known {
    asking: Asking,
    trials: Trials,
}

impl Injector {
    /// A workload is there.
    pub fn show(&self, workload: &SlimWatcher) {
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
        let asked = self.asked(cluster, namespace, pod).await?;
        let injected = match &asked.runner {
            Some(policies) => self.with_runner(cluster, namespace, pod, policies).await,
            None => None,
        };
        let held = if asked.holds { hold(injected.as_ref().unwrap_or(pod)) } else { None };
        held.or(injected)
    }

    /// The Pod with the runner; none if it is to stay without.
    async fn with_runner<C: Cluster>(
        &self,
        cluster: &C,
        namespace: &str,
        pod: &Value,
        policies: &[HookPolicy],
    ) -> Option<Value> {
        let stock = Stock::of(pod, &*cluster.supply().await, cluster.endpoint())?;
        match self.taken(cluster, namespace, pod, (&stock, policies)).await? {
            Taken::As(form) => stock.make(pod, policies, form),
            Taken::InNone => None,
        }
    }

    /// What is asked for in the Pod; none where it cannot be found out.
    async fn asked<C: Cluster>(&self, cluster: &C, namespace: &str, pod: &Value) -> Option<Asked> {
        let metadata = ObjectMeta::deserialize(&pod["metadata"]).ok()?;
        let seek = || self.known.lock().asking.seek(namespace, &metadata, cluster.now());
        loop {
            if let Sought::Asked(asked) = seek() {
                return Some(asked);
            }
            let mut kinds = self.asking.lock().await;
            // Another Pod of the same controller may have had it asked meanwhile.
            if let Sought::Ask(owner) = seek() {
                let controlled = find_controller(cluster, &mut kinds, namespace, &owner).await.ok()?;
                self.known.lock().asking.learn(namespace, &owner.uid, controlled);
            }
        }
    }

    /// What the API server says to the Pod with the runner; none if it cannot be asked.
    async fn taken<C: Cluster>(
        &self,
        cluster: &C,
        namespace: &str,
        pod: &Value,
        (stock, policies): (&Stock, &[HookPolicy]),
    ) -> Option<Taken> {
        let kindred = Kindred::of(pod)?;
        let known = || self.known.lock().trials.known(&kindred, cluster.now());
        if let Some(taken) = known() {
            return Some(taken);
        }
        let _asking = self.asking.lock().await;
        if let Some(taken) = known() {
            return Some(taken);
        }
        let taken = ask(cluster, namespace, pod, (stock, policies)).await.ok()?;
        self.known.lock().trials.learn(kindred, taken, cluster.now());
        Some(taken)
    }
}

/// The Pod with our finalizer, and the label by which it is found should its workload be gone; none if it has that.
fn hold(pod: &Value) -> Option<Value> {
    let mut held = pod.clone();
    let metadata = held["metadata"].as_object_mut()?;
    let mut finalizers = metadata.get("finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    if finalizers.iter().any(|name| name == ACCOUNTING_FINALIZER) {
        return None;
    }
    finalizers.push(ACCOUNTING_FINALIZER.into());
    metadata.insert("finalizers".to_owned(), Value::Array(finalizers));
    let mut labels = metadata.get("labels").and_then(Value::as_object).cloned().unwrap_or_default();
    labels.insert(HELD_LABEL.to_owned(), "true".into());
    metadata.insert("labels".to_owned(), Value::Object(labels));
    Some(held)
}

/// Asks the API server for the first form in which it takes the Pod.
async fn ask<C: Cluster>(
    cluster: &C,
    namespace: &str,
    pod: &Value,
    (stock, policies): (&Stock, &[HookPolicy]),
) -> Result<Taken, Failure> {
    let refused = |failure: Failure| failure.refusal().map(|_| ()).ok_or(failure.clone());
    if let Some(secret) = stock.pull_secret()
        && let Err(failure) = cluster.send(call::find_secret(namespace, secret)).await
    {
        // Without it the image may not be pulled.
        return refused(failure).map(|()| Taken::InNone);
    }
    for form in stock.forms() {
        let Some(injected) = stock.make(pod, policies, form) else { break };
        let asked = call::try_pod(namespace, question(&injected), Validation::Lenient);
        match cluster.send(asked).await {
            Ok(shown) if form.delivery.is_taken(&shown) => return Ok(Taken::As(form)),
            Ok(_) => {}
            Err(failure) => refused(failure)?,
        }
    }
    Ok(Taken::InNone)
}

#[cfg(test)]
mod tests;
