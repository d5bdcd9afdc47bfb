//! Which steps are possible.

use jiff::Timestamp;
use serde_json::Value;

use super::Nodes;
use super::container::{Activity, Container};
use super::pod::LocalPod;
use super::step::{HookEnd, Step};
use crate::ApiServer;

const PODS: &str = "/api/v1/pods";

impl Nodes {
    /// What can happen next without anything going wrong, in an order that depends on nothing else.
    pub fn steps(&self, server: &ApiServer, now: Timestamp) -> Vec<Step> {
        let mut steps = Vec::new();
        for object in server.objects(PODS) {
            self.steps_of_object(object, &mut steps);
        }
        for pod in self.pods.values() {
            pod.steps(now, &mut steps);
            if self.is_reachable(&pod.node) {
                pod.steps_with_server(server, &mut steps);
            }
        }
        let full = self.by_name.iter().filter(|(_, node)| node.reachable && !node.outbox.is_empty());
        steps.extend(full.map(|(name, _)| Step::SendEvent { node: name.clone() }));
        steps
    }

    /// What can go wrong next.
    pub fn faults(&self, server: &ApiServer) -> Vec<Step> {
        let mut faults = Vec::new();
        for pod in self.pods.values() {
            pod.faults(&mut faults);
        }
        for (name, node) in &self.by_name {
            let node_name = || name.clone();
            if !node.outbox.is_empty() {
                faults.push(Step::LoseEvent { node: node_name() });
            }
            if node.reachable {
                faults.push(Step::LoseNode { node: node_name() });
            } else {
                faults.extend([
                    Step::ReturnNode { node: node_name() },
                    Step::DestroyNode { node: node_name() },
                ]);
            }
        }
        for object in server.objects(PODS) {
            self.faults_of_object(object, &mut faults);
        }
        faults
    }

    fn is_reachable(&self, node: &str) -> bool {
        self.by_name.get(node).is_some_and(|node| node.reachable)
    }

    /// The scheduler's steps, and a kubelet's first look.
    fn steps_of_object(&self, object: &Value, steps: &mut Vec<Step>) {
        let metadata = &object["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text(&metadata["namespace"]), text(&metadata["name"]));
        match object["spec"]["nodeName"].as_str() {
            None | Some("") if metadata["deletionTimestamp"].is_null() => {
                let nodes = self.by_name.iter().filter(|(_, node)| node.reachable);
                steps.extend(nodes.map(|(node, _)| Step::Bind {
                    namespace: namespace.clone(),
                    name: name.clone(),
                    node: node.clone(),
                }));
            }
            Some(node) if self.is_reachable(node) && !has_ended(object) => {
                let uid = metadata["uid"].as_str().unwrap_or_default();
                if !self.pods.contains_key(uid) {
                    steps.push(Step::Accept { namespace, name });
                }
            }
            _ => {}
        }
    }

    /// What the control plane does about Pods whose node does not answer, or is no more.
    fn faults_of_object(&self, object: &Value, faults: &mut Vec<Step>) {
        let Some(node) = object["spec"]["nodeName"].as_str() else { return };
        let metadata = &object["metadata"];
        let uid = metadata["uid"].as_str().unwrap_or_default().to_owned();
        match self.by_name.get(node) {
            Some(node) if !node.reachable && metadata["deletionTimestamp"].is_null() => {
                faults.push(Step::DeleteByTaint { uid });
            }
            // One that shows its end already only waits for its finalizers.
            None if metadata["deletionGracePeriodSeconds"] != 0 || !has_ended(object) => {
                faults.push(Step::CollectPod { uid });
            }
            _ => {}
        }
    }
}

fn has_ended(object: &Value) -> bool {
    matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

impl LocalPod {
    /// What happens on the node, whether the API server is reached or not.
    fn steps(&self, now: Timestamp, steps: &mut Vec<Step>) {
        for (index, container) in self.containers.iter().enumerate() {
            self.steps_of_container(index, container, now, steps);
        }
    }

    fn steps_of_container(&self, container: usize, it: &Container, now: Timestamp, steps: &mut Vec<Step>) {
        let uid = || self.uid.clone();
        let end = |end| Step::EndHook { uid: uid(), container, end };
        let ends = |handler: Option<&super::hook::Handler>| {
            let has_timeout =
                handler.and_then(|it| it.runner.as_ref()).is_some_and(|runner| runner.has_timeout);
            let timed_out = has_timeout.then_some(HookEnd::TimedOut);
            [HookEnd::Succeeded, HookEnd::Failed].into_iter().chain(timed_out)
        };
        match it.activity {
            Activity::None | Activity::Ended => {
                let is_due = it.activity == Activity::None || (it.is_to_restart() && now >= it.next_start);
                let in_turn = self.containers[..container].iter().all(|before| before.instance > 0);
                if is_due && in_turn && self.stop.is_none() && self.worker_is_free() {
                    steps.push(Step::Start { uid: uid(), container });
                }
            }
            Activity::PostStart { .. } => steps.extend(ends(it.post_start.as_ref()).map(end)),
            Activity::PreStop { deadline, .. } if now < deadline => {
                steps.extend(ends(it.pre_stop.as_ref()).map(end));
            }
            Activity::PreStop { .. } => steps.push(Step::CutOff { uid: uid(), container }),
            Activity::Stopping { deadline } if now < deadline => {
                steps.extend([0, 143].map(|code| Step::Exit { uid: uid(), container, code }));
            }
            Activity::Stopping { .. } => steps.push(Step::Kill { uid: uid(), container }),
            Activity::Running => {
                if !it.passed_startup {
                    steps.push(Step::PassStartup { uid: uid(), container });
                } else if it.has_readiness_probe {
                    steps.push(Step::SetReady { uid: uid(), container, ready: !it.ready });
                }
            }
        }
    }

    /// What the kubelet does with the API server.
    fn steps_with_server(&self, server: &ApiServer, steps: &mut Vec<Step>) {
        let uid = || self.uid.clone();
        if !self.worker_is_free() {
            return;
        }
        let Some(object) = self.object(server) else {
            let nothing_runs = !self.containers.iter().any(Container::is_there);
            steps.push(if nothing_runs { Step::Forget { uid: uid() } } else { Step::Stop { uid: uid() } });
            return;
        };
        let metadata = &object["metadata"];
        let is_terminating = metadata["deletionTimestamp"].is_string();
        if is_terminating && self.stop.is_none() {
            steps.push(Step::Stop { uid: uid() });
        }
        if self.has_news() {
            steps.push(Step::Report { uid: uid() });
        } else if is_terminating && self.stop.is_some() && metadata["deletionGracePeriodSeconds"] != 0 {
            steps.push(Step::Remove { uid: uid() });
        }
    }

    fn faults(&self, faults: &mut Vec<Step>) {
        let uid = || self.uid.clone();
        for (container, it) in self.containers.iter().enumerate() {
            match it.activity {
                Activity::None | Activity::Ended | Activity::Stopping { .. } => {}
                Activity::Running => {
                    faults.extend([0, 1].map(|code| Step::Exit { uid: uid(), container, code }));
                    faults.push(Step::OutOfMemory { uid: uid(), container });
                    if self.stop.is_none() && self.worker_is_free() {
                        if it.has_liveness_probe && it.passed_startup {
                            faults.push(Step::FailLiveness { uid: uid(), container });
                        }
                        if !it.passed_startup {
                            faults.push(Step::FailStartup { uid: uid(), container });
                        }
                    }
                }
                Activity::PostStart { .. } | Activity::PreStop { .. } => {
                    faults.extend([0, 1].map(|code| Step::Exit { uid: uid(), container, code }));
                }
            }
        }
        if self.stop.is_none() && self.worker_is_free() && self.containers.iter().any(Container::is_there) {
            faults.push(Step::Evict { uid: uid() });
        }
    }
}
