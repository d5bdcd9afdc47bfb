//! A Deployment's Pods become a HookedWorkload's and a Deployment's again as they run, while a client asks them through
//! a Service for something all the time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hooked_e2e::{Security, Space, in_namespace, wait_for};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon the next connection follows.
const PAUSE: Duration = Duration::from_millis(20);

/// Three nginx, which serve on for a while when they are stopped.
fn deployment(version: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"team": "a"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"terminationGracePeriodSeconds": 20, "containers": [{
                    "name": "web", "image": "nginx", "imagePullPolicy": "IfNotPresent",
                    "env": [{"name": "VERSION", "value": version}],
                    "ports": [{"containerPort": 80}],
                    "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1},
                    "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
                }]},
            },
        },
    })
}

/// Asks a Service for something all the time, with a connection each, and counts what is not answered.
struct Client {
    ends: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    refused: JoinHandle<Vec<String>>,
}

impl Client {
    async fn start(space: &Space) -> Result<Self> {
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
        });
        space.apply_manifest(&service).await?;
        let services: Api<Service> = Api::namespaced(space.cluster.client.clone(), &space.name);
        let address =
            services.get("web").await?.spec.and_then(|spec| spec.cluster_ip).context("no address")?;
        wait_for("the Service is reached", async || {
            Ok(ask(&address).await.map_err(|error| error.to_string()))
        })
        .await?;
        let (ends, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (until, count) = (Arc::clone(&ends), Arc::clone(&asked));
        let refused = tokio::spawn(async move {
            let mut refused = Vec::new();
            while !until.load(Ordering::Relaxed) {
                if let Err(error) = ask(&address).await {
                    refused.push(format!("{error:#}"));
                }
                count.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
            }
            refused
        });
        Ok(Self { ends, asked, refused })
    }

    /// Ends, and fails if anything was not answered.
    async fn end(self) -> Result<()> {
        self.ends.store(true, Ordering::Relaxed);
        let refused = self.refused.await?;
        let asked = self.asked.load(Ordering::Relaxed);
        ensure!(refused.is_empty(), "{} of {asked} connections had no answer: {refused:?}", refused.len());
        ensure!(asked > 100, "asked {asked} times");
        Ok(())
    }
}

async fn ask(address: &str) -> Result<()> {
    let asked = async {
        let mut stream = TcpStream::connect((address, 80)).await.context("connect")?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.context("write")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.context("read")?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
        Ok(())
    };
    tokio::time::timeout(PATIENCE, asked).await.context("no answer in time")?
}

/// Two revisions are rolled out, one after the other.
async fn deploy(space: &Space) -> Result<()> {
    for version in ["1", "2"] {
        space.apply_manifest(&deployment(version)).await?;
        space.kubectl(&["rollout", "status", "deployment/web", "--timeout=300s"]).await?;
    }
    until_pods(space, 3).await
}

async fn until_pods(space: &Space, wanted: usize) -> Result<()> {
    wait_for("the old Pods are gone", async || {
        let pods = space.pods("web").await?.len();
        Ok(if pods == wanted { Ok(()) } else { Err(format!("{pods}")) })
    })
    .await
}

/// Fails unless the Deployment is rolled out with `ReplicaSets` of so many Pods, and nothing is left of the workload.
async fn is_released(space: &Space, sets: &[i32]) -> Result<()> {
    space.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).await?;
    ensure!(replica_sets(space).await? == sets, "{:?}", replica_sets(space).await?);
    ensure!(space.workloads().get_opt("web").await?.is_none());
    let held = space.pods("web").await?.iter().any(|pod| !pod.finalizers().is_empty());
    ensure!(!held, "a finalizer is left");
    Ok(())
}

/// The UIDs of the Pods, each of which has not been restarted, with who controls them.
async fn pods(space: &Space) -> Result<BTreeMap<String, String>> {
    let owner = |pod: &Pod| {
        let owner = pod.owner_references().iter().find(|owner| owner.controller == Some(true));
        owner.map(|owner| owner.kind.clone()).unwrap_or_default()
    };
    let pods = space.pods("web").await?;
    for pod in &pods {
        let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        for container in statuses {
            ensure!(container.restart_count == 0, "{} was restarted", pod.name_any());
        }
    }
    Ok(pods.iter().map(|pod| (pod.uid().unwrap_or_default(), owner(pod))).collect())
}

/// Fails unless these are the Pods, and that kind controls each.
async fn check(space: &Space, before: &BTreeMap<String, String>, kind: &str) -> Result<()> {
    let now = pods(space).await?;
    ensure!(now.keys().eq(before.keys()), "other Pods: {before:?}, {now:?}");
    ensure!(now.values().all(|owner| owner == kind), "{now:?}");
    Ok(())
}

/// What the autoscaler scales.
async fn scaled(space: &Space) -> Result<String> {
    let path =
        "jsonpath={.spec.scaleTargetRef.apiVersion} {.spec.scaleTargetRef.kind} {.spec.scaleTargetRef.name}";
    space.kubectl(&["get", "hpa", "web", "--output", path]).await
}

/// How many Pods each ReplicaSet has.
async fn replica_sets(space: &Space) -> Result<Vec<i32>> {
    let sets: Api<ReplicaSet> = Api::namespaced(space.cluster.client.clone(), &space.name);
    let sets = sets.list(&ListParams::default()).await?.items;
    let mut counts: Vec<i32> =
        sets.into_iter().map(|set| set.status.map_or(0, |status| status.replicas)).collect();
    counts.sort_unstable();
    Ok(counts)
}

#[tokio::test]
async fn a_deployment_goes_in_rolls_and_goes_out_and_no_connection_is_refused() -> Result<()> {
    in_namespace("moving", Security::Baseline, async |space| {
        deploy(space).await?;
        let client = Client::start(space).await?;
        space.kubectl(&["autoscale", "deployment", "web", "--min=3", "--max=4", "--cpu=50%"]).await?;
        let before = pods(space).await?;

        let told = space.hooked(&["adopt", "deployment/web", "--dry-run"]).await?.succeeded()?;
        ensure!(told.contains("nothing was changed (server dry run)"), "{told}");
        check(space, &before, "ReplicaSet").await?;

        space.hooked(&["adopt", "deployment/web"]).await?.succeeded()?;
        check(space, &before, "HookedWorkload").await?;
        ensure!(replica_sets(space).await?.is_empty());
        ensure!(scaled(space).await? == "hooked.dev/v1alpha1 HookedWorkload web");
        let history = space.hooked(&["history", "web"]).await?.succeeded()?;
        ensure!(history.lines().count() == 3, "two revisions:\n{history}");
        // Who runs it again is told that nothing is left to do.
        space.hooked(&["adopt", "deployment/web"]).await?.succeeded()?;
        check(space, &before, "HookedWorkload").await?;

        // It rolls, old Pods serve meanwhile, and new ones are measured.
        space.hooked(&["restart", "web"]).await?.succeeded()?;
        space.hooked(&["status", "web", "--wait", "--timeout=300s"]).await?.succeeded()?;
        until_pods(space, 3).await?;
        let before = pods(space).await?;

        let told = space.hooked(&["release", "web", "--dry-run"]).await?.succeeded()?;
        ensure!(told.contains("nothing was changed (server dry run)"), "{told}");
        space.hooked(&["release", "web"]).await?.succeeded()?;
        check(space, &before, "ReplicaSet").await?;
        is_released(space, &[0, 0, 3]).await?;
        ensure!(scaled(space).await? == "apps/v1 Deployment web");
        // It is as any other Deployment: also its old revisions are there to go back to.
        space.kubectl(&["rollout", "undo", "deployment/web"]).await?;
        space.kubectl(&["rollout", "status", "deployment/web", "--timeout=300s"]).await?;
        client.end().await
    })
    .await
}

/// Runs the command again and again, each time a little longer before it is killed, until it says that all is done.
/// Meanwhile the Pods are the same.
async fn persist(space: &Space, command: &[&str], before: &BTreeMap<String, String>) -> Result<usize> {
    let mut kills = 0;
    for tenths in 1.. {
        let lives = Duration::from_millis(tenths * 100);
        if let Ok(said) = tokio::time::timeout(lives, space.hooked(command)).await {
            said?.succeeded()?;
            break;
        }
        kills += 1;
        let now = pods(space).await?;
        ensure!(now.keys().eq(before.keys()), "after {kills} kills: {before:?}, {now:?}");
    }
    Ok(kills)
}

#[tokio::test]
async fn whoever_goes_in_or_out_goes_on_wherever_the_command_was_killed() -> Result<()> {
    in_namespace("moving-killed", Security::Baseline, async |space| {
        deploy(space).await?;
        let client = Client::start(space).await?;
        let before = pods(space).await?;
        let kills = persist(space, &["adopt", "deployment/web"], &before).await?;
        ensure!(kills > 3, "killed {kills} times");
        check(space, &before, "HookedWorkload").await?;
        ensure!(replica_sets(space).await?.is_empty());

        let kills = persist(space, &["release", "web"], &before).await?;
        ensure!(kills > 3, "killed {kills} times");
        check(space, &before, "ReplicaSet").await?;
        is_released(space, &[0, 3]).await?;
        client.end().await
    })
    .await
}
