//! How both come to rest.

use std::collections::BTreeMap;

use anyhow::Result;
use hooked_e2e::wait_for;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::asked::Asked;
use super::{Pair, Side};

/// How many looks in a row must show the same before it counts as settled.
const LOOKS: usize = 8;

/// By version: Pods that are there, and those of them that serve.
type Settled = BTreeMap<u32, (usize, usize)>;

/// Waits until both have come to rest, and alike.
pub(super) async fn until_alike(pair: &Pair<'_>, what: &str, asked: &mut Asked) -> Result<()> {
    let mut before = Vec::new();
    wait_for(what, async || {
        let (ours, theirs) =
            (settled(pair, pair.ours, asked).await?, settled(pair, pair.theirs, asked).await?);
        let both = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) if ours == theirs => ours,
            both => {
                before.clear();
                return Ok(Err(format!("{both:?}, asked for {asked:?}")));
            }
        };
        before.retain(|known| *known == both);
        before.push(both.clone());
        Ok(if before.len() >= LOOKS { Ok(()) } else { Err(format!("{both:?}, but only just")) })
    })
    .await?;
    asked.note_rest();
    Ok(())
}

/// The Pods, once nothing is under way that can come to an end.
async fn settled(pair: &Pair<'_>, side: Side<'_>, asked: &Asked) -> Result<Result<Settled, String>> {
    let object = object(side).await?;
    let pods = side.space.pods(side.name).await?;
    let mut settled = Settled::new();
    let mut is_quiet = object["status"]["observedGeneration"] == object["metadata"]["generation"];
    let mut there = 0;
    for pod in &pods {
        let is_lost = pair.lost.is_some() && node(pod) == pair.lost.as_deref();
        // What was on a lost node is to go, and cannot.
        is_quiet &= is_lost == is_terminating(pod);
        if is_terminating(pod) {
            continue;
        }
        is_quiet &= is_ready(pod) || !asked.starts(version(pod));
        let (wanted, serve) = settled.entry(version(pod)).or_default();
        (*wanted, *serve) = (*wanted + 1, *serve + usize::from(is_ready(pod)));
        there += 1;
    }
    let (wanted, room) = asked.pods();
    let is_refused = is_true(&object, "ReplicaFailure");
    if there < room && side.name == "theirs" {
        hurry(side).await?;
    }
    is_quiet &= there >= room;
    // Whoever lacks Pods was refused them, and nobody else was. A Deployment that is paused does not tell.
    if side.name == "ours" || !asked.paused {
        is_quiet &= is_refused == (there < wanted);
    }
    if asked.is_complete() {
        is_quiet &= settled.keys().eq([&asked.version]);
    }
    let told = || format!("{}: {settled:?}, ReplicaFailure {is_refused}, {} Pods", side.name, pods.len());
    Ok(if is_quiet { Ok(settled) } else { Err(told()) })
}

/// A ReplicaSet that was refused Pods waits for ever longer before it tries again, up to a quarter of an hour, but a
/// change of it has it try at once. We try every ten seconds.
async fn hurry(side: Side<'_>) -> Result<()> {
    let sets: Api<ReplicaSet> = Api::namespaced(side.space.cluster.client.clone(), &side.space.name);
    for set in sets.list(&ListParams::default()).await? {
        let looked = json!({"metadata": {"annotations": {"looked-at": Timestamp::now().to_string()}}});
        sets.patch(&set.name_any(), &PatchParams::default(), &Patch::Merge(looked)).await?;
    }
    Ok(())
}

async fn object(side: Side<'_>) -> Result<Value> {
    let Side { space, name } = side;
    Ok(if name == "ours" {
        serde_json::to_value(space.workload(name).await?)?
    } else {
        let deployments: Api<Deployment> = Api::namespaced(space.cluster.client.clone(), &space.name);
        serde_json::to_value(deployments.get(name).await?)?
    })
}

fn is_true(object: &Value, type_: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|known| known["type"] == type_ && known["status"] == "True")
}

pub(super) fn version(pod: &Pod) -> u32 {
    pod.annotations().get("version").and_then(|version| version.parse().ok()).unwrap_or(0)
}

pub(super) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|known| known.type_ == "Ready" && known.status == "True")
}

pub(super) fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

pub(super) fn node(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}
