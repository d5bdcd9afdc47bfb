//! A Deployment and an API server as tests need them.

mod cluster;

use serde_json::{Value, json};

use super::found::{adopting, drifted};
use super::*;
use crate::served::Served;
use cluster::{Fate, cluster};

fn deployment(change: &Value) -> Value {
    let mut deployment = json!({
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "d-1", "resourceVersion": "7", "generation": 2,
            "labels": {"app": "web"},
            "annotations": {"deployment.kubernetes.io/revision": "3", "team": "a"},
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web"}]}},
        },
        "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
    });
    json_patch::merge(&mut deployment, change);
    deployment
}

fn replica_set(name: &str, replicas: i64, owner: &Value) -> Value {
    let hash = name.rsplit('-').next().unwrap_or_default();
    json!({
        "metadata": {"name": name, "uid": name, "labels": {"app": "web", "pod-template-hash": hash},
                     "ownerReferences": owner},
        "spec": {"replicas": replicas},
    })
}

fn of_web() -> Value {
    json!([{"kind": "Deployment", "name": "web", "controller": true}])
}

fn found(deployment: Value) -> Found {
    Found {
        name: "web".to_owned(),
        deployment: Some(deployment),
        replica_sets: vec![replica_set("web-1", 2, &of_web())],
        strays: Vec::new(),
        workload: None,
    }
}

#[test]
fn a_deployment_is_named_in_each_form_that_kubectl_takes() {
    for named in ["deployment/web", "deploy/web", "deployments.apps/web", "Deployment/web"] {
        assert_eq!(deployment_name(named), Some("web"), "{named}");
    }
    for wrong in ["web", "deployment/", "statefulset/web", "deployment/a/b"] {
        assert_eq!(deployment_name(wrong), None, "{wrong}");
    }
    let error = super::deployment("statefulset/db").unwrap_err().to_string();
    assert!(error.contains("`kubectl hooked observe`"), "{error}");
}

fn deployment_name(target: &str) -> Option<&str> {
    super::deployment(target).ok()
}

#[test]
fn the_workload_is_the_deployment_by_another_name_and_without_the_marks_of_others() {
    let tracked = json!({"metadata": {
        "labels": {"kustomize.toolkit.fluxcd.io/name": "shop"},
        "annotations": {"argocd.argoproj.io/tracking-id": "shop"},
    }});
    let made = adopting(&deployment(&tracked));
    let annotations = json!({"team": "a", "hooked.dev/adopt-from": "Deployment/web"});
    let metadata = json!({
        "name": "web", "namespace": "shop", "labels": {"app": "web"}, "annotations": annotations,
    });
    assert_eq!(made["metadata"], metadata);
    assert_eq!(made["spec"], deployment(&json!({}))["spec"]);
}

#[test]
fn a_deployment_that_changes_meanwhile_is_followed() {
    let check = |change: &Value, expect: bool| {
        let workload = adopting(&deployment(&json!({})));
        assert_eq!(drifted(&workload, &deployment(change)).is_some(), expect, "{change}");
    };
    check(&json!({}), false);
    check(&json!({"spec": {"template": {"metadata": {"creationTimestamp": null}}}}), false);
    check(&json!({"metadata": {"annotations": {"a": "b"}}}), false);
    check(&json!({"spec": {"replicas": 3}}), true);
    check(&json!({"spec": {"template": {"spec": {"hostNetwork": true}}}}), true);
}

#[test]
fn what_is_in_the_way_is_told_with_what_helps() {
    let check = |change: &Value, force: bool, expect: Option<&str>| {
        let told = obstacles(&found(deployment(change)), force);
        assert_eq!(told.is_empty(), expect.is_none(), "{told:?}");
        assert!(told.iter().all(|told| told.contains(expect.unwrap_or_default())), "{told:?}");
    };
    check(&json!({}), false, None);
    check(
        &json!({"metadata": {"generation": 3}}),
        false,
        Some("kubectl rollout status deployment/web -n shop"),
    );
    check(&json!({"status": {"updatedReplicas": 1}}), false, Some("rollout is not complete"));
    let owner = json!([{"kind": "Shop", "name": "main", "controller": true}]);
    check(&json!({"metadata": {"ownerReferences": owner}}), false, Some("Shop main controls it"));
    let helm = json!({"metadata": {"annotations": {"meta.helm.sh/release-name": "shop"}}});
    check(&helm, false, Some("helm.sh/resource-policy: keep"));
    check(&helm, true, None);
}

const SCREEN: Screen = Screen { width: None, colour: false, height: None };

fn options(dry_run: bool) -> AdoptOptions {
    let timeout = std::time::Duration::from_secs(5);
    AdoptOptions { target: "deployment/web".to_owned(), dry_run, force: false, timeout }
}

/// What is really changed, in this order.
fn changes(served: &Served) -> Vec<String> {
    let written = served.written().into_iter();
    written
        .map(|line| {
            line.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn the_deployment_goes_only_when_the_operator_waits_and_scalers_follow_last() {
    let (served, there) = cluster("", Fate::Refused);
    run(&served.connection(), &options(false), &SCREEN).await.unwrap();
    assert!(there.left().is_empty());
    // Deletes are rehearsed first, which only their bodies show.
    let expect = ["web", "web-2", "web-1", "hookedworkloads", "web", "web-2", "web-1", "hpa"];
    assert_eq!(changes(&served), expect);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let (served, there) = cluster("", Fate::Refused);
    run(&served.connection(), &options(true), &SCREEN).await.unwrap();
    assert_eq!(there.left().len(), 3);
}

#[tokio::test]
async fn a_step_that_fails_says_how_to_go_on() {
    let check = async |fails: &'static str, expect: &str| {
        let (served, _) = cluster(fails, Fate::Refused);
        let error = run(&served.connection(), &options(false), &SCREEN).await.unwrap_err().to_string();
        assert!(error.contains(expect), "{fails}: {error}");
    };
    check("DELETE /apis/apps/v1/namespaces/shop/deployments/web", "Deployment web is as it was").await;
    check("DELETE /apis/apps/v1/namespaces/shop/replicasets/web-1", "goes on where this has stopped").await;
    check("PATCH /apis/autoscaling", "goes on where this has stopped").await;
}

#[tokio::test]
async fn a_deletion_whose_reply_is_lost_is_not_taken_for_one_that_was_not_carried_out() {
    const DELETION: &str = "DELETE /apis/apps/v1/namespaces/shop/deployments/web";
    let (served, there) = cluster(DELETION, Fate::Done);
    run(&served.connection(), &options(false), &SCREEN).await.unwrap();
    assert!(there.left().is_empty());
    for fate in [Fate::Lost, Fate::Silence] {
        let (served, _) = cluster(DELETION, fate);
        let error = run(&served.connection(), &options(false), &SCREEN).await.unwrap_err().to_string();
        assert!(error.contains("cannot tell whether Deployment web is being deleted"), "{fate:?}: {error}");
        assert!(error.contains("goes on where this has stopped"), "{fate:?}: {error}");
        assert!(!error.contains("kubectl delete"), "{fate:?}: {error}");
    }
}

#[tokio::test]
async fn one_that_changes_over_and_over_is_waited_for_with_pauses_and_not_for_ever() {
    let (served, _) = cluster("DELETE /apis/apps/v1/namespaces/shop/deployments/web", Fate::Conflict);
    let options = AdoptOptions { timeout: std::time::Duration::from_millis(600), ..options(false) };
    let error = run(&served.connection(), &options, &SCREEN).await.unwrap_err().to_string();
    assert!(error.contains("has changed each time"), "{error}");
    assert!(error.contains("Deployment web is as it was"), "{error}");
    let tries = served.written().iter().filter(|line| line.contains("deployments/web")).count();
    // One of them is rehearsed.
    assert!((3..=5).contains(&tries), "{tries}");
}

#[tokio::test]
async fn a_workload_that_watches_the_deployment_is_to_go_first() {
    let watched = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let served = Served::new(move |_, path, _, _| match path {
        "/apis/apps/v1/namespaces/shop/deployments/web" => (200, deployment(&json!({}))),
        _ => (200, json!({"metadata": {"name": "web"}, "spec": {"workloadRef": watched}})),
    });
    let error = run(&served.connection(), &options(false), &SCREEN).await.unwrap_err().to_string();
    let expect = "HookedWorkload web watches this Deployment: `kubectl delete hw web -n shop` first";
    assert!(error.starts_with(expect), "{error}");
}
