//! The namespace of a scenario, and all that is done and seen in it.

use anyhow::{Context, Result};
use hooked_crd::{HookKind, HookStatus, HookedWorkload, KillReason};
use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::host::HostDirectory;
use crate::metrics::Metrics;
use crate::wait::wait_for;
use crate::workload::Workload;

/// A namespace that belongs to one scenario.
pub struct Space {
    /// The cluster it is in.
    pub cluster: Cluster,
    /// The namespace's name.
    pub name: String,
    /// A directory of the node for this scenario alone.
    pub files: HostDirectory,
}

impl Space {
    /// What kubectl prints, in this namespace.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.cluster.kubectl(&[&["--namespace", &self.name], arguments].concat()).await
    }

    /// `kubectl apply` of a workload.
    pub async fn apply(&self, workload: &Workload) -> Result<()> {
        self.apply_manifest(workload.manifest()).await
    }

    /// `kubectl apply` of anything.
    pub async fn apply_manifest(&self, manifest: &Value) -> Result<()> {
        let arguments = ["--namespace", &self.name, "apply", "-f", "-"];
        self.cluster.kubectl_reading(&arguments, manifest.to_string()).await?;
        Ok(())
    }

    /// `kubectl scale`.
    pub async fn scale(&self, name: &str, replicas: u32) -> Result<()> {
        self.kubectl(&["scale", "hw", name, &format!("--replicas={replicas}")]).await?;
        Ok(())
    }

    /// The workloads of this namespace.
    pub fn workloads(&self) -> Api<HookedWorkload> {
        Api::namespaced(self.cluster.client.clone(), &self.name)
    }

    /// A workload with its status.
    pub async fn workload(&self, name: &str) -> Result<HookedWorkload> {
        Ok(self.workloads().get(name).await?)
    }

    /// Waits until a workload is as `check` wants it.
    pub async fn until(
        &self,
        name: &str,
        what: &str,
        check: impl Fn(&HookedWorkload) -> bool,
    ) -> Result<HookedWorkload> {
        wait_for(&format!("{name}: {what}"), async || {
            let workload = self.workload(name).await?;
            Ok(if check(&workload) { Ok(workload) } else { Err(status_text(&workload)) })
        })
        .await
    }

    /// Waits until a workload is rolled out: its spec was seen, and all its Pods are of it and available.
    pub async fn until_ready(&self, name: &str) -> Result<HookedWorkload> {
        self.until(name, "is rolled out", |workload| {
            let seen = workload.status.as_ref().and_then(|status| status.observed_generation);
            seen == workload.metadata.generation && condition(workload, "Ready").is_some_and(is_true)
        })
        .await
    }

    /// The Pods of a workload, terminating ones too.
    pub async fn pods(&self, workload: &str) -> Result<Vec<Pod>> {
        let pods: Api<Pod> = Api::namespaced(self.cluster.client.clone(), &self.name);
        Ok(pods.list(&ListParams::default().labels(&format!("app={workload}"))).await?.items)
    }

    /// Waits until a workload has no Pod any more.
    pub async fn until_no_pods(&self, workload: &str) -> Result<()> {
        wait_for(&format!("{workload}: its Pods are gone"), async || {
            let left = self.pods(workload).await?;
            let named = |pod: &Pod| format!("{} {}", pod.name_any(), json!(pod.status));
            Ok(if left.is_empty() {
                Ok(())
            } else {
                Err(left.iter().map(named).collect::<Vec<_>>().join("\n"))
            })
        })
        .await
    }

    /// Scales a workload to nothing and waits until its last run is counted.
    pub async fn until_stopped(&self, name: &str) -> Result<HookedWorkload> {
        self.scale(name, 0).await?;
        self.until_no_pods(name).await?;
        // A Pod goes only after the write that counts its last run.
        self.workload(name).await
    }

    /// The Events about a workload, as reason and message.
    pub async fn events(&self, workload: &str) -> Result<Vec<(String, String)>> {
        let events: Api<Event> = Api::namespaced(self.cluster.client.clone(), &self.name);
        let about = format!("involvedObject.kind=HookedWorkload,involvedObject.name={workload}");
        let events = events.list(&ListParams::default().fields(&about)).await?;
        let words = |event: Event| (event.reason.unwrap_or_default(), event.message.unwrap_or_default());
        Ok(events.into_iter().map(words).collect())
    }

    /// Waits for an Event of this reason about a workload whose message holds `words`.
    pub async fn until_event(&self, workload: &str, reason: &str, words: &str) -> Result<()> {
        wait_for(&format!("{workload}: an Event {reason} that says {words:?}"), async || {
            let events = self.events(workload).await?;
            let found = events.iter().any(|(is, says)| is == reason && says.contains(words));
            Ok(if found { Ok(()) } else { Err(format!("{events:?}")) })
        })
        .await
    }

    /// What the operator serves to Prometheus, of this namespace.
    pub async fn metrics(&self) -> Result<Metrics> {
        Metrics::scrape(&self.cluster, &self.name).await
    }
}

/// A condition of a workload.
pub fn condition<'a>(workload: &'a HookedWorkload, type_: &str) -> Option<&'a Condition> {
    workload.status.as_ref()?.conditions.iter().find(|condition| condition.type_ == type_)
}

/// The counters of one hook of one container.
pub fn hook<'a>(workload: &'a HookedWorkload, container: &str, hook: HookKind) -> Result<&'a HookStatus> {
    let status = workload.status.as_ref().context("no status")?;
    let mut hooks = status.hooks.iter();
    let found = hooks.find(|known| known.container == container && known.hook == hook);
    found.with_context(|| format!("{hook:?} of {container} is not in {}", status_text(workload)))
}

/// All kills of a workload: reasons and how often, in order.
pub fn kills(workload: &HookedWorkload) -> Vec<(KillReason, i64)> {
    let kills = workload.status.iter().flat_map(|status| &status.kills);
    kills.map(|kill| (kill.reason, kill.count)).collect()
}

fn is_true(condition: &Condition) -> bool {
    condition.status == "True"
}

fn status_text(workload: &HookedWorkload) -> String {
    let mut status = json!(workload.status);
    if let Some(fields) = status.as_object_mut() {
        fields.remove("ledger");
    }
    status.to_string()
}
