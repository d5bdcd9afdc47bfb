//! The configuration files of the components, with the reason for each setting that is not a default.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::images;
use crate::layout::Layout;
use crate::network::Network;
use crate::packages::Packages;
use crate::version::Kubernetes;

/// What differs from one cluster to another.
#[derive(Clone, Copy)]
pub(crate) struct Choices {
    /// Whether answers between Pods of the bridge pass the packet filter.
    pub(crate) bridge_filtered: bool,
    /// The longest time before a failing container is started again, if it is not the kubelet's own.
    pub(crate) back_off: Option<Duration>,
    pub(crate) version: Kubernetes,
}

/// Writes all of them.
pub(crate) fn write(layout: &Layout, network: Network, packages: &Packages, choices: Choices) -> Result<()> {
    fs::create_dir_all(layout.config("cni"))?;
    let put = |file: &str, value: &Value| -> Result<()> {
        Ok(fs::write(layout.config(file), serde_json::to_vec_pretty(value)?)?)
    };
    // JSON is YAML too.
    put("kubelet.yaml", &kubelet(layout, network, choices))?;
    put("kube-proxy.yaml", &kube_proxy(layout, network, choices.bridge_filtered))?;
    put("audit-policy.yaml", &audit_policy())?;
    put("cni/10-bridge.conflist", &cni(layout, network))?;
    Ok(fs::write(layout.config("containerd.toml"), containerd(layout, packages))?)
}

fn kubelet(layout: &Layout, network: Network, choices: Choices) -> Value {
    let pki = layout.pki();
    let mut kubelet = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": pki.join("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": pki.join("kubelet.crt"),
        "tlsPrivateKeyFile": pki.join("kubelet.key"),
        "containerRuntimeEndpoint": format!("unix://{}", layout.containerd_socket().display()),
        "cgroupRoot": format!("/{}", layout.unique()),
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": false,
        "failSwapOn": false,
        // As with the first version of control groups, where the machine has the second: a child that runs
        // out of memory does not take its container with it.
        "singleProcessOOMKill": true,
        // Lowering it takes a right that not every root has.
        "oomScoreAdj": 0,
        // Keeps the kubelet from calling iptables, which the machine may lack.
        "makeIPTablesUtilChains": false,
        // Nobody answers there, so a look-up fails at once; with no address each Pod would get a warning Event.
        "clusterDNS": [network.node()],
        "clusterDomain": "cluster.local",
        "podLogsDir": layout.state.join("pods"),
        "volumePluginDir": layout.state.join("volume-plugins"),
        // The images cannot be pulled again, and a fairly full disk is no reason to evict tests.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "imageMinimumGCAge": "8760h",
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
            "imagefs.inodesFree": "1%",
        },
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
    });
    if let Some(longest) = choices.back_off {
        if choices.version.hides_back_off() {
            kubelet["featureGates"] = json!({"KubeletCrashLoopBackOffMax": true});
        }
        kubelet["crashLoopBackOff"] = json!({"maxContainerRestartPeriod": format!("{}s", longest.as_secs())});
    }
    kubelet
}

fn kube_proxy(layout: &Layout, network: Network, bridge_filtered: bool) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": layout.config("kube-proxy.kubeconfig")},
        "hostnameOverride": layout.node(),
        "clusterCIDR": network.pods(),
        "nftables": {"masqueradeAll": !bridge_filtered},
        // These limits belong to the whole machine, and are read-only in a network namespace.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "oomScoreAdj": 0,
    })
}

/// Who did what to what, but no contents.
fn audit_policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata"}],
    })
}

fn cni(layout: &Layout, network: Network) -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": layout.unique(),
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": true,
                "ipMasq": false,
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "dataDir": layout.state.join("cni"),
                    "ranges": [[{"subnet": network.pods()}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
}

fn containerd(layout: &Layout, packages: &Packages) -> String {
    let (run, state, socket) = (layout.run.display(), layout.state.display(), layout.containerd_socket());
    let (socket, cni, conf) = (socket.display(), packages.cni.display(), layout.config("cni"));
    let (runc, conf, pause) = (packages.runc.display(), conf.display(), images::PAUSE);
    let snapshotter = snapshotter(&layout.state);
    format!(
        "\
version = 4
root = '{state}/containerd'
state = '{run}/containerd'
imports = []
# They would share a place with another containerd on the machine.
disabled_plugins = ['io.containerd.nri.v1.nri', 'io.containerd.internal.v1.opt']

[plugins.'io.containerd.server.v1.grpc']
  address = '{socket}'
[plugins.'io.containerd.server.v1.ttrpc']
  address = '{socket}.ttrpc'
[plugins.'io.containerd.shim.v1.manager']
  socket_dir = '{run}/s'
[plugins.'io.containerd.cri.v1.images']
  snapshotter = '{snapshotter}'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '{pause}'
[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE no score can be lowered, and every sandbox would fail.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = '{runc}'
  Root = '{run}/runc'
  SystemdCgroup = false
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['{cni}']
  conf_dir = '{conf}'
  use_internal_loopback = true
"
    )
}

/// An overlay cannot lie on an overlay, as in a container; copies always work.
fn snapshotter(state: &Path) -> &'static str {
    const OVERLAY: i64 = 0x794c_7630;
    let on_overlay = rustix::fs::statfs(state).is_ok_and(|system| system.f_type == OVERLAY);
    if on_overlay { "native" } else { "overlayfs" }
}
