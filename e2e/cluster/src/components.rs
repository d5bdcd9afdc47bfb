//! The seven programs of a cluster and their command lines.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::endpoints::Endpoints;
use crate::kubeconfig::write_kubeconfig;
use crate::layout::Layout;
use crate::pki::Pki;
use crate::tools::Tools;

pub(crate) const ETCD: &str = "etcd";
pub(crate) const CONTAINERD: &str = "containerd";
pub(crate) const API_SERVER: &str = "kube-apiserver";
pub(crate) const CONTROLLER_MANAGER: &str = "kube-controller-manager";
pub(crate) const SCHEDULER: &str = "kube-scheduler";
pub(crate) const KUBELET: &str = "kubelet";
pub(crate) const PROXY: &str = "kube-proxy";

/// A program and its arguments.
pub(crate) struct Component {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
}

/// All that the command lines depend on.
pub(crate) struct Setup<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) endpoints: Endpoints,
    pub(crate) tools: &'a Tools,
}

impl Setup<'_> {
    /// Where clients reach the API server, from the host and from the namespace alike.
    pub(crate) fn server(&self) -> String {
        self.endpoints.server()
    }

    /// Writes the kubeconfigs of the user and of the components.
    pub(crate) fn write_kubeconfigs(&self, pki: &Pki) -> Result<()> {
        let node = self.layout.node();
        let kubelet_user = format!("system:node:{node}");
        let components = [
            (CONTROLLER_MANAGER, "system:kube-controller-manager", None),
            (SCHEDULER, "system:kube-scheduler", None),
            (PROXY, "system:kube-proxy", None),
            (KUBELET, &*kubelet_user, Some("system:nodes")),
        ];
        for (component, user, group) in components {
            let identity = pki.identity(user, group)?;
            write_kubeconfig(&self.kubeconfig(component), &node, &self.server(), pki, &identity)?;
        }
        let admin = pki.identity("admin", Some("system:masters"))?;
        write_kubeconfig(&self.layout.kubeconfig(), &node, &self.server(), pki, &admin)
    }

    /// The store of a throw-away cluster: what a crash of the machine loses is not missed.
    pub(crate) fn etcd(&self) -> Component {
        let data = self.layout.state.join("etcd");
        component(
            ETCD,
            &self.tools.etcd,
            vec![
                flag("--data-dir", data.display()),
                "--unsafe-no-fsync".into(),
                flag("--listen-client-urls", self.endpoints.store()),
                flag("--advertise-client-urls", self.endpoints.store()),
                flag("--listen-peer-urls", self.endpoints.store_peers()),
                "--log-level=warn".into(),
            ],
        )
    }

    pub(crate) fn containerd(&self) -> Component {
        let config = self.layout.config("containerd.toml");
        component(CONTAINERD, &self.tools.containerd, vec![flag("--config", config.display())])
    }

    /// With a log of who did what to what.
    pub(crate) fn api_server(&self) -> Component {
        let mut args = self.api_server_args();
        args.extend([
            flag("--audit-policy-file", self.layout.config("audit-policy.yaml").display()),
            flag("--audit-log-path", self.layout.logs().join("audit.log").display()),
            "--audit-log-maxsize=100".into(),
            "--audit-log-maxbackup=2".into(),
        ]);
        component(API_SERVER, &self.tools.kubernetes, args)
    }

    /// One that lets nobody wait for a turn: what it takes to serve a client is what is measured.
    pub(crate) fn api_server_without_queues(&self) -> Component {
        let mut args = self.api_server_args();
        args.extend([
            "--enable-priority-and-fairness=false".into(),
            "--max-requests-inflight=4000".into(),
            "--max-mutating-requests-inflight=4000".into(),
        ]);
        component(API_SERVER, &self.tools.kubernetes, args)
    }

    /// Admission as on a strict cluster; `PodSecurity` is among the defaults.
    fn api_server_args(&self) -> Vec<String> {
        let pki = |file: &str| self.layout.pki().join(file).display().to_string();
        vec![
            flag("--etcd-servers", self.endpoints.store()),
            flag("--advertise-address", self.endpoints.node),
            "--bind-address=0.0.0.0".into(),
            flag("--secure-port", self.endpoints.api_server),
            flag("--tls-cert-file", pki("apiserver.crt")),
            flag("--tls-private-key-file", pki("apiserver.key")),
            flag("--client-ca-file", pki("ca.crt")),
            flag("--kubelet-certificate-authority", pki("ca.crt")),
            flag("--kubelet-client-certificate", pki("apiserver-kubelet-client.crt")),
            flag("--kubelet-client-key", pki("apiserver-kubelet-client.key")),
            "--kubelet-preferred-address-types=InternalIP".into(),
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local".into(),
            flag("--service-account-key-file", pki("service-accounts.pub")),
            flag("--service-account-signing-key-file", pki("service-accounts.key")),
            flag("--service-cluster-ip-range", &self.endpoints.services),
            "--authorization-mode=Node,RBAC".into(),
            "--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement".into(),
            "--allow-privileged=true".into(),
        ]
    }

    pub(crate) fn controller_manager(&self) -> Component {
        let pki = |file: &str| self.layout.pki().join(file).display().to_string();
        let mut args = self.client_args(CONTROLLER_MANAGER);
        args.extend([
            "--use-service-account-credentials=true".into(),
            flag("--root-ca-file", pki("ca.crt")),
            flag("--service-account-private-key-file", pki("service-accounts.key")),
            flag("--cluster-signing-cert-file", pki("ca.crt")),
            flag("--cluster-signing-key-file", pki("ca.key")),
            flag("--flex-volume-plugin-dir", self.layout.state.join("volume-plugins").display()),
        ]);
        component(CONTROLLER_MANAGER, &self.tools.kubernetes, args)
    }

    pub(crate) fn scheduler(&self) -> Component {
        component(SCHEDULER, &self.tools.kubernetes, self.client_args(SCHEDULER))
    }

    /// A controller manager of these controllers alone, or a scheduler, that no limit of its client holds back and that
    /// serves nothing.
    pub(crate) fn unlimited(&self, name: &'static str, kubeconfig: &Path, controllers: &[&str]) -> Component {
        let mut args = with_kubeconfig(kubeconfig);
        args.extend(
            ["--kube-api-qps=100000", "--kube-api-burst=100000", "--secure-port=0"].map(str::to_owned),
        );
        if !controllers.is_empty() {
            args.push(flag("--controllers", controllers.join(",")));
        }
        component(name, &self.tools.kubernetes, args)
    }

    pub(crate) fn kubelet(&self) -> Component {
        let args = vec![
            flag("--config", self.layout.config("kubelet.yaml").display()),
            flag("--kubeconfig", self.kubeconfig(KUBELET).display()),
            flag("--root-dir", self.layout.state.join("kubelet").display()),
            flag("--cert-dir", self.layout.state.join("kubelet/pki").display()),
            flag("--hostname-override", self.layout.node()),
            flag("--node-ip", self.endpoints.node),
        ];
        component(KUBELET, &self.tools.kubernetes, args)
    }

    pub(crate) fn proxy(&self) -> Component {
        let config = self.layout.config("kube-proxy.yaml");
        component(PROXY, &self.tools.kubernetes, vec![flag("--config", config.display())])
    }

    /// Tests should not wait for a client's own limit.
    fn client_args(&self, component: &str) -> Vec<String> {
        let mut args = with_kubeconfig(&self.kubeconfig(component));
        args.extend(["--kube-api-qps=200", "--kube-api-burst=400"].map(str::to_owned));
        args
    }

    fn kubeconfig(&self, component: &str) -> PathBuf {
        self.layout.config(&format!("{component}.kubeconfig"))
    }
}

/// One instance needs no election.
fn with_kubeconfig(kubeconfig: &Path) -> Vec<String> {
    let kubeconfigs = ["--kubeconfig", "--authentication-kubeconfig", "--authorization-kubeconfig"];
    let settings = ["--leader-elect=false", "--bind-address=127.0.0.1"];
    let named = kubeconfigs.map(|name| flag(name, kubeconfig.display()));
    named.into_iter().chain(settings.map(str::to_owned)).collect()
}

fn component(name: &'static str, directory: &Path, args: Vec<String>) -> Component {
    Component { name, program: directory.join(name), args }
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("{name}={value}")
}
