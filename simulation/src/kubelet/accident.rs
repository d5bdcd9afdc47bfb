//! What befalls a whole node: its kubelet is restarted, or the node is.

use jiff::Timestamp;

use super::Nodes;
use super::container::{Activity, Container};
use super::event::Outbox;
use super::pod::{LocalPod, Place, grace_in_force};
use super::step::Step;
use super::truth::{RunEnd, StopCause};
use crate::ApiServer;

impl Nodes {
    /// What can befall the nodes.
    pub fn accidents(&self) -> Vec<Step> {
        let names = self.by_name.keys();
        let of_node = |name: &String| {
            [Step::RestartKubelet { node: name.clone() }, Step::Reboot { node: name.clone() }]
        };
        names.flat_map(of_node).collect()
    }

    /// The kubelet is restarted. The runtime kills the hooks that it had called: their callers are gone. What it had
    /// not sent is lost, and so is what its probes had found.
    pub(super) fn restart_kubelet(&mut self, node: &str, server: &ApiServer, now: Timestamp) {
        let Some(known) = self.by_name.get_mut(node) else { return };
        known.outbox = Outbox::default();
        for pod in self.pods.values_mut().filter(|pod| pod.node == node) {
            let grace = pod.object(server).map_or(1, |object| grace_in_force(object));
            let mut at = Place { now, truth: &mut self.truth, outbox: &mut known.outbox };
            pod.go_on_after_restart(grace, &mut at);
        }
    }

    /// The node is restarted: whatever ran is found dead when it is back, and its end is made up.
    pub(super) fn reboot(&mut self, node: &str, now: Timestamp) {
        let Some(known) = self.by_name.get_mut(node) else { return };
        known.outbox = Outbox::default();
        for pod in self.pods.values_mut().filter(|pod| pod.node == node) {
            let mut at = Place { now, truth: &mut self.truth, outbox: &mut known.outbox };
            pod.find_dead(&mut at);
        }
    }
}

impl LocalPod {
    fn go_on_after_restart(&mut self, grace: i64, at: &mut Place<'_>) {
        self.is_stirred = true;
        for index in 0..self.containers.len() {
            // Why a start has failed is in the kubelet's memory alone (`pkg/kubelet/reason_cache.go`).
            self.containers[index].post_start_error = None;
            match self.containers[index].activity {
                // The container is there, so it is shown as Running.
                Activity::PostStart { run, .. } => {
                    at.truth.end_run(run, RunEnd::LostWithKubelet, at.now);
                    self.settle_in(index);
                }
                Activity::PreStop { run, .. } => {
                    at.truth.end_run(run, RunEnd::LostWithKubelet, at.now);
                    self.stop_again(index, grace, at);
                }
                Activity::Stopping { .. } => self.stop_again(index, grace, at),
                Activity::None | Activity::Running | Activity::Ended => {}
            }
        }
    }

    /// A Pod that is to be stopped is stopped from the beginning. Of a container that a probe or a failed hook had
    /// stopped nothing is known any more, but that its program may have its stop signal.
    fn stop_again(&mut self, index: usize, grace: i64, at: &mut Place<'_>) {
        match self.stop {
            Some((StopCause::Deletion, _)) => self.begin_stop(index, StopCause::Deletion, grace, at),
            Some(_) => self.signal(index, at),
            None if matches!(self.containers[index].activity, Activity::PreStop { .. }) => {
                if let Some(instance) = at.truth.instances.get_mut(self.containers[index].in_truth) {
                    instance.is_forgiven = true;
                }
                self.settle_in(index);
            }
            None => {}
        }
    }

    fn find_dead(&mut self, at: &mut Place<'_>) {
        self.is_stirred = true;
        for index in 0..self.containers.len() {
            let container = &mut self.containers[index];
            if let Activity::PostStart { run, .. } | Activity::PreStop { run, .. } = container.activity {
                at.truth.end_run(run, RunEnd::LostWithNode, at.now);
            }
            if Container::is_there(container) {
                container.finish(255, "Unknown", at.now);
                if let Some(instance) = at.truth.instances.get_mut(container.in_truth) {
                    instance.end = Some((at.now, 255));
                }
            }
        }
    }
}
