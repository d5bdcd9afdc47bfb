//! Nodes that run Pods: a model of the kubelet, and of what of the control plane acts on Pods by itself.
//!
//! Nothing happens by itself. [`Nodes::steps`] tells what can happen next, [`Nodes::faults`] and
//! [`Nodes::accidents`] what can go wrong, and [`Nodes::take`] lets one of these happen. What a hook really did stands
//! in [`Nodes::truth`], whatever the API shows.

mod accident;
mod container;
mod control;
mod event;
mod hook;
mod pod;
mod possible;
mod show;
mod step;
#[cfg(test)]
mod tests;
mod truth;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use step::{HookEnd, Step};
pub use truth::{HookRun, Instance, RunEnd, StopCause, Truth};

use crate::{ApiServer, ContentType, Request};
use event::Outbox;
use pod::LocalPod;

/// Nodes with their kubelets and the containers that run on them.
#[derive(Clone, Debug, Default)]
pub struct Nodes {
    by_name: BTreeMap<String, Node>,
    /// By UID.
    pods: BTreeMap<String, LocalPod>,
    truth: Truth,
}

/// One node.
#[derive(Clone, Debug)]
struct Node {
    /// Whether its kubelet and the API server can reach each other.
    reachable: bool,
    outbox: Outbox,
}

impl Nodes {
    /// Nodes of these names, also as objects of the API.
    pub fn new(names: &[&str], server: &mut ApiServer, now: Timestamp) -> Self {
        let mut by_name = BTreeMap::new();
        for name in names {
            let ready = json!([{"type": "Ready", "status": "True"}]);
            server.handle(&Request::create("/api/v1/nodes", json!({"metadata": {"name": name}})), now);
            merge(
                server,
                &format!("/api/v1/nodes/{name}/status"),
                json!({"status": {"conditions": ready}}),
                now,
            );
            by_name.insert((*name).to_owned(), Node { reachable: true, outbox: Outbox::default() });
        }
        Self { by_name, pods: BTreeMap::new(), truth: Truth::default() }
    }

    /// Takes what really happened out, where no Pod is left of which more may happen, and forgets which Events were
    /// sent: of many lives it would be much.
    pub fn forget(&mut self) -> Truth {
        self.by_name.values_mut().for_each(|node| node.outbox.forget_sent());
        std::mem::take(&mut self.truth)
    }

    /// What really happened.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The next time at which something becomes possible that is not yet: the end of a grace period or of a back-off.
    pub fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let all =
            self.pods.values().flat_map(|pod| &pod.containers).filter_map(container::Container::deadline);
        all.filter(|deadline| *deadline > now).min()
    }

    /// Lets one step happen: one of those that [`Self::steps`], [`Self::faults`] or [`Self::accidents`] tell of at
    /// that moment.
    pub fn take(&mut self, step: &Step, server: &mut ApiServer, now: Timestamp) {
        match step {
            Step::Bind { namespace, name, node } => bind(server, namespace, name, node, now),
            Step::DeleteByTaint { uid } => Self::delete_by_taint(uid, server, now),
            Step::CollectPod { uid } => Self::collect_pod(uid, server, now),
            Step::LoseNode { node } => self.set_reachable(node, false),
            Step::ReturnNode { node } => self.set_reachable(node, true),
            Step::DestroyNode { node } => self.destroy(node, server, now),
            Step::RestartKubelet { node } => self.restart_kubelet(node, server, now),
            Step::Reboot { node } => self.reboot(node, now),
            Step::SendEvent { node } => {
                if let Some(node) = self.by_name.get_mut(node).filter(|node| node.reachable) {
                    node.outbox.send(server, now);
                }
            }
            Step::LoseEvent { node } => {
                if let Some(node) = self.by_name.get_mut(node) {
                    node.outbox.lose();
                }
            }
            Step::Accept { namespace, name } => self.accept(namespace, name, server, now),
            Step::Forget { uid } => drop(self.pods.remove(uid)),
            _ => self.take_in_pod(step, server, now),
        }
    }

    /// A step within one Pod that a kubelet knows.
    fn take_in_pod(&mut self, step: &Step, server: &mut ApiServer, now: Timestamp) {
        let Some(pod) = step.uid().and_then(|uid| self.pods.get_mut(uid)) else { return };
        let Some(node) = self.by_name.get_mut(&pod.node) else { return };
        pod.is_stirred = true;
        let mut at = pod::Place { now, truth: &mut self.truth, outbox: &mut node.outbox };
        match step {
            Step::Start { container, .. } => pod.start(*container, &mut at),
            Step::EndHook { container, end, .. } => pod.end_hook(*container, *end, &mut at),
            Step::CutOff { container, .. } => pod.cut_off(*container, &mut at),
            Step::Exit { container, code, .. } => pod.exit(*container, *code, "", &mut at),
            Step::OutOfMemory { container, .. } => pod.exit(*container, 137, "OOMKilled", &mut at),
            Step::Kill { container, .. } => pod.kill(*container, &mut at),
            Step::PassStartup { container, .. } => pod.pass_startup(*container),
            Step::SetReady { container, ready, .. } => pod.set_ready(*container, *ready),
            Step::FailLiveness { container, .. } => {
                pod.fail_probe(*container, StopCause::LivenessProbe, &mut at);
            }
            Step::FailStartup { container, .. } => {
                pod.fail_probe(*container, StopCause::StartupProbe, &mut at);
            }
            Step::Evict { .. } => pod.evict(&mut at),
            Step::Stop { .. } => {
                let grace = pod.object(server).map_or(1, |object| pod::grace_in_force(object));
                pod.stop(StopCause::Deletion, grace, &mut at);
            }
            Step::Report { .. } => pod.report(server, now),
            Step::Remove { uid, .. } => {
                let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": uid}});
                server.handle(&Request::delete(pod.path(), Some(options)), now);
            }
            _ => {}
        }
    }

    fn accept(&mut self, namespace: &str, name: &str, server: &ApiServer, now: Timestamp) {
        let Some(object) = server.object(&pod::path(namespace, name)) else { return };
        let pod = LocalPod::new(object, now);
        self.pods.entry(pod.uid.clone()).or_insert(pod);
    }

    fn set_reachable(&mut self, node: &str, reachable: bool) {
        if let Some(node) = self.by_name.get_mut(node) {
            node.reachable = reachable;
        }
    }
}

fn bind(server: &mut ApiServer, namespace: &str, name: &str, node: &str, now: Timestamp) {
    let binding = json!({"metadata": {"name": name}, "target": {"kind": "Node", "name": node}});
    server.handle(&Request::create(format!("{}/binding", pod::path(namespace, name)), binding), now);
}

/// Whether the server has taken the change.
fn merge(server: &mut ApiServer, path: &str, change: Value, now: Timestamp) -> bool {
    server.handle(&Request::patch(path, ContentType::StrategicMergePatch, change), now).is_success()
}
