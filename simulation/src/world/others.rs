//! A ReplicaSet of somebody else's, with Pods that come and go, and workloads that watch these.

use serde_json::{Value, json};

use super::World;
use super::deployment::{DEPLOYMENTS, HASH, REPLICA_SETS, owner};
use super::plan::Plan;
use super::turn::Turn;
use super::user::{PODS, WORKLOADS};
use crate::Request;

/// The name of the Deployment.
const NAME: &str = "others";
/// The most of its Pods at a time.
const MOST: usize = 5;

/// Whether the Pod is one that workloads watch, and none of theirs.
pub(super) fn is_watched(pod: &Value) -> bool {
    let owner = &pod["metadata"]["ownerReferences"][0];
    owner["kind"] == "ReplicaSet" && owner["name"] == format!("{NAME}-{HASH}")
}

/// Whether something is at that path that only its owner changes.
pub(super) fn is_of_others(path: &str) -> bool {
    path == format!("{DEPLOYMENTS}/{NAME}") || path == format!("{REPLICA_SETS}/{NAME}-{HASH}")
}

/// The name of a workload that watches: the first one names the Deployment, the other one its ReplicaSet.
fn watcher(nth: u32) -> &'static str {
    ["watch-deployment", "watch-set"][nth as usize % 2]
}

impl World {
    /// Carries out what happens around Pods of others.
    pub(super) fn act_on_others(&mut self, turn: &Turn) {
        match *turn {
            Turn::Watch { watcher } => self.watch(watcher),
            Turn::Unwatch { watcher } => self.unwatch(watcher),
            Turn::RunPod { plan } => self.run_pod(plan),
            Turn::StopPod { nth, grace } => self.stop_pod(nth, grace),
            _ => {}
        }
    }

    /// A workload is made that watches.
    fn watch(&mut self, nth: u32) {
        let referent = if nth.is_multiple_of(2) {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME})
        } else {
            json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{NAME}-{HASH}")})
        };
        let spec = json!({"workloadRef": referent, "hooks": {"historyLimit": 50}});
        self.make(WORKLOADS, json!({"metadata": {"name": watcher(nth)}, "spec": spec}));
    }

    /// A workload that watches is deleted.
    fn unwatch(&mut self, nth: u32) {
        let path = format!("{WORKLOADS}/{}", watcher(nth));
        self.server.handle(&Request::delete(path, None), self.now());
    }

    /// The ReplicaSet makes one more Pod. All its Pods are of one template.
    fn run_pod(&mut self, plan: u32) {
        let set = format!("{REPLICA_SETS}/{NAME}-{HASH}");
        let found = self.server.object(&set).map(|set| (**set).clone());
        let Some(set) = found.or_else(|| self.make_set(plan)) else { return };
        if self.server.objects(PODS).filter(|pod| is_watched(pod)).count() >= MOST {
            return;
        }
        let metadata = json!({
            "name": format!("{NAME}-{HASH}-{}", self.server.version()),
            "labels": set["spec"]["template"]["metadata"]["labels"],
            "ownerReferences": owner(&set, "ReplicaSet"),
        });
        let pod = json!({"metadata": metadata, "spec": set["spec"]["template"]["spec"]});
        if let Some(pod) = self.make(PODS, pod) {
            self.checks.note_foreign(&pod);
        }
    }

    fn make_set(&mut self, plan: u32) -> Option<Value> {
        let mut template = Plan::of(plan).workload(NAME)["spec"]["template"].clone();
        template["metadata"]["labels"] = json!({"app": NAME, "pod-template-hash": HASH});
        let spec = json!({"replicas": 0, "template": template});
        let deployment = self.make(DEPLOYMENTS, json!({"metadata": {"name": NAME}, "spec": spec}))?;
        let owners = owner(&deployment, "Deployment");
        let metadata = json!({"name": format!("{NAME}-{HASH}"), "ownerReferences": owners});
        self.make(REPLICA_SETS, json!({"metadata": metadata, "spec": spec}))
    }

    /// One of its Pods is deleted.
    fn stop_pod(&mut self, nth: u32, grace: u32) {
        let watched = self.server.objects(PODS).filter(|pod| is_watched(pod));
        let names: Vec<String> =
            watched.filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned())).collect();
        let Some(at) = (nth as usize).checked_rem(names.len()) else { return };
        let options = if grace == 30 { json!({}) } else { json!({"gracePeriodSeconds": grace}) };
        self.server.handle(&Request::delete(format!("{PODS}/{}", names[at]), Some(options)), self.now());
    }
}
