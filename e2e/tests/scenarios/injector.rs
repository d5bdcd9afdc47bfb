//! Pods that a Deployment makes have the runner where a HookedWorkload asks for it and the namespace allows it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookedWorkload, Outcome};
use hooked_e2e::{Container, Security, Space, Workload, condition, hook, in_namespace, sh};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams, PostParams};
use serde_json::json;

/// The Deployment, whose container says in a file when its hooks run.
fn counting(space: &Space) -> Workload {
    let container = Container::polite("web")
        .post_start(sh("echo run >> /witness/started"))
        .pre_stop(sh("echo run >> /witness/stopped"));
    Workload::new("web", [container]).replicas(2).witnessed(&space.files)
}

async fn allow(space: &Space) -> Result<()> {
    space.kubectl(&["label", "namespace", &space.name, "hooked.dev/inject=enabled"]).await.map(drop)
}

async fn until_rolled_out(space: &Space) -> Result<()> {
    space.kubectl(&["rollout", "status", "deployment/web", "--timeout=300s"]).await.map(drop)
}

fn has_runner(pod: &Pod) -> bool {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.into_iter().any(|volume| volume.name == "hooked-runner")
}

fn says(workload: &HookedWorkload, type_: &str, status: &str) -> bool {
    condition(workload, type_).is_some_and(|condition| condition.status == status)
}

#[tokio::test]
async fn hooks_of_a_deployment_are_measured_where_its_namespace_allows_it() -> Result<()> {
    in_namespace("injected", Security::Privileged, async |space| {
        allow(space).await?;
        space
            .apply(
                &Workload::watching("web", "apps/v1", "Deployment", "web")
                    .with("hooks", json!({"measurement": "Runner"})),
            )
            .await?;
        space.until("web", "the operator knows it", |workload| says(workload, "Ready", "False")).await?;
        space.apply_manifest(&counting(space).of_kind("apps/v1", "Deployment", &json!({}))).await?;
        until_rolled_out(space).await?;
        let pods = space.pods("web").await?;
        ensure!(pods.len() == 2 && pods.iter().all(has_runner), "{pods:?}");
        ensure!(pods.iter().all(|pod| pod.finalizers().is_empty()), "{pods:?}");

        space.kubectl(&["scale", "deployment", "web", "--replicas=0"]).await?;
        space.until_no_pods("web").await?;
        ensure!(space.files.count("started")? == 2 && space.files.count("stopped")? == 2);
        let counted = |workload: &HookedWorkload| {
            [HookKind::PostStart, HookKind::PreStop].into_iter().all(|kind| {
                hook(workload, "web", kind).is_ok_and(|counted| counted.succeeded + counted.unknown == 2)
            })
        };
        let workload = space.until("web", "every run is counted", counted).await?;
        ensure!(hook(&workload, "web", HookKind::PostStart)?.unknown == 0, "{:?}", workload.status);
        ensure!(says(&workload, "Measured", "True"), "{:?}", workload.status);
        let status = workload.status.as_ref().context("no status")?;
        let succeeded = status.recent_runs.iter().filter(|run| run.outcome == Outcome::Succeeded);
        let mut errors = succeeded.map(|run| run.duration_error);
        ensure!(errors.all(|error| error.is_some_and(|error| error.0 == Duration::ZERO)), "{status:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_the_label_of_the_namespace_pods_stay_as_they_are_and_that_is_told() -> Result<()> {
    in_namespace("not-injected", Security::Privileged, async |space| {
        space
            .apply(
                &Workload::watching("web", "apps/v1", "Deployment", "web")
                    .with("hooks", json!({"measurement": "Runner"})),
            )
            .await?;
        space.apply_manifest(&counting(space).of_kind("apps/v1", "Deployment", &json!({}))).await?;
        until_rolled_out(space).await?;
        ensure!(!space.pods("web").await?.iter().any(has_runner));
        let told = |workload: &HookedWorkload| {
            let words = condition(workload, "Measured").filter(|condition| condition.status == "False");
            words.is_some_and(|words| words.message.contains("in 2 of 2 Pods"))
        };
        space.until("web", "it says that hooks are observed", told).await?;
        allow(space).await?;
        space.kubectl(&["rollout", "restart", "deployment/web"]).await?;
        until_rolled_out(space).await?;
        space.until("web", "hooks are measured", |workload| says(workload, "Measured", "True")).await?;
        Ok(())
    })
    .await
}

/// What the creation of a Pod takes longer for the injector: figures for docs/performance.md, not a test of them.
#[tokio::test]
#[allow(clippy::print_stdout, reason = "its words are figures")]
async fn the_creation_of_a_pod_takes_hardly_longer_for_the_injector() -> Result<()> {
    in_namespace("injector-latency", Security::Privileged, async |space| {
        space
            .apply(
                &Workload::watching("web", "apps/v1", "Deployment", "web")
                    .with("hooks", json!({"measurement": "Runner"})),
            )
            .await?;
        space.until("web", "the operator knows it", |workload| says(workload, "Ready", "False")).await?;
        space
            .apply_manifest(&counting(space).replicas(0).of_kind("apps/v1", "Deployment", &json!({})))
            .await?;
        until_rolled_out(space).await?;
        let without = creations(space).await?;
        allow(space).await?;
        // The API server's own watch of namespaces is to show the label.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let with = creations(space).await?;
        println!("creation of a Pod, p50 and p99: {without:?} without the injector, {with:?} with it");
        Ok(())
    })
    .await
}

/// How long dry runs take that create a Pod of the Deployment's ReplicaSet: p50 and p99 of some hundreds.
async fn creations(space: &Space) -> Result<[Duration; 2]> {
    let client = space.cluster.client.clone();
    let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), &space.name);
    let set = sets.list(&ListParams::default()).await?.items.into_iter().next().context("no ReplicaSet")?;
    let template = &json!(set)["spec"]["template"];
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set.name_any(),
                       "uid": set.uid(), "controller": true});
    let mut pod = json!({"metadata": template["metadata"], "spec": template["spec"]});
    pod["metadata"]["generateName"] = json!("web-");
    pod["metadata"]["ownerReferences"] = json!([owner]);
    let pod: Pod = serde_json::from_value(pod)?;
    let pods: Api<Pod> = Api::namespaced(client, &space.name);
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let mut times = Vec::new();
    for _ in 0..500 {
        let began = Instant::now();
        pods.create(&parameters, &pod).await?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok([times[times.len() / 2], times[times.len() * 99 / 100]])
}
