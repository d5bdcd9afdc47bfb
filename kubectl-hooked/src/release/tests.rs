//! A workload, and the objects that are made of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use serde_json::{Value, json};

use super::found::{drifted, releasing, replica_set};
use super::*;
use crate::arguments::{Cli, Command};
use crate::served::{Served, not_found};

fn workload(change: &Value) -> Value {
    let mut workload = json!({
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "w-1", "generation": 2, "labels": {"app": "web"},
            "annotations": {"hooked.dev/adopt-from": "Deployment/web", "team": "a"},
        },
        "spec": {
            "replicas": 2, "hooks": {"measurement": "Observe"},
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web"}]}},
        },
        "status": {
            "observedGeneration": 2, "updateRevision": "rev",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    });
    json_patch::merge(&mut workload, change);
    workload
}

#[test]
fn the_deployment_is_the_workload_by_another_name_and_paused() {
    let made = releasing(&workload(&json!({})));
    let annotations = json!({"team": "a", "hooked.dev/release-from": "w-1", "hooked.dev/revision": "rev"});
    assert_eq!(made["metadata"]["annotations"], annotations);
    let mut spec = workload(&json!({"spec": {"paused": true}}))["spec"].clone();
    spec.as_object_mut().unwrap().remove("hooks");
    assert_eq!(made["spec"], spec);
}

#[test]
fn a_replica_set_selects_pods_of_one_revision() {
    let deployment = releasing(&workload(&json!({})));
    let set = replica_set(&deployment, "rev", &deployment["spec"]["template"], &json!(2));
    let labels = json!({"app": "web", "pod-template-hash": "rev"});
    assert_eq!(set["metadata"]["name"], "web-rev");
    assert_eq!(set["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(
        (&set["spec"]["template"]["metadata"]["labels"], &set["metadata"]["labels"]),
        (&labels, &labels)
    );
}

#[test]
fn a_workload_that_changes_meanwhile_is_followed() {
    let check = |change: &Value, expect: bool| {
        let deployment = releasing(&workload(&json!({})));
        assert_eq!(drifted(&deployment, &workload(change)).is_some(), expect, "{change}");
    };
    check(&json!({}), false);
    check(&json!({"spec": {"replicas": 5}}), true);
    check(&json!({"status": {"updateRevision": "next"}}), true);
    check(&json!({"metadata": {"uid": "w-2"}}), true);
}

#[test]
fn what_is_in_the_way_is_told_with_what_helps() {
    let check = |change: &Value, deployment: Option<Value>, expect: Option<&str>| {
        let (name, workload) = ("web".to_owned(), Some(workload(change)));
        let found = Found { name, workload, deployment, free: Vec::new() };
        let told = obstacles(&found, false);
        assert_eq!(told.is_empty(), expect.is_none(), "{told:?}");
        assert!(told.iter().all(|told| told.contains(expect.unwrap_or_default())), "{told:?}");
    };
    check(&json!({}), None, None);
    check(&json!({}), Some(releasing(&workload(&json!({})))), None);
    check(&json!({}), Some(json!({"metadata": {"name": "web"}})), Some("is there already"));
    check(&json!({"spec": {"paused": true}}), None, Some("`kubectl hooked resume web`"));
    check(&json!({"metadata": {"generation": 3}}), None, Some("rollout is not complete"));
    check(&json!({"metadata": {"deletionTimestamp": "2026-11-22T10:00:00Z"}}), None, Some("being deleted"));
    let flux = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}});
    check(&flux, None, Some("kustomize.toolkit.fluxcd.io/prune: disabled"));
    let (name, workload) = ("web".to_owned(), Some(workload(&json!({}))));
    let found = Found { name, workload, deployment: None, free: vec!["web-old".to_owned()] };
    assert!(obstacles(&found, false)[0].contains("`kubectl delete replicaset web-old"));
}

#[tokio::test]
async fn a_workload_that_watches_has_no_pods_to_give() {
    let watched = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let watching = workload(&json!({"spec": {"workloadRef": watched}}));
    let served = Served::new(move |_, _, _, _| (200, watching.clone()));
    let error = Found::look(&Objects::of(&served.connection()), "web").await.unwrap_err().to_string();
    let expect =
        "HookedWorkload web watches Deployment web, and has no Pods to give: `kubectl delete hw web -n shop`";
    assert!(error.starts_with(expect), "{error}");
}

/// What `release --all` deletes of two workloads that watch, of which one holds Pods, and whether that succeeds.
async fn deleted_by_release_all(flags: &[&str], annotations: Value) -> (Vec<String>, bool) {
    let is_gone = Arc::new(AtomicBool::new(false));
    let watching = move |name: &str, finalizers: &Value| {
        let metadata = json!({
            "namespace": "shop", "name": name, "uid": name, "finalizers": finalizers, "annotations": annotations,
        });
        let watched = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
        json!({"metadata": metadata, "spec": {"workloadRef": watched}})
    };
    let served = Served::new(move |method, path, _, body| match (method, path.rsplit('/').next().unwrap()) {
        ("GET", "hookedworkloads") => {
            let items =
                [watching("observes", &json!([])), watching("holds", &json!(["hooked.dev/accounting"]))];
            (200, json!({"metadata": {}, "items": items}))
        }
        ("GET", "deployments") => (200, json!({"metadata": {}, "items": []})),
        ("DELETE", "holds") => {
            is_gone.fetch_or(body["dryRun"].is_null(), Ordering::Relaxed);
            (200, json!({"kind": "Status", "status": "Success"}))
        }
        ("GET", "holds") if !is_gone.load(Ordering::Relaxed) => (200, watching("holds", &json!([]))),
        _ => {
            let (code, mut status) = not_found();
            status["details"] = json!({"kind": "hookedworkloads"});
            (code, status)
        }
    });
    let command = Cli::parse_from(["kubectl-hooked", "release", "--all"].iter().chain(flags)).command;
    let Command::Release(options) = command else { panic!("another command") };
    let done = run(&served.connection(), &options, &Screen::of_stdout(true)).await;
    let requests = served.asked().into_iter().filter(|line| line.starts_with("DELETE"));
    (requests.collect(), done.is_ok())
}

#[tokio::test]
async fn of_workloads_that_watch_those_go_that_hold_pods() {
    let check = async |flags: &[&str], annotations: Value, (requests, is_done): (usize, bool)| {
        let (deleted, done) = deleted_by_release_all(flags, annotations).await;
        assert_eq!((deleted.len(), done), (requests, is_done), "{flags:?}: {deleted:?}");
        assert!(deleted.iter().all(|line| line.contains("/hookedworkloads/holds?")), "{deleted:?}");
    };
    // Each is tried first.
    check(&[], json!({}), (2, true)).await;
    check(&["--dry-run"], json!({}), (1, true)).await;
    let argo = || json!({"argocd.argoproj.io/tracking-id": "shop:hooked.dev/HookedWorkload:shop/holds"});
    check(&[], argo(), (1, false)).await;
    check(&["--force"], argo(), (2, true)).await;
}
