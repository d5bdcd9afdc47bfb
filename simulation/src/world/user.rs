//! What users do, and what cluster administrators do to them.

use serde_json::json;

use super::World;
use super::plan::Plan;
use super::turn::{Cascade, Refused, Turn};
use crate::{ContentType, Quota, Refusal, Request, Verb};

/// Where workloads are.
pub(super) const WORKLOADS: &str = "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads";
/// Where Pods are.
pub(super) const PODS: &str = "/api/v1/namespaces/shop/pods";
/// Where revisions are.
pub(super) const REVISIONS: &str = "/apis/apps/v1/namespaces/shop/controllerrevisions";
/// The names of workloads.
pub(super) const NAMES: [&str; 3] = ["a", "b", "c"];
const WEBHOOK: &str = "policy.example.com";

/// Where a workload is.
pub(super) fn workload(nth: u32) -> String {
    format!("{WORKLOADS}/{}", NAMES[nth as usize % NAMES.len()])
}

impl World {
    /// Carries out what a user does; what the API server refuses does not happen.
    pub(super) fn act(&mut self, turn: &Turn) {
        match *turn {
            Turn::Create { workload: nth, plan } => {
                let object = Plan::of(plan).workload(NAMES[nth as usize % NAMES.len()]);
                self.ask(&Request::create(WORKLOADS, object));
            }
            Turn::Deploy { workload: nth, plan } => self.deploy(nth, plan),
            Turn::LetGo { workload: nth } => self.let_go(nth),
            Turn::Scale { workload: nth, replicas } => {
                self.merge(&workload(nth), json!({"spec": {"replicas": replicas}}));
            }
            Turn::Change { workload: nth, plan } => self.merge(&workload(nth), Plan::of(plan).change()),
            Turn::Pause { workload: nth, paused } => {
                self.merge(&workload(nth), json!({"spec": {"paused": paused}}));
            }
            Turn::Gate { workload: nth, failures, rolls_back } => {
                let action = if rolls_back { "Rollback" } else { "Pause" };
                let gate = (failures < 9).then(|| json!({"maxFailures": failures, "onFailure": action}));
                self.merge(&workload(nth), json!({"spec": {"hooks": {"rolloutGate": gate}}}));
            }
            Turn::OpenGate { workload: nth } => {
                let object = self.server.object(&workload(nth));
                let gate = object.map(|object| object["status"]["ledger"]["gate"]["revision"].clone());
                let annotations = json!({hooked_core::names::OPEN_GATE_ANNOTATION: gate});
                self.merge(&workload(nth), json!({"metadata": {"annotations": annotations}}));
            }
            Turn::Undo { workload: nth, number } => {
                let annotations = json!({"hooked.dev/rollback-to": number.to_string()});
                self.merge(&workload(nth), json!({"metadata": {"annotations": annotations}}));
            }
            Turn::Delete { workload: nth, cascade } => {
                let policy = match cascade {
                    Cascade::Background => "Background",
                    Cascade::Foreground => "Foreground",
                    Cascade::Orphan => "Orphan",
                };
                let options = json!({"propagationPolicy": policy});
                self.ask(&Request::delete(workload(nth), Some(options)));
            }
            Turn::DeletePod { nth, grace } => {
                let options = if grace == 30 { json!({}) } else { json!({"gracePeriodSeconds": grace}) };
                if let Some(path) = self.nth_of(PODS, nth) {
                    self.ask(&Request::delete(path, Some(options)));
                }
            }
            Turn::Relabel { nth } => self.relabel_pod(nth),
            Turn::Replace { nth } => self.replace_pod(nth),
            Turn::DeleteRevision { nth } => {
                if let Some(path) = self.nth_of(REVISIONS, nth) {
                    self.ask(&Request::delete(path, None));
                }
            }
            Turn::Quota { pods } => self.set_quota(pods),
            Turn::Webhook { refused, on } => self.set_webhook(refused, on),
            _ => self.act_on_others(turn),
        }
        self.checks.note_specs(&self.server);
    }

    /// Takes a Pod out of its workload, or puts it back.
    fn relabel_pod(&mut self, nth: u32) {
        let Some(path) = self.nth_of(PODS, nth) else { return };
        let is_in = self.server.object(&path).is_some_and(|pod| pod["metadata"]["labels"]["app"] == "web");
        let other = if is_in { "debug" } else { "web" };
        self.merge(&path, json!({"metadata": {"labels": {"app": other}}}));
    }

    /// `kubectl replace --force`, in two steps: what was read is deleted, and made again.
    fn replace_pod(&mut self, nth: u32) {
        if let Some(pod) = self.written_down.take() {
            let reply = self.server.handle(&Request::create(PODS, pod.clone()), self.now());
            if reply.is_success() {
                self.checks.note_copy(&reply.body, &self.server);
            } else {
                self.written_down = Some(pod);
            }
            return;
        }
        let Some(path) = self.nth_of(PODS, nth) else { return };
        let Some(pod) = self.server.object(&path) else { return };
        let mut pod = (**pod).clone();
        for field in ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "generation"] {
            pod["metadata"][field] = serde_json::Value::Null;
        }
        pod["metadata"]["deletionGracePeriodSeconds"] = serde_json::Value::Null;
        pod["spec"]["nodeName"] = serde_json::Value::Null;
        pod["status"] = serde_json::Value::Null;
        self.written_down = Some(pod);
        self.ask(&Request::delete(path, Some(json!({"gracePeriodSeconds": 0}))));
    }

    fn ask(&mut self, request: &Request) {
        self.server.handle(request, self.now());
    }

    fn merge(&mut self, path: &str, change: serde_json::Value) {
        self.ask(&Request::patch(path, ContentType::MergePatch, change));
    }

    fn nth_of(&self, collection: &str, nth: u32) -> Option<String> {
        let count = self.server.objects(collection).count();
        let object = self.server.objects(collection).nth((nth as usize).checked_rem(count)?)?;
        Some(format!("{collection}/{}", object["metadata"]["name"].as_str()?))
    }

    pub(super) fn set_quota(&mut self, pods: u32) {
        let quotas = self.server.quotas();
        quotas.clear();
        if pods > 0 {
            self.checks.are_others_refused = true;
            let (name, namespace, counts) = ("pods".to_owned(), "shop".to_owned(), "pods".to_owned());
            quotas.push(Quota { name, namespace, counts, limit: pods as usize });
        }
    }

    pub(super) fn set_webhook(&mut self, refused: Refused, on: bool) {
        let refusal = match refused {
            Refused::Creates => Refusal::webhook_down(WEBHOOK, "pods", Some(Verb::Create)),
            Refused::Deletes => Refusal::denied(WEBHOOK, "pods", Some(Verb::Delete), "not now"),
            Refused::Updates => Refusal::denied(WEBHOOK, "pods", Some(Verb::Update), "not now"),
        };
        let refusals = self.server.refusals();
        refusals.retain(|known| *known != refusal);
        if on {
            self.checks.are_others_refused = true;
            refusals.push(refusal);
        }
    }
}
