//! A Deployment and a HookedWorkload of the same manifest, to which the same happens: what a seed decides. A failure
//! names the seed; `HOOKED_SEED=N` has what another seed decides happen.
//!
//! One script is for Pods that a real kubelet runs. The other is for simulated nodes, so that a node can be drained and
//! be lost, and has a namespace for each of both, so that they have a quota each.

mod asked;
mod mishap;
mod promise;
mod rest;
mod script;

use anyhow::{Context, Result};
use hooked_e2e::{History, Nodes, Security, Space, in_namespace, with_nodes};
use serde_json::{Value, json};

use asked::Asked;
use script::Ground;

/// How many simulated nodes there are: enough for one to be lost while another is drained.
const NODES: usize = 4;
/// A script in which every accident happens. A test says the same each time; other scripts are tried by hand.
const SEED: u64 = 42;

/// One of both, whose Pods bear its name as the label `app`.
#[derive(Clone, Copy)]
struct Side<'a> {
    space: &'a Space,
    name: &'static str,
}

/// Ours and the Deployment, and the nodes of both if these are simulated.
struct Pair<'a> {
    ours: Side<'a>,
    theirs: Side<'a>,
    nodes: Option<&'a Nodes>,
    /// The node of which nobody knows what it does.
    lost: Option<String>,
    cordoned: Option<String>,
}

impl<'a> Pair<'a> {
    fn new(ours: &'a Space, theirs: &'a Space, nodes: Option<&'a Nodes>) -> Self {
        let (ours, theirs) = (Side { space: ours, name: "ours" }, Side { space: theirs, name: "theirs" });
        Self { ours, theirs, nodes, lost: None, cordoned: None }
    }

    fn sides(&self) -> [Side<'a>; 2] {
        [self.ours, self.theirs]
    }

    /// Nobody may evict so many that fewer than half of them serve.
    async fn protect(&self) -> Result<()> {
        for Side { space, name } in self.sides() {
            let budget = json!({
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
                "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"app": name}}},
            });
            space.apply_manifest(&budget).await?;
        }
        Ok(())
    }

    async fn apply(&self, asked: &Asked) -> Result<()> {
        for side in self.sides() {
            let mut manifest = asked.manifest(side.name);
            if let Some(nodes) = self.nodes {
                settle_on(nodes, side.name, &mut manifest["spec"]["template"]["spec"]);
            }
            side.space.apply_manifest(&manifest).await?;
        }
        Ok(())
    }
}

/// Has Pods go to simulated nodes, spread over them, and leave a node that is lost as soon as that is known.
fn settle_on(nodes: &Nodes, name: &str, spec: &mut Value) {
    let leave = |taint: &str| {
        let key = format!("node.kubernetes.io/{taint}");
        json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1})
    };
    spec["tolerations"] = json!([leave("not-ready"), leave("unreachable")]);
    spec["topologySpreadConstraints"] = json!([{
        "topologyKey": "kubernetes.io/hostname", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": name}},
    }]);
    nodes.attract(spec);
}

async fn happen(pair: &mut Pair<'_>, ground: Ground, seed: u64) -> Result<()> {
    let mut asked = Asked::new(ground);
    let mut story = vec![format!("seed {seed}")];
    pair.protect().await?;
    pair.apply(&asked).await?;
    rest::until_alike(pair, "both begin", &mut asked).await?;
    let history = History::record(pair.ours.space, pair.ours.name).await;
    for steps in script::script(ground, seed) {
        story.push(format!("{steps:?}"));
        let what = story.join(", ");
        let since = history.moments().len() - 1;
        let mut promise = promise::Promise::default();
        for step in steps {
            asked.take(step);
            promise.except(mishap::happen(pair, &asked, step).await.with_context(|| what.clone())?);
        }
        rest::until_alike(pair, &what, &mut asked).await?;
        promise.check(&history.moments()[since..], &asked).with_context(|| what)?;
        mishap::clear_up(pair).await?;
    }
    Ok(())
}

fn seed_or(fixed: u64) -> u64 {
    std::env::var("HOOKED_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(fixed)
}

#[tokio::test]
async fn a_script_that_a_seed_decides_ends_as_a_deployments_after_every_step() -> Result<()> {
    in_namespace("side-by-side", Security::Baseline, async |space| {
        happen(&mut Pair::new(space, space, None), Ground::RealNode, seed_or(1)).await
    })
    .await
}

#[tokio::test]
async fn so_does_one_of_quotas_and_of_nodes_that_are_drained_and_lost() -> Result<()> {
    with_nodes(NODES, async |nodes| {
        in_namespace("ours", Security::Baseline, async |ours| {
            in_namespace("theirs", Security::Baseline, async |theirs| {
                let mut pair = Pair::new(ours, theirs, Some(nodes));
                let outcome = happen(&mut pair, Ground::SimulatedNodes, seed_or(SEED)).await;
                // The Pods of a node that stays lost would stay too.
                nodes.find().await;
                outcome
            })
            .await
        })
        .await
    })
    .await
}
