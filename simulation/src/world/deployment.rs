//! Deployments that hand their Pods over. Nobody is there who would make others for them: what they have is there.

use hooked_core::names::ADOPT_FROM_ANNOTATION;
use serde_json::{Value, json};

use super::World;
use super::plan::Plan;
use super::user::{NAMES, PODS, WORKLOADS, workload};
use crate::Request;

/// Where Deployments are.
pub(super) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
/// Where their `ReplicaSets` are.
pub(super) const REPLICA_SETS: &str = "/apis/apps/v1/namespaces/shop/replicasets";
/// The hash of the template that they give to Pods.
pub(super) const HASH: &str = "7b9f6c5d8";

fn name(nth: u32) -> &'static str {
    NAMES[nth as usize % NAMES.len()]
}

/// Where the ReplicaSet of a Deployment is.
pub(super) fn replica_set(deployment: &str) -> String {
    format!("{REPLICA_SETS}/{deployment}-{HASH}")
}

pub(super) fn owner(object: &Value, kind: &str) -> Value {
    let (name, uid) = (&object["metadata"]["name"], &object["metadata"]["uid"]);
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true}])
}

impl World {
    /// A Deployment with its Pods is there, and a workload is made that is to take these over.
    pub(super) fn deploy(&mut self, nth: u32, plan: u32) {
        let (name, plan) = (name(nth), Plan::of(plan).workload(name(nth)));
        let is_there = |path: &str| self.server.object(path).is_some();
        if is_there(&workload(nth)) || is_there(&replica_set(name)) {
            return;
        }
        let mut template = plan["spec"]["template"].clone();
        template["metadata"]["labels"]["pod-template-hash"] = HASH.into();
        let labels = template["metadata"]["labels"].clone();
        let mut set = json!({
            "metadata": {"name": format!("{name}-{HASH}"), "labels": labels},
            "spec": {"replicas": plan["spec"]["replicas"], "template": template},
        });
        let deployment = json!({"metadata": {"name": name}, "spec": plan["spec"]});
        if let Some(deployment) = self.make(DEPLOYMENTS, deployment) {
            set["metadata"]["ownerReferences"] = owner(&deployment, "Deployment");
        }
        let Some(set) = self.make(REPLICA_SETS, set) else { return };
        for number in 0..plan["spec"]["replicas"].as_u64().unwrap_or_default() {
            let metadata = json!({
                "name": format!("{name}-{HASH}-{number}"), "labels": labels,
                "ownerReferences": owner(&set, "ReplicaSet"),
            });
            let pod = json!({"metadata": metadata, "spec": set["spec"]["template"]["spec"]});
            if let Some(pod) = self.make(PODS, pod) {
                self.checks.note_foreign(&pod);
            }
        }
        let mut adopting = plan;
        adopting["metadata"]["annotations"] = json!({ADOPT_FROM_ANNOTATION: format!("Deployment/{name}")});
        self.make(WORKLOADS, adopting);
    }

    /// Makes an object, unless the API server refuses it.
    pub(super) fn make(&mut self, collection: &str, object: Value) -> Option<Value> {
        let reply = self.server.handle(&Request::create(collection, object), self.now());
        reply.is_success().then(|| (*reply.body).clone())
    }

    /// The Deployment, or else its ReplicaSet, is deleted and leaves behind what it controls.
    pub(super) fn let_go(&mut self, nth: u32) {
        let (deployment, set) = (format!("{DEPLOYMENTS}/{}", name(nth)), replica_set(name(nth)));
        self.leave_behind(if self.server.object(&deployment).is_some() { deployment } else { set });
    }

    fn leave_behind(&mut self, path: String) {
        let options = json!({"propagationPolicy": "Orphan"});
        self.server.handle(&Request::delete(path, Some(options)), self.now());
    }

    /// Whoever still has Pods to hand over lets go of them.
    pub(super) fn let_all_go(&mut self) {
        for name in NAMES {
            self.leave_behind(format!("{DEPLOYMENTS}/{name}"));
            self.leave_behind(replica_set(name));
        }
    }
}
