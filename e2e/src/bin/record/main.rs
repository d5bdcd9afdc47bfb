//! Records what a real kubelet shows of Pods with hooks, as fixtures for inference: `cargo xtask record [SCENARIO…]`.
//!
//! No operator is needed. Each scenario is a plain Pod that a finalizer keeps until its end was seen; what a watch
//! shows of it and of its Events becomes a transcript, with the time at which each was seen.
#![allow(clippy::print_stderr, reason = "a command-line tool speaks on its standard streams")]

mod scenarios;
mod transcript;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hooked_e2e::{Security, Space, in_namespace, wait_for};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use scenarios::{Deed, Scenario, Until};
use transcript::Recording;

/// Keeps the Pod until its end was seen.
const FINALIZER: &str = "hooked.dev/recorded";

#[tokio::main]
async fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let directory = PathBuf::from(words.next().context("usage: record DIRECTORY [SCENARIO…]")?);
    let wanted: Vec<String> = words.collect();
    let known = scenarios::all();
    for name in &wanted {
        let names: Vec<&str> = known.iter().map(|scenario| scenario.name).collect();
        ensure!(names.contains(&&**name), "no scenario {name}; there are {}", names.join(", "));
    }
    let chosen =
        known.into_iter().filter(|known| wanted.is_empty() || wanted.iter().any(|name| name == known.name));
    let recordings = chosen.map(|scenario| record(scenario, &directory));
    futures::future::try_join_all(recordings).await.map(drop)
}

async fn record(scenario: Scenario, directory: &Path) -> Result<()> {
    in_namespace(&format!("record-{}", scenario.name), Security::Privileged, async |space| {
        let recording = Recording::begin(space);
        let recorded = match act(space, &scenario).await {
            Ok(()) => recording.end().await,
            Err(error) => Err(error),
        };
        let_go(space).await?;
        let path = directory.join(format!("{}.json", scenario.name));
        transcript::write(&path, &scenario, &recorded.context(scenario.name)?)?;
        eprintln!("recorded {}", scenario.name);
        Ok(())
    })
    .await
}

async fn act(space: &Space, scenario: &Scenario) -> Result<()> {
    let Scenario { pod, deed, until, .. } = scenario;
    let pods: Api<Pod> = Api::namespaced(space.cluster.client.clone(), &space.name);
    let metadata = json!({"name": "pod", "labels": {"app": "pod"}, "finalizers": [FINALIZER]});
    let manifest: Pod = serde_json::from_value(json!({"metadata": metadata, "spec": pod}))?;
    pods.create(&PostParams::default(), &manifest).await?;
    if !matches!(deed, Deed::Nothing) {
        let ready = if scenario.hangs { Until::Started } else { Until::Running };
        until_seen(space, &pods, ready).await?;
    }
    match deed {
        Deed::Nothing => {}
        Deed::Delete => drop(space.kubectl(&["delete", "pod", "pod", "--wait=false"]).await?),
        Deed::Force => {
            let arguments = ["delete", "pod", "pod", "--wait=false", "--force", "--grace-period=0"];
            space.kubectl(&arguments).await?;
        }
        Deed::ChangeImage => drop(space.kubectl(&["set", "image", "pod/pod", "web=nginx"]).await?),
        Deed::Evict => {
            pods.evict("pod", &kube::api::EvictParams::default()).await?;
        }
    }
    until_seen(space, &pods, *until).await
}

async fn until_seen(space: &Space, pods: &Api<Pod>, until: Until) -> Result<()> {
    wait_for(&format!("{}: {until:?}", space.name), async || {
        let pod = pods.get("pod").await?;
        let status = json!(pod.status);
        let containers = &status["containerStatuses"];
        let each = || containers.as_array().into_iter().flatten();
        let over = matches!(status["phase"].as_str(), Some("Succeeded" | "Failed"));
        let seen = match until {
            Until::Running => {
                each().next().is_some() && each().all(|known| known["state"]["running"].is_object())
            }
            Until::Started => has_event(space, "Started").await?,
            Until::Ended => over,
            Until::Restarted(times) => each().any(|known| known["restartCount"].as_i64() >= Some(times)),
            Until::PastDeadline => is_past_deadline(&pod),
        };
        Ok(if seen { Ok(()) } else { Err(status.to_string()) })
    })
    .await
}

/// Whether the Pod should have been gone for some seconds.
fn is_past_deadline(pod: &Pod) -> bool {
    let late = jiff::SignedDuration::from_secs(15);
    let deadline = pod.metadata.deletion_timestamp.as_ref();
    deadline.is_some_and(|deadline| jiff::Timestamp::now().duration_since(deadline.0) > late)
}

async fn has_event(space: &Space, reason: &str) -> Result<bool> {
    let events = space.kubectl(&["get", "events", "-o", "json"]).await?;
    let events: Value = serde_json::from_str(&events)?;
    Ok(events["items"].as_array().is_some_and(|all| all.iter().any(|event| event["reason"] == reason)))
}

/// Stops the Pod, if it still runs, and takes the finalizer off.
async fn let_go(space: &Space) -> Result<()> {
    space
        .kubectl(&["delete", "pod", "pod", "--wait=false", "--ignore-not-found", "--grace-period=1"])
        .await?;
    for pod in space.pods("pod").await? {
        let patch = json!({"metadata": {"finalizers": null}}).to_string();
        space.kubectl(&["patch", "pod", &pod.name_any(), "--type=merge", "-p", &patch]).await?;
    }
    // A hook that hangs keeps its Pod for ever, and its namespace with it.
    space
        .kubectl(&[
            "delete",
            "pod",
            "pod",
            "--wait=false",
            "--ignore-not-found",
            "--force",
            "--grace-period=0",
        ])
        .await?;
    Ok(())
}
