//! Which Pods there are, and how often their containers were restarted.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::load::{CRASHING, NAMESPACE};
use crate::kubectl::Kubectl;

/// The Pods that are to live on, by name: UID and restarts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pods(BTreeMap<String, (String, i64)>);

impl Pods {
    /// Those that are there and are not being deleted.
    pub(super) fn that_live(kubectl: &Kubectl) -> Result<Self> {
        let pods = all(kubectl)?;
        let live = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        Ok(Self(
            live.map(|pod| (text(&pod["metadata"]["name"]), (text(&pod["metadata"]["uid"]), restarts(pod))))
                .collect(),
        ))
    }

    /// How many Pods of a workload are among them.
    pub(super) fn of(&self, workload: &str) -> usize {
        self.0.keys().filter(|name| name.starts_with(&format!("{workload}-"))).count()
    }

    /// Fails unless just these live still, and none of their containers was restarted.
    pub(super) fn live_on(&self, kubectl: &Kubectl) -> Result<()> {
        let now = Self::that_live(kubectl)?;
        ensure!(*self == now, "Pods were replaced or restarted:\nbefore {:?}\nnow    {:?}", self.0, now.0);
        Ok(())
    }
}

/// All Pods of the test.
pub(super) fn all(kubectl: &Kubectl) -> Result<Vec<Value>> {
    let pods = kubectl.json(&["-n", NAMESPACE, "get", "pods"])?;
    pods["items"].as_array().cloned().context("a list without items")
}

/// Those of a container that is killed by its own hook are no work of the upgrade's.
fn restarts(pod: &Value) -> i64 {
    if pod["metadata"]["labels"]["app"] == CRASHING {
        return 0;
    }
    let containers = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    containers.filter_map(|container| container["restartCount"].as_i64()).sum()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
