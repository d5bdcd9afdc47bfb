//! What becomes of a namespace.

use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::arguments::{Cli, Command};
use crate::served::{Served, forbidden, not_found};

fn options(words: &str) -> ObserveOptions {
    let words = ["kubectl-hooked", "observe"].into_iter().chain(words.split(' '));
    let Command::Observe(options) = Cli::parse_from(words).command else { panic!("another command") };
    options
}

fn object(name: &str, is_controlled: bool) -> Value {
    let owners = if is_controlled {
        json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d", "controller": true}])
    } else {
        json!([])
    };
    json!({"metadata": {"name": name, "ownerReferences": owners}})
}

fn watcher(name: &str, kind: &str, watched: &str, is_made: bool) -> Value {
    let labels =
        if is_made { json!({"app.kubernetes.io/managed-by": "kubectl-hooked-observe"}) } else { json!({}) };
    json!({
        "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload",
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "labels": labels},
        "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": kind, "name": watched}},
    })
}

/// A namespace with a Deployment `web` and its ReplicaSet, a StatefulSet of the same name, a Job of nobody's, and
/// HookedWorkloads. DaemonSets may not be listed.
fn namespace(watchers: Vec<Value>) -> Served {
    Served::new(move |method, path, _, body| {
        let items = |items: Vec<Value>| (200, json!({"metadata": {}, "items": items}));
        match (method, path.rsplit('/').next().unwrap_or_default()) {
            ("GET", "hookedworkloads") => items(watchers.clone()),
            ("GET", "deployments" | "statefulsets") => items(vec![object("web", false)]),
            ("GET", "replicasets") => items(vec![object("web-1", true), object("alone", false)]),
            ("GET", "jobs") => items(vec![object("once", false)]),
            ("GET", "cronjobs") => items(Vec::new()),
            ("GET", "daemonsets") => forbidden(),
            ("GET", "web") => (200, object("web", false)),
            ("POST", "hookedworkloads") => (201, body.clone()),
            ("DELETE", _) => (200, json!({"kind": "Status", "status": "Success"})),
            _ => not_found(),
        }
    })
}

async fn check(words: &str, watchers: Vec<Value>, expect: &[&str]) {
    let served = namespace(watchers);
    let screen = Screen::of_stdout(true);
    run(&served.connection(), &options(words), &screen).await.unwrap();
    let written: Vec<String> =
        served.written().iter().map(|line| line.split('?').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(written, expect, "{words}");
}

const WORKLOADS: &str = "POST /apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads";
const DELETE_OLD: &str = "DELETE /apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads/old";

#[tokio::test]
async fn one_workload_is_watched_once() {
    check("deployment/web", Vec::new(), &[WORKLOADS]).await;
    check("deploy/web", vec![watcher("any", "Deployment", "web", false)], &[]).await;
    check("deployment/web --dry-run", Vec::new(), &[]).await;
    check("deployment/web -o yaml", Vec::new(), &[]).await;
}

#[tokio::test]
async fn all_of_a_namespace_is_watched_but_what_is_watched_with_its_controller() {
    // web, web-statefulset, alone, once
    check("--all", Vec::new(), &[WORKLOADS; 4]).await;
    check("--all", vec![watcher("web", "Deployment", "web", true)], &[WORKLOADS; 3]).await;
}

#[tokio::test]
async fn what_is_gone_is_watched_no_longer_where_this_command_had_it_watched() {
    let of = |kind: &str, is_made: bool| {
        let seen = ["web", "alone", "once"].map(|name| {
            let kind = if name == "web" {
                "Deployment"
            } else if name == "once" {
                "Job"
            } else {
                "ReplicaSet"
            };
            let mut watcher = watcher(name, kind, name, true);
            if name == "once" {
                watcher["spec"]["workloadRef"]["apiVersion"] = "batch/v1".into();
            }
            watcher
        });
        let set = watcher("set", "StatefulSet", "web", true);
        seen.into_iter().chain([set, watcher("old", kind, "gone", is_made)]).collect::<Vec<_>>()
    };
    check("--all", of("Deployment", true), &[DELETE_OLD]).await;
    check("--all", of("Deployment", false), &[]).await;
    // Nobody knows which there are.
    check("--all", of("DaemonSet", true), &[]).await;
}

#[tokio::test]
async fn what_cannot_be_watched_is_said_with_the_fix() {
    let refused = async |words: &str, watchers: Vec<Value>, expect: &str| {
        let connection = namespace(watchers).connection();
        let error = run(&connection, &options(words), &Screen::of_stdout(true)).await.unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
    };
    refused("web", Vec::new(), "write KIND/NAME").await;
    refused("rollout/web", Vec::new(), "with its group").await;
    refused("deployment/api", Vec::new(), "there is no Deployment api in namespace shop").await;
    let taken = vec![watcher("web", "StatefulSet", "web", true)];
    refused("deployment/web", taken, "--name=NAME").await;
}
