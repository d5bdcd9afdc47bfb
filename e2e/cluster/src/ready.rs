//! Waits for conditions, never for time alone, and tells in one line what stands in their way.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::components::{API_SERVER, CONTAINERD, CONTROLLER_MANAGER, KUBELET, PROXY};
use crate::exec;
use crate::layout::Layout;
use crate::network::Network;
use crate::process::{Process, without_proxy};
use crate::tools::Tools;

/// Where every kubelet listens to device plugins.
const DEVICE_PLUGINS: &str = "/var/lib/kubelet/device-plugins/kubelet.sock";

/// A starting cluster that is watched: a wait ends as soon as one of its programs does.
pub(crate) struct Watch<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) tools: &'a Tools,
    pub(crate) patience: Duration,
}

impl Watch<'_> {
    pub(crate) fn containerd(&self, running: &[Process]) -> Result<()> {
        let socket = self.layout.containerd_socket();
        self.until("containerd listens", CONTAINERD, running, || UnixStream::connect(&socket).is_ok())
    }

    pub(crate) fn api_server(&self, running: &[Process]) -> Result<()> {
        self.until("the API server is ready", API_SERVER, running, || self.answers())
    }

    /// Past its only step that another kubelet of this machine can disturb.
    pub(crate) fn kubelet(&self, running: &[Process]) -> Result<()> {
        let kubelet = running.iter().find(|process| process.component == KUBELET);
        self.until("the kubelet listens to device plugins", KUBELET, running, || {
            kubelet.is_some_and(|kubelet| kubelet.listens_in_its_network(DEVICE_PLUGINS))
        })
    }

    /// Ready, and without the taint that keeps Pods away until the node controller has seen it.
    pub(crate) fn node(&self, running: &[Process]) -> Result<()> {
        let path = format!("/api/v1/nodes/{}", self.layout.node());
        self.until("the node is ready", KUBELET, running, || {
            self.get(&path).is_some_and(|node| takes_pods(&node))
        })
    }

    /// Without it no Pod is admitted.
    pub(crate) fn service_account(&self, running: &[Process]) -> Result<()> {
        let path = "/api/v1/namespaces/default/serviceaccounts/default";
        self.until("the default ServiceAccount exists", CONTROLLER_MANAGER, running, || {
            self.get(path).is_some()
        })
    }

    /// The address of the service `kubernetes` leads to the API server only through kube-proxy's rules.
    pub(crate) fn services(&self, network: Network, running: &[Process]) -> Result<()> {
        let address = SocketAddr::from((network.kubernetes(), 443));
        let reached = || TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
        self.until("services are reachable", PROXY, running, reached)
    }

    pub(crate) fn answers(&self) -> bool {
        exec::output(&mut self.raw("/readyz")).is_ok()
    }

    fn get(&self, path: &str) -> Option<Value> {
        serde_json::from_str(&exec::output(&mut self.raw(path)).ok()?).ok()
    }

    fn raw(&self, path: &str) -> Command {
        let mut command = Command::new(self.tools.kubectl());
        command
            .args(["get", "--request-timeout=5s", "--raw", path])
            .arg("--kubeconfig")
            .arg(self.layout.kubeconfig());
        without_proxy(&mut command);
        command
    }

    fn until(
        &self,
        what: &str,
        component: &str,
        running: &[Process],
        mut holds: impl FnMut() -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + self.patience;
        while !holds() {
            if let Some(dead) = running.iter().find(|process| !process.alive()) {
                bail!("{} ended: {}", dead.component, self.reason(&dead.component));
            }
            if Instant::now() > deadline {
                let seconds = self.patience.as_secs();
                bail!(
                    "waited {seconds} s in vain until {what}; {component} says: {}",
                    self.reason(component)
                );
            }
            sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn reason(&self, component: &str) -> String {
        let log = self.layout.log(component);
        let text = fs::read(&log).unwrap_or_default();
        format!("{} (log: {})", exec::last_words(&String::from_utf8_lossy(&text)), log.display())
    }
}

fn takes_pods(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
    let mut ready = conditions.filter(|one| one["type"] == "Ready" && one["status"] == "True");
    let mut taints = node["spec"]["taints"].as_array().into_iter().flatten();
    ready.next().is_some() && !taints.any(|taint| taint["key"] == "node.kubernetes.io/not-ready")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_takes_pods_once_it_is_ready_and_its_taint_is_gone() {
        let ready = json!([{"type": "DiskPressure", "status": "False"}, {"type": "Ready", "status": "True"}]);
        let taints = json!([{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]);
        assert!(takes_pods(&json!({"spec": {}, "status": {"conditions": ready}})));
        assert!(!takes_pods(&json!({"spec": {"taints": taints}, "status": {"conditions": ready}})));
        assert!(!takes_pods(&json!({"spec": {}, "status": {}})));
    }
}
