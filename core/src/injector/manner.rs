//! What is wanted in a Pod of others, and the manners in which it may have that.

use hooked_crd::HookPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use super::forms::{Form, Stock};
use crate::lifecycle::has_finalizer;
use crate::names::{ACCOUNTING_FINALIZER, HELD_LABEL};
use crate::pass::Cluster;
use crate::watch::is_held_of_others;
use crate::workload::asked::Asked;

/// What a Pod has of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    /// How the runner comes into it; none if the runner does not.
    pub(super) runner: Option<Form>,
    /// Whether our finalizer is on it.
    pub(super) is_held: bool,
}

/// What is wanted in a Pod, which may be had in part.
#[derive(Debug)]
pub(super) struct Wanted {
    stock: Option<Stock>,
    policies: Vec<HookPolicy>,
    holds: bool,
}

impl Manner {
    /// Whether the API server takes a Pod made so, which it shows.
    pub(super) fn is_taken(self, shown: &Value) -> bool {
        // What the operator would not know as held it would never let go.
        let stays_held =
            || ObjectMeta::deserialize(&shown["metadata"]).is_ok_and(|shown| is_held_of_others(&shown));
        self.runner.is_none_or(|form| form.delivery.is_taken(shown)) && (!self.is_held || stays_held())
    }
}

impl Wanted {
    /// What of that is to be put into the Pod, which may have been here before; none if it is to stay as it is.
    pub(super) async fn of<C: Cluster>(
        cluster: &C,
        (metadata, pod): (&ObjectMeta, &Value),
        asked: Asked,
    ) -> Option<Self> {
        let Asked { runner, holds } = asked;
        let stock = match runner {
            Some(_) => Stock::of(pod, &*cluster.supply().await, cluster.endpoint()),
            None => None,
        };
        let holds = holds && !has_finalizer(metadata);
        (stock.is_some() || holds).then(|| Self { stock, policies: runner.unwrap_or_default(), holds })
    }

    /// Whether the runner is wanted, and the finalizer.
    pub(super) fn parts(&self) -> [bool; 2] {
        [self.stock.is_some(), self.holds]
    }

    /// The Secret of ours that a Pod with the runner is to name.
    pub(super) fn pull_secret(&self) -> Option<&str> {
        self.stock.as_ref()?.pull_secret()
    }

    /// The manners to try, the best one first. A Pod is rather held without the runner than the other way round: a
    /// policy that forbids finalizers says so of every Pod.
    pub(super) fn manners(&self) -> Vec<Manner> {
        let forms: Vec<Form> = self.stock.as_ref().map(Stock::forms).unwrap_or_default();
        let with = |is_held: bool| forms.iter().map(move |form| Manner { runner: Some(*form), is_held });
        let held = with(true).chain([Manner { runner: None, is_held: true }]);
        held.filter(|_| self.holds).chain(with(false)).collect()
    }

    /// The Pod in that manner; none if none of its hooks can run under a runner that it is to have.
    pub(super) fn make(&self, pod: &Value, manner: Manner) -> Option<Value> {
        let with_runner = match manner.runner {
            Some(form) => self.stock.as_ref()?.make(pod, &self.policies, form)?,
            None => pod.clone(),
        };
        if manner.is_held { hold(with_runner) } else { Some(with_runner) }
    }
}

#[cfg(test)]
impl Wanted {
    /// That a Pod is held, and nothing else, for tests.
    pub(super) fn held() -> Self {
        Self { stock: None, policies: Vec::new(), holds: true }
    }
}

/// The Pod with our finalizer, and the label by which it is found should its workload be gone.
fn hold(mut pod: Value) -> Option<Value> {
    let metadata = pod["metadata"].as_object_mut()?;
    let mut finalizers = metadata.get("finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    finalizers.push(ACCOUNTING_FINALIZER.into());
    metadata.insert("finalizers".to_owned(), Value::Array(finalizers));
    let mut labels = metadata.get("labels").and_then(Value::as_object).cloned().unwrap_or_default();
    labels.insert(HELD_LABEL.to_owned(), "true".into());
    metadata.insert("labels".to_owned(), Value::Object(labels));
    Some(pod)
}
