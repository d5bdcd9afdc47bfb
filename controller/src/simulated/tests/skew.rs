//! What an operator meets that another version, or somebody else, has written.

use std::io::{self, Write};
use std::sync::Arc;

use hooked_core::pass::Locked;
use hooked_simulation::{Method, Request};
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS, World};
use crate::simulated::fate::Sent;
use crate::simulated::manifests::{revision, workload};
use crate::simulated::operator::Operator;

const REVISIONS: &str = "/apis/apps/v1/namespaces/shop/controllerrevisions";

fn path() -> String {
    format!("{WORKLOADS}/web")
}

/// Deletes the first Pod, and waits until it is gone.
async fn delete_a_pod(cluster: &Cluster) {
    let name = cluster.wait("a Pod", |world| Some(world.pods().next()?["metadata"]["name"].clone())).await;
    let pod = format!("{PODS}/{}", name.as_str().unwrap());
    cluster.ask(&Request::delete(&*pod, None));
    cluster.wait("the Pod is gone", |world| world.server.object(&pod).is_none().then_some(())).await;
}

fn conditions(world: &World) -> Vec<Value> {
    let workload = world.server.object(&path());
    workload.and_then(|workload| workload["status"]["conditions"].as_array().cloned()).unwrap_or_default()
}

#[tokio::test]
async fn values_of_another_version_in_a_status_keep_nobody_from_serving_or_going() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 1).await;
    let strange = json!({
        "lastHook": null, "kills": [{"reason": "New", "count": 1}], "replicas": "one", "hookTotals": [],
        "hooks": [{"container": "web", "hook": "New"}], "recentRuns": [{"outcome": "New"}],
    });
    cluster.merge(&format!("{}/status", path()), json!({"status": strange}));
    cluster.merge(&path(), json!({"spec": {"replicas": 2}}));
    cluster.wait_for_status("web", "it is scaled", |status| status.ready_replicas == 2).await;
    delete_a_pod(&cluster).await;
    cluster
        .wait_for_status("web", "the stop is counted, and its Pod replaced", |status| {
            let stops = status.hooks.iter().filter(|hook| hook.hook == hooked_crd::HookKind::PreStop);
            status.ready_replicas == 2 && stops.map(|hook| hook.succeeded).sum::<i64>() == 1
        })
        .await;
}

#[tokio::test]
async fn a_spec_that_cannot_be_read_is_told_and_holds_no_pod() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 1).await;
    cluster.merge(&path(), json!({"spec": {"replicas": "many"}}));
    cluster
        .wait("it says so", |world| {
            let is_stalled = |known: &Value| known["type"] == "Stalled" && known["status"] == "True";
            let message = conditions(world).into_iter().find(is_stalled)?["message"].clone();
            message.as_str()?.contains("spec.replicas").then_some(())
        })
        .await;
    delete_a_pod(&cluster).await;
}

/// A definition that begins to add `protocol: TCP` gives other hashes to templates that say so themselves, and what
/// was stored under the old one must not roll out.
#[tokio::test]
async fn a_revision_keeps_the_name_that_another_release_has_given_it() {
    let cluster = Cluster::new();
    let mut object = workload("web", 1);
    object["spec"]["template"]["spec"]["containers"][0]["ports"] =
        json!([{"containerPort": 80, "protocol": "TCP"}]);
    let made = cluster.ask(&Request::create(WORKLOADS, object));
    cluster.ask(&Request::create(REVISIONS, revision("before", &made)));
    let _operator = Operator::start(&cluster, "a", &[]);
    let is_before = |revision: &Option<String>| revision.as_deref() == Some("before");
    cluster
        .wait_for_status("web", "it serves at the revision that was stored", |status| {
            status.ready_replicas == 1
                && is_before(&status.update_revision)
                && is_before(&status.current_revision)
        })
        .await;
    // A paused workload is told apart from its revision by content as well.
    cluster.merge(&path(), json!({"spec": {"paused": true, "replicas": 2}}));
    cluster
        .wait_for_status("web", "it is scaled at its revision", |status| {
            status.ready_replicas == 2 && status.updated_replicas == 2 && is_before(&status.update_revision)
        })
        .await;
    let stored = cluster.shared.world.lock().server.objects(REVISIONS).count();
    assert_eq!(stored, 1);
}

/// What is logged while a test holds it.
#[derive(Clone, Default)]
struct Log(Arc<Locked<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_older_definition_is_told_of_once_and_costs_no_count() {
    let log = Log::default();
    let logged = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || logged.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let cluster = Cluster::new();
    cluster.shared.world.lock().unknown_field = Some("revisions");
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    delete_a_pod(&cluster).await;
    cluster
        .wait_for_status("web", "all hooks are counted", |status| {
            status.hook_totals.succeeded == 4 && status.ready_replicas == 2 && status.revisions.is_empty()
        })
        .await;
    let log = String::from_utf8(log.0.lock().clone()).unwrap();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("is older than this operator")).collect();
    assert!(told.len() == 1 && told[0].contains("status.revisions"), "{log}");
    // Nor is it written again and again because it is not there: what is only told may be written once more.
    let writes = || {
        let log = cluster.log();
        let is_write = |sent: &&Sent| sent.method == Method::Put && sent.path == format!("{}/status", path());
        log.iter().filter(is_write).count()
    };
    let before = writes();
    // The same operator, which does all in one thread, counts a hook of another meanwhile: by its clock that is ten
    // seconds after the hook's end, so that what it had to write of this one is written.
    cluster.serve("other", 1).await;
    cluster.wait_for_status("other", "its hook is counted", |status| status.hook_totals.succeeded > 0).await;
    assert!(writes() <= before + 1, "{} writes, and {before} before", writes());
}
