//! Workloads of others are watched as they are: every run of their hooks is counted, and nothing of theirs is changed.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookStatus, HookedWorkload};
use hooked_e2e::{Container, Security, Space, Workload, agree, condition, hook, in_namespace, sh, wait_for};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::{Value, json};

/// Pods whose hooks write a line each.
fn counting(space: &Space) -> Workload {
    let container = Container::polite("web")
        .post_start(sh("echo $HOSTNAME >> /witness/started"))
        .pre_stop(sh("echo $HOSTNAME >> /witness/stopped"));
    Workload::new("web", [container]).replicas(2).witnessed(&space.files)
}

/// All runs of a hook, however they ended.
fn runs(workload: &HookedWorkload, kind: HookKind) -> i64 {
    hook(workload, "web", kind).map_or(0, |counted| {
        let HookStatus { succeeded, failed, timed_out, cancelled, skipped, unknown, .. } = counted;
        succeeded + failed + timed_out + cancelled + skipped + unknown
    })
}

/// Nothing of ours stands on the Pod but a number.
fn is_left_alone(pod: &Pod) -> bool {
    let is_ours = |key: &&String| key.starts_with("hooked.dev/");
    let bears: Vec<&String> = pod.annotations().keys().filter(is_ours).collect();
    let is_number = |key: &&&String| key.starts_with("hooked.dev/ordinal-");
    pod.finalizers().is_empty()
        && pod.labels().keys().filter(is_ours).count() == 0
        && pod.owner_references().iter().all(|owner| owner.kind != "HookedWorkload")
        && bears.len() == 1
        && bears.iter().all(|key| is_number(&key))
}

/// A workload of a kind of Kubernetes' own is watched while its Pods come, are replaced, and go.
async fn check(name: &str, api_version: &str, kind: &str, fields: &Value) -> Result<()> {
    in_namespace(name, Security::Privileged, async |space| {
        space.apply(&Workload::watching("watched", api_version, kind, "web")).await?;
        space
            .until("watched", "it is told that there is none yet", |workload| {
                condition(workload, "Ready").is_some_and(|ready| ready.reason == "ReferentNotFound")
            })
            .await?;
        space.apply_manifest(&counting(space).of_kind(api_version, kind, fields)).await?;
        space
            .until("watched", "it is there, and a start is counted", |workload| {
                let is_there = condition(workload, "Ready").is_some_and(|ready| ready.reason == "Watching");
                is_there && runs(workload, HookKind::PostStart) > 0
            })
            .await?;
        let pods = space.pods("web").await?;
        ensure!(
            pods.iter().all(is_left_alone),
            "{:?}",
            pods.iter().map(|pod| &pod.metadata).collect::<Vec<_>>()
        );
        // One is deleted, and another takes its place.
        let deleted = pods.first().context("no Pod")?.name_any();
        space.kubectl(&["delete", "pod", &deleted, "--timeout=300s"]).await?;
        until_all_are_counted(space, 1).await?;
        agree(space, "watched").await?;
        space.kubectl(&["delete", kind, "web", "--timeout=300s"]).await?;
        space.until_no_pods("web").await?;
        until_all_are_counted(space, 2).await?;
        agree(space, "watched").await?;
        // Nothing holds it.
        space.kubectl(&["delete", "hw", "watched", "--timeout=300s"]).await?;
        Ok(())
    })
    .await
}

/// Waits until as many runs are counted as hooks have written lines, and at least so many stops are among them.
async fn until_all_are_counted(space: &Space, stops: i64) -> Result<()> {
    wait_for("every line is counted", async || {
        let (started, stopped) = (space.files.count("started")?, space.files.count("stopped")?);
        let workload = space.workload("watched").await?;
        let counted = [HookKind::PostStart, HookKind::PreStop].map(|kind| runs(&workload, kind));
        let is_all = counted == [started, stopped] && stopped >= stops;
        Ok(if is_all { Ok(()) } else { Err(format!("{counted:?} of {started} and {stopped}")) })
    })
    .await
}

#[tokio::test]
async fn a_deployment_is_watched() -> Result<()> {
    check("deployment", "apps/v1", "Deployment", &json!({})).await
}

#[tokio::test]
async fn a_stateful_set_is_watched() -> Result<()> {
    let fields = json!({"serviceName": "web", "podManagementPolicy": "Parallel"});
    check("stateful-set", "apps/v1", "StatefulSet", &fields).await
}

#[tokio::test]
async fn a_replica_set_is_watched() -> Result<()> {
    check("replica-set", "apps/v1", "ReplicaSet", &json!({})).await
}

#[tokio::test]
async fn a_daemon_set_is_watched() -> Result<()> {
    check("daemon-set", "apps/v1", "DaemonSet", &json!({"replicas": null})).await
}

#[tokio::test]
async fn jobs_of_a_cron_job_are_watched_from_run_to_run() -> Result<()> {
    in_namespace("cron-job", Security::Privileged, async |space| {
        let container = Container::script("web", "until [ -e /witness/go ]; do sleep 0.1; done")
            .post_start(sh("echo $HOSTNAME >> /witness/started"));
        let job = Workload::new("web", [container])
            .pod_with("restartPolicy", json!("Never"))
            .witnessed(&space.files)
            .of_kind("batch/v1", "Job", &json!({"replicas": null, "selector": null}));
        let fields = json!({"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": job["spec"]}});
        let cron_job =
            json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "web"}, "spec": fields});
        space.apply_manifest(&cron_job).await?;
        space.apply(&Workload::watching("watched", "batch/v1", "CronJob", "web")).await?;
        space.apply(&Workload::watching("one", "batch/v1", "Job", "first")).await?;
        for name in ["first", "second"] {
            space.kubectl(&["create", "job", name, "--from=cronjob/web"]).await?;
        }
        space.files.until_lines("started", 2).await?;
        let counted =
            |expect: i64| move |workload: &HookedWorkload| runs(workload, HookKind::PostStart) == expect;
        space.until("watched", "both starts are counted", counted(2)).await?;
        let one = space.until("one", "its own start is counted", counted(1)).await?;
        let told = condition(&one, "Stalled").context("no condition")?;
        ensure!(told.reason == "WatchOverlap" && told.message.contains("watched"), "{told:?}");
        space.kubectl(&["delete", "hw", "one"]).await?;
        let alone = |workload: &HookedWorkload| {
            condition(workload, "Stalled").is_some_and(|stalled| stalled.reason == "NotStalled")
        };
        space.until("watched", "nobody else watches them", alone).await?;
        space.files.touch("go")?;
        space
            .kubectl(&["wait", "job/first", "job/second", "--for=condition=Complete", "--timeout=300s"])
            .await?;
        let ended =
            |workload: &HookedWorkload| workload.status.as_ref().is_some_and(|status| status.replicas == 0);
        space.until("watched", "both have ended", ended).await?;
        ensure!(runs(&space.workload("watched").await?, HookKind::PostStart) == 2);
        agree(space, "watched").await
    })
    .await
}

/// The definition of a kind that Kubernetes does not know.
fn fleets() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object"}});
    let version = json!({"name": "v1", "served": true, "storage": true, "schema": schema});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "fleets.fleets.example.org"},
        "spec": {
            "group": "fleets.example.org", "scope": "Namespaced", "versions": [version],
            "names": {"plural": "fleets", "singular": "fleet", "kind": "Fleet"},
        },
    })
}

/// A kind that Kubernetes does not know, such as a Rollout: its `ReplicaSet` is made by the scenario.
#[tokio::test]
async fn any_kind_is_watched_to_which_owners_of_a_pod_lead() -> Result<()> {
    in_namespace("any-kind", Security::Privileged, async |space| {
        space.apply(&Workload::watching("watched", "fleets.example.org/v1", "Fleet", "web")).await?;
        let says = |reason: &'static str| {
            move |workload: &HookedWorkload| {
                condition(workload, "Ready").is_some_and(|ready| ready.reason == reason)
            }
        };
        space.until("watched", "nobody knows the kind", says("ReferentKindUnknown")).await?;
        space.apply_manifest(&fleets()).await?;
        space
            .kubectl(&[
                "wait",
                "crd/fleets.fleets.example.org",
                "--for=condition=Established",
                "--timeout=300s",
            ])
            .await?;
        let fleet =
            json!({"apiVersion": "fleets.example.org/v1", "kind": "Fleet", "metadata": {"name": "web"}});
        space.apply_manifest(&fleet).await?;
        let told = space.until("watched", "it may not be read", says("ReferentForbidden")).await?;
        let told = condition(&told, "Stalled").context("no condition")?;
        ensure!(told.message.contains("get on fleets.fleets.example.org"), "{told:?}");

        let fleet: Value =
            serde_json::from_str(&space.kubectl(&["get", "fleet", "web", "--output=json"]).await?)?;
        let owner = json!([{
            "apiVersion": "fleets.example.org/v1", "kind": "Fleet", "name": "web",
            "uid": fleet["metadata"]["uid"], "controller": true,
        }]);
        let mut set = counting(space).of_kind("apps/v1", "ReplicaSet", &json!({}));
        set["metadata"]["ownerReferences"] = owner;
        space.apply_manifest(&set).await?;
        // Its Pods are known by the ReplicaSet, which may be read.
        until_all_are_counted(space, 0).await?;
        let granted = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "watches-fleets", "labels": {"hooked.dev/aggregate-to-controller": "true"}},
            "rules": [{"apiGroups": ["fleets.example.org"], "resources": ["fleets"], "verbs": ["get"]}],
        });
        space.apply_manifest(&granted).await?;
        space.until("watched", "it may be read", says("Watching")).await?;
        space.kubectl(&["delete", "fleet", "web", "--timeout=300s"]).await?;
        space.until_no_pods("web").await?;
        until_all_are_counted(space, 2).await?;
        space.kubectl(&["delete", "clusterrole", "watches-fleets"]).await?;
        space.kubectl(&["delete", "crd", "fleets.fleets.example.org", "--timeout=300s"]).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_a_watching_workload_may_not_have_is_refused_with_the_field() -> Result<()> {
    in_namespace("watch-refused", Security::Baseline, async |space| {
        let check = async |field: &str, value: Value, named: &str| -> Result<()> {
            let watching = Workload::watching("watched", "apps/v1", "Deployment", "web").with(field, value);
            let refused = space.apply(&watching).await.err().context(format!("{field} was taken"))?;
            ensure!(format!("{refused:#}").contains(named), "{refused:#}");
            Ok(())
        };
        let own = Workload::new("web", [Container::polite("web")]);
        let own = own.manifest();
        check("selector", own["spec"]["selector"].clone(), "spec.selector: Forbidden").await?;
        check("template", own["spec"]["template"].clone(), "spec.template: Forbidden").await?;
        check("replicas", json!(2), "spec.replicas: Forbidden").await?;
        check("hooks", json!({"rolloutGate": {}}), "spec.hooks.rolloutGate: Forbidden").await?;
        let nothing = json!({"apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload", "metadata": {"name": "none"}, "spec": {}});
        let refused = space.apply_manifest(&nothing).await.err().context("it was taken")?;
        ensure!(format!("{refused:#}").contains("spec.template: Required value"), "{refused:#}");
        let ours = Workload::watching("watched", "hooked.dev/v1alpha1", "HookedWorkload", "web");
        ensure!(space.apply(&ours).await.is_err(), "a HookedWorkload was to be watched");

        space.apply(&Workload::watching("watched", "apps/v1", "Deployment", "web")).await?;
        let other = space.apply(&Workload::watching("watched", "apps/v1", "Deployment", "api")).await;
        let other = format!("{:#}", other.err().context("another was taken")?);
        ensure!(other.contains("spec.workloadRef") && other.contains("immutable"), "{other}");
        Ok(())
    })
    .await
}
