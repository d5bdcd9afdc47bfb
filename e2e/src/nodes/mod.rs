//! Simulated nodes: to API server, scheduler and controllers they are nodes as any other, but no container runs there.
//!
//! Of each there is a Node object with a Lease that is renewed (`object`), and a kubelet of few words (`kubelet`) that
//! says of the Pods which are bound to the node what a real kubelet would (`show`). A node can be lost, come back, and
//! be removed. A node costs no more than a watch of its Pods.

mod kubelet;
mod object;
mod show;
mod words;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use futures::FutureExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;

use crate::cluster::Cluster;

/// The label and the taint of these nodes. Its value says whose they are.
const KEY: &str = "hooked.test/nodes";
/// How long a node waits before it tries again what has failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Nodes that one scenario has to itself.
pub struct Nodes {
    client: Client,
    /// Tells these nodes from those of other scenarios.
    whose: String,
    /// By name, those that have a Node object; what a node does, unless it is lost.
    all: Mutex<BTreeMap<String, Option<Work>>>,
}

/// What a node does, until it is dropped.
struct Work(AbortHandle);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a scenario that has so many nodes to itself, and removes them whatever came of it.
pub async fn with_nodes(count: usize, scenario: impl AsyncFnOnce(&Nodes) -> Result<()>) -> Result<()> {
    let nodes = Nodes::of(Cluster::connect().await?.client);
    let created = nodes.add(count).await;
    let outcome = match created {
        Ok(()) => AssertUnwindSafe(scenario(&nodes)).catch_unwind().await,
        failed => Ok(failed),
    };
    let removed = nodes.remove_all().await;
    outcome.unwrap_or_else(|_| Err(anyhow!("the scenario panicked"))).and(removed)
}

impl Nodes {
    fn of(client: Client) -> Self {
        let whose = format!("{:x}", Timestamp::now().as_nanosecond());
        Self { client, whose, all: Mutex::default() }
    }

    /// So many nodes of a cluster that goes before they do: nobody removes them.
    pub async fn join(client: Client, count: usize) -> Result<Self> {
        let nodes = Self::of(client);
        nodes.add(count).await?;
        Ok(nodes)
    }

    async fn add(&self, count: usize) -> Result<()> {
        for number in 1..=count {
            let name = format!("simulated-{}-{number}", self.whose);
            object::create(&self.client, &name, (KEY, &self.whose)).await?;
            let work = self.start(&name);
            self.all.lock().await.insert(name, Some(work));
        }
        Ok(())
    }

    fn start(&self, name: &str) -> Work {
        let (client, name) = (self.client.clone(), name.to_owned());
        let work = async move { tokio::join!(object::keep(&client, &name), kubelet::run(&client, &name)) };
        Work(tokio::spawn(work).abort_handle())
    }

    /// The names of the nodes that have a Node object, lost ones too.
    pub async fn names(&self) -> Vec<String> {
        self.all.lock().await.keys().cloned().collect()
    }

    /// Has the Pods of this Pod spec go to these nodes and to no other.
    pub fn attract(&self, spec: &mut Value) {
        spec["nodeSelector"] = json!({KEY: self.whose});
        let toleration = json!({"key": KEY, "operator": "Equal", "value": self.whose});
        match spec["tolerations"].as_array_mut() {
            Some(others) => others.push(toleration),
            None => spec["tolerations"] = json!([toleration]),
        }
    }

    /// `kubectl cordon` and `kubectl uncordon`: whether new Pods may be bound to a node.
    pub async fn cordon(&self, name: &str, is_cordoned: bool) -> Result<()> {
        let change = json!({"spec": {"unschedulable": is_cordoned}});
        let nodes: Api<Node> = Api::all(self.client.clone());
        nodes.patch(name, &PatchParams::default(), &Patch::Merge(change)).await?;
        Ok(())
    }

    /// Gives a node another label, such as that of its architecture.
    pub async fn label(&self, name: &str, label: &str, value: &str) -> Result<()> {
        let change = json!({"metadata": {"labels": {label: value}}});
        let nodes: Api<Node> = Api::all(self.client.clone());
        nodes.patch(name, &PatchParams::default(), &Patch::Merge(change)).await?;
        Ok(())
    }

    /// A node says and does nothing any more, as if its power had gone. It takes the node lifecycle controller about a
    /// minute to believe it.
    pub async fn lose(&self, name: &str) -> Result<()> {
        *self.all.lock().await.get_mut(name).with_context(|| format!("no node {name}"))? = None;
        Ok(())
    }

    /// Every lost node is back, and does what it has been told meanwhile.
    pub async fn find(&self) {
        for (name, work) in self.all.lock().await.iter_mut().filter(|(_, work)| work.is_none()) {
            *work = Some(self.start(name));
        }
    }

    /// The Node object goes, as a cloud provider or an administrator removes it. The Pod garbage collector removes the
    /// Pods that were bound to it.
    pub async fn remove(&self, name: &str) -> Result<()> {
        drop(self.all.lock().await.remove(name));
        let nodes: Api<Node> = Api::all(self.client.clone());
        nodes.delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Removes every node, also where one cannot be removed: what stays of the others would take part in scenarios that
    /// follow. Returns the first error.
    async fn remove_all(&self) -> Result<()> {
        let mut outcome = Ok(());
        for name in self.names().await {
            outcome = outcome.and(self.remove(&name).await);
        }
        outcome
    }
}
