//! Pods that a Deployment makes have the runner where a HookedWorkload asks for it and the namespace allows it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookedWorkload, Outcome};
use hooked_e2e::{
    Container, Security, Space, Workload, condition, has_runner, hook, in_namespace, is_held, sh,
};
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

fn says(workload: &HookedWorkload, type_: &str, status: &str) -> bool {
    condition(workload, type_).is_some_and(|condition| condition.status == status)
}

#[tokio::test]
async fn hooks_of_a_deployment_are_measured_where_its_namespace_allows_it() -> Result<()> {
    in_namespace("injected", Security::Privileged, async |space| {
        space.inject("Deployment", &json!({"measurement": "Runner"})).await?;
        space.apply_manifest(&counting(space).of_kind("apps/v1", "Deployment", &json!({}))).await?;
        space.until_rolled_out("deployment").await?;
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
        space.until_rolled_out("deployment").await?;
        ensure!(!space.pods("web").await?.iter().any(has_runner));
        let told = |workload: &HookedWorkload| {
            let words = condition(workload, "Measured").filter(|condition| condition.status == "False");
            words.is_some_and(|words| words.message.contains("in 2 of 2 Pods"))
        };
        space.until("web", "it says that hooks are observed", told).await?;
        space.allow_injector().await?;
        space.kubectl(&["rollout", "restart", "deployment/web"]).await?;
        space.until_rolled_out("deployment").await?;
        space.until("web", "hooks are measured", |workload| says(workload, "Measured", "True")).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pods_of_others_wait_until_they_are_counted_and_live_on_without_the_workload() -> Result<()> {
    in_namespace("held", Security::Privileged, async |space| {
        space.inject("StatefulSet", &json!({"measurement": "Runner", "evidence": "Durable"})).await?;
        space
            .apply_manifest(&counting(space).of_kind(
                "apps/v1",
                "StatefulSet",
                &json!({"serviceName": "web"}),
            ))
            .await?;
        space.until_rolled_out("statefulset").await?;
        let pods = space.pods("web").await?;
        ensure!(pods.len() == 2 && pods.iter().all(|pod| has_runner(pod) && is_held(pod)), "{pods:?}");

        space.kubectl(&["rollout", "restart", "statefulset/web"]).await?;
        space.until_rolled_out("statefulset").await?;
        let counted = |workload: &HookedWorkload| {
            let of = |kind, runs| hook(workload, "web", kind).is_ok_and(|counted| counted.succeeded == runs);
            of(HookKind::PostStart, 4) && of(HookKind::PreStop, 2)
        };
        let workload = space.until("web", "every run is counted", counted).await?;
        let (started, stopped) =
            (hook(&workload, "web", HookKind::PostStart)?, hook(&workload, "web", HookKind::PreStop)?);
        ensure!((started.succeeded, started.unknown, stopped.unknown) == (4, 0, 0), "{:?}", workload.status);
        ensure!(space.files.count("started")? == 4 && space.files.count("stopped")? == 2);

        let before: Vec<_> = space.pods("web").await?.iter().map(ResourceExt::uid).collect();
        space.kubectl(&["delete", "hookedworkload", "web", "--timeout=120s"]).await?;
        let after = space.pods("web").await?;
        ensure!(after.iter().map(ResourceExt::uid).collect::<Vec<_>>() == before, "{after:?}");
        ensure!(after.iter().all(|pod| pod.finalizers().is_empty()), "{after:?}");
        Ok(())
    })
    .await
}

/// What the creation of a Pod takes longer for the injector: figures for docs/injector.md, not a test of them. The two
/// namespaces take turns, so that whatever else the machine does befalls both.
#[tokio::test]
#[allow(clippy::print_stdout, reason = "its words are figures")]
async fn the_creation_of_a_pod_takes_hardly_longer_for_the_injector() -> Result<()> {
    in_namespace("injector-latency", Security::Privileged, async |with| {
        in_namespace("injector-none", Security::Privileged, async |without| {
            with.inject("Deployment", &json!({"measurement": "Runner"})).await?;
            let (mut slow, mut fast) = (Creation::prepare(with).await?, Creation::prepare(without).await?);
            for _ in 0..1000 {
                ensure!(has_runner(&slow.create().await?) && !has_runner(&fast.create().await?));
            }
            let (slow, fast) = (slow.figures(), fast.figures());
            println!("creation of a Pod, p50, p90 and p99: {fast:?} without the injector, {slow:?} with it");
            Ok(())
        })
        .await
    })
    .await
}

/// Dry runs that create a Pod of a Deployment's ReplicaSet, and how long they took.
struct Creation {
    pods: Api<Pod>,
    pod: Pod,
    times: Vec<Duration>,
}

impl Creation {
    async fn prepare(space: &Space) -> Result<Self> {
        let deployment = counting(space).replicas(0).of_kind("apps/v1", "Deployment", &json!({}));
        space.apply_manifest(&deployment).await?;
        space.until_rolled_out("deployment").await?;
        let client = space.cluster.client.clone();
        let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), &space.name);
        let set =
            sets.list(&ListParams::default()).await?.items.into_iter().next().context("no ReplicaSet")?;
        let template = &json!(set)["spec"]["template"];
        let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set.name_any(),
                           "uid": set.uid(), "controller": true});
        let mut pod = json!({"metadata": template["metadata"], "spec": template["spec"]});
        pod["metadata"]["generateName"] = json!("web-");
        pod["metadata"]["ownerReferences"] = json!([owner]);
        let pods = Api::namespaced(client, &space.name);
        Ok(Self { pods, pod: serde_json::from_value(pod)?, times: Vec::new() })
    }

    async fn create(&mut self) -> Result<Pod> {
        let parameters = PostParams { dry_run: true, ..PostParams::default() };
        let began = Instant::now();
        let created = self.pods.create(&parameters, &self.pod).await?;
        self.times.push(began.elapsed());
        Ok(created)
    }

    /// p50, p90 and p99.
    fn figures(mut self) -> [Duration; 3] {
        self.times.sort_unstable();
        [50, 90, 99].map(|percent| self.times[self.times.len() * percent / 100])
    }
}
