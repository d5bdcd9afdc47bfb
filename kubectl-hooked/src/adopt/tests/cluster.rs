//! A cluster with a Deployment, two `ReplicaSets` and an autoscaler, in which an operator waits at once, and takes over
//! at once.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{deployment, of_web, replica_set};
use crate::served::{Served, not_found};

const WORKLOADS: &str = "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads";
const APPS: &str = "/apis/apps/v1/namespaces/shop/";
const SCALERS: &str = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers";

/// What there is.
#[derive(Default)]
pub(super) struct State {
    /// The names of the Deployment and of its `ReplicaSets`.
    there: Mutex<Vec<&'static str>>,
    workload: Mutex<Option<Value>>,
}

/// What becomes of a request that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The server refuses it.
    Refused,
    /// The server says each time that the object has changed.
    Conflict,
    /// Its reply is lost.
    Lost,
    /// It is carried out, and its reply is lost.
    Done,
    /// It is carried out, and nothing is answered from then on.
    Silence,
}

/// The cluster, in which a request fails that is really to change something and holds `fails`.
pub(super) fn cluster(fails: &'static str, fate: Fate) -> (Served, Arc<State>) {
    let is_silent = AtomicBool::new(false);
    let state = Arc::new(State { there: Mutex::new(vec!["web", "web-1", "web-2"]), ..State::default() });
    let known = Arc::clone(&state);
    let served = Served::new(move |method, path, query, body| {
        let is_tried = query.contains("dryRun=All") || body["dryRun"].is_array();
        let is_failing = !fails.is_empty() && format!("{method} {path}").contains(fails) && !is_tried;
        match fate {
            _ if is_silent.load(Relaxed) => return failure(504),
            Fate::Refused if is_failing => return failure(422),
            Fate::Conflict if is_failing => return failure(409),
            Fate::Lost if is_failing => return failure(504),
            Fate::Silence if is_failing => is_silent.store(true, Relaxed),
            _ => {}
        }
        let answer = match method {
            "GET" => state.get(path).unwrap_or_else(|| absent(path)),
            "POST" if path == WORKLOADS => {
                if !is_tried {
                    *state.workload.lock().unwrap() = Some(body.clone());
                }
                (201, body.clone())
            }
            "DELETE" => {
                assert_eq!(body["propagationPolicy"], "Orphan", "{body}");
                assert!(body["preconditions"]["uid"].is_string(), "{body}");
                let name = path.rsplit('/').next().unwrap_or_default();
                state.there.lock().unwrap().retain(|known| is_tried || *known != name);
                (200, json!({}))
            }
            "PATCH" => {
                assert!(is_tried || path.starts_with(SCALERS), "Pods are the operator's to change");
                (200, json!({}))
            }
            _ => not_found(),
        };
        if is_failing { failure(504) } else { answer }
    });
    (served, known)
}

fn failure(code: u16) -> (u16, Value) {
    (code, json!({"kind": "Status", "code": code, "message": "no", "status": "Failure"}))
}

/// What the server says of an object that is not there, but for kinds that it does not know.
fn absent(path: &str) -> (u16, Value) {
    let (mut code, mut status) = not_found();
    if path.starts_with(APPS) || path.starts_with(WORKLOADS) {
        (code, status["details"]) = (404, json!({"kind": "some"}));
    }
    (code, status)
}

impl State {
    pub(super) fn left(&self) -> Vec<&'static str> {
        self.there.lock().unwrap().clone()
    }

    fn is_there(&self, name: &str) -> bool {
        self.left().contains(&name)
    }

    fn get(&self, path: &str) -> Option<(u16, Value)> {
        let list = |items: Value| Some((200, json!({"metadata": {}, "items": items})));
        if let Some(named) = path.strip_prefix(APPS) {
            return match named.split_once('/') {
                Some(("deployments", name)) => self.is_there(name).then(|| (200, deployment(&json!({})))),
                Some((_, name)) => self.is_there(name).then(|| (200, replica_set(name, 0, &Value::Null))),
                None if named == "replicasets" => list(self.replica_sets()),
                None => list(json!([revision("1"), revision("2")])),
            };
        }
        match path {
            "/api/v1/namespaces/shop/pods" => list(json!([{"metadata": {"name": "p"}}])),
            SCALERS => {
                let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
                list(json!([{"metadata": {"name": "hpa"}, "spec": {"scaleTargetRef": target}}]))
            }
            _ if path.starts_with(WORKLOADS) => Some((200, self.workload()?)),
            _ => None,
        }
    }

    fn replica_sets(&self) -> Value {
        let owner = if self.is_there("web") { of_web() } else { Value::Null };
        let all = [("web-1", 2), ("web-2", 0)].into_iter().filter(|(name, _)| self.is_there(name));
        all.map(|(name, replicas)| replica_set(name, replicas, &owner)).collect()
    }

    /// The workload, of which the operator says that it waits while anybody is there to be waited for.
    fn workload(&self) -> Option<Value> {
        let mut workload = self.workload.lock().unwrap().clone()?;
        (workload["metadata"]["uid"], workload["metadata"]["generation"]) = ("w-1".into(), 1.into());
        let condition = if self.left().is_empty() {
            json!({"type": "Ready", "status": "True"})
        } else {
            json!({"type": "Progressing", "status": "Unknown", "reason": "AwaitingAdoption"})
        };
        workload["status"] = json!({"observedGeneration": 1, "replicas": 2, "conditions": [condition]});
        Some(workload)
    }
}

fn revision(name: &str) -> Value {
    let metadata = json!({"labels": {"hooked.dev/revision": name}, "ownerReferences": [{"uid": "w-1"}]});
    json!({"metadata": metadata, "revision": 1, "data": {"template": {}}})
}
