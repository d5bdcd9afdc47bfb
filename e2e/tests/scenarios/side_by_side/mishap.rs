//! Steps, done to both.

use std::cmp::Reverse;

use anyhow::{Context, Result};
use hooked_e2e::{Nodes, wait_for};
use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, EvictParams};
use serde_json::json;

use super::asked::Asked;
use super::promise::Taken;
use super::rest::{is_ready, is_terminating, node, version};
use super::script::Step;
use super::{Pair, Side};

/// What a Pod is labelled with that is taken out.
const OUTSIDE: &str = "app=outside";
const QUOTA: &str = "few";

/// Does what a step is, and tells what it takes of ours.
pub(super) async fn happen(pair: &mut Pair<'_>, asked: &Asked, step: Step) -> Result<Taken> {
    match step {
        Step::Lose | Step::Evict | Step::TakeOut => {
            for side in pair.sides() {
                lose(side, step).await?;
            }
            return Ok(Taken { lost: 1, by_leave: false });
        }
        Step::Quota(pods) => {
            for side in pair.sides() {
                allow(side, pods).await?;
            }
        }
        Step::LiftQuota => {
            for side in pair.sides() {
                quotas(side).delete(QUOTA, &DeleteParams::default()).await?;
            }
        }
        Step::Drain | Step::Uncordon | Step::LoseNode | Step::FindNode | Step::RemoveNode => {
            let nodes = pair.nodes.context("there is but one node, and it is needed")?;
            return of_node(pair, nodes, step).await;
        }
        Step::Scale(_) | Step::Roll | Step::Break | Step::Undo | Step::Pause | Step::Resume => {
            pair.apply(asked).await?;
        }
    }
    Ok(Taken::default())
}

/// Nobody looks at what was taken out any more, and it would need room in the quota.
pub(super) async fn clear_up(pair: &Pair<'_>) -> Result<()> {
    for side in pair.sides() {
        side.space.kubectl(&["delete", "pods", "-l", OUTSIDE, "--wait=false"]).await?;
    }
    Ok(())
}

/// Has the first Pod that serves, of the oldest version, be lost so.
async fn lose(side: Side<'_>, step: Step) -> Result<()> {
    let mut pods = side.space.pods(side.name).await?;
    pods.retain(|pod| is_ready(pod) && !is_terminating(pod));
    pods.sort_by_key(|pod| (version(pod), pod.name_any()));
    let Some(lost) = pods.first().map(ResourceExt::name_any) else { return Ok(()) };
    match step {
        Step::Evict => {
            wait_for("the budget lets a Pod be evicted", async || {
                let is_evicted = evict(side, &lost).await?;
                Ok(if is_evicted { Ok(()) } else { Err(format!("{lost} is protected")) })
            })
            .await?;
        }
        Step::TakeOut => drop(side.space.kubectl(&["label", "pod", &lost, OUTSIDE, "--overwrite"]).await?),
        _ => drop(side.space.kubectl(&["delete", "pod", &lost, "--wait=false"]).await?),
    }
    Ok(())
}

/// Has a quota for so many Pods be in force.
async fn allow(side: Side<'_>, pods: u32) -> Result<()> {
    let hard = json!({"pods": pods.to_string()});
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": QUOTA}, "spec": {"hard": hard},
    });
    side.space.apply_manifest(&quota).await?;
    wait_for("the quota is in force", async || {
        let status = json!(quotas(side).get(QUOTA).await?.status);
        let is_known = status["hard"] == hard && status["used"]["pods"].is_string();
        Ok(if is_known { Ok(()) } else { Err(status.to_string()) })
    })
    .await
}

async fn of_node(pair: &mut Pair<'_>, nodes: &Nodes, step: Step) -> Result<Taken> {
    match step {
        Step::Drain => {
            let node = fullest(pair, nodes).await?;
            let lost = serving_on(pair.ours, &node).await?;
            nodes.cordon(&node, true).await?;
            pair.cordoned = Some(node.clone());
            drain(pair, &node).await?;
            return Ok(Taken { lost, by_leave: true });
        }
        Step::Uncordon => {
            let node = pair.cordoned.take().context("no node is cordoned")?;
            nodes.cordon(&node, false).await?;
        }
        Step::LoseNode => {
            let node = fullest(pair, nodes).await?;
            let lost = serving_on(pair.ours, &node).await?;
            nodes.lose(&node).await?;
            pair.lost = Some(node);
            return Ok(Taken { lost, by_leave: false });
        }
        Step::FindNode => {
            pair.lost = None;
            nodes.find().await;
        }
        _ => {
            let node = pair.lost.take().context("no node is lost")?;
            nodes.remove(&node).await?;
        }
    }
    Ok(Taken::default())
}

/// The node in use that has the most Pods of ours; of several, the one with the most of theirs.
async fn fullest(pair: &Pair<'_>, nodes: &Nodes) -> Result<String> {
    let ours = pair.ours.space.pods(pair.ours.name).await?;
    let theirs = pair.theirs.space.pods(pair.theirs.name).await?;
    let on = |pods: &[Pod], name: &str| pods.iter().filter(|pod| node(pod) == Some(name)).count();
    let mut names = nodes.names().await;
    names.retain(|name| ![&pair.lost, &pair.cordoned].contains(&&Some(name.clone())));
    names
        .into_iter()
        .min_by_key(|name| Reverse((on(&ours, name), on(&theirs, name))))
        .context("no node is left")
}

async fn serving_on(side: Side<'_>, name: &str) -> Result<usize> {
    let pods = side.space.pods(side.name).await?;
    Ok(pods.iter().filter(|pod| node(pod) == Some(name) && is_ready(pod)).count())
}

/// Evicts the Pods of a node, as `kubectl drain` does: whom the budget protects is asked for again and again.
async fn drain(pair: &Pair<'_>, name: &str) -> Result<()> {
    wait_for("the node is drained", async || {
        let mut protected = Vec::new();
        for side in pair.sides() {
            let pods = side.space.pods(side.name).await?;
            for pod in pods.iter().filter(|pod| node(pod) == Some(name) && !is_terminating(pod)) {
                if !evict(side, &pod.name_any()).await? {
                    protected.push(pod.name_any());
                }
            }
        }
        Ok(if protected.is_empty() { Ok(()) } else { Err(format!("protected: {protected:?}")) })
    })
    .await
}

/// Whether the budget has let the Pod go.
async fn evict(side: Side<'_>, name: &str) -> Result<bool> {
    let pods: Api<Pod> = Api::namespaced(side.space.cluster.client.clone(), &side.space.name);
    match pods.evict(name, &EvictParams::default()).await {
        Err(kube::Error::Api(status)) if status.code == 429 => Ok(false),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(true),
        evicted => Ok(evicted.map(|_| true)?),
    }
}

fn quotas(side: Side<'_>) -> Api<ResourceQuota> {
    Api::namespaced(side.space.cluster.client.clone(), &side.space.name)
}
