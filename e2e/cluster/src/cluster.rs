//! The embedded cluster, as its users see it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::layout::Layout;
use crate::packages::Packages;
use crate::progress::Progress;
use crate::ready::Watch;
use crate::record::Record;
use crate::tools::Tools;
use crate::version::Kubernetes;
use crate::{lock, packages, process, start, stop};

/// A Kubernetes cluster of one node on this machine. Several of different names run side by side.
#[derive(Clone, Debug)]
pub struct Cluster {
    layout: Layout,
    tools: Tools,
    /// The longest time before the kubelet starts a failing container again; its own choice if there is none.
    back_off: Option<Duration>,
}

impl Cluster {
    /// The cluster of this name, whether it runs or not.
    pub fn named(name: &str) -> Result<Self> {
        let layout = Layout::of(name)?;
        let tools = Tools::below(&layout.cache, Kubernetes::default());
        Ok(Self { layout, tools, back_off: None })
    }

    /// The same cluster, if it is started now, with a kubelet that lets a container which fails again and again wait no
    /// longer than this before its next start, instead of up to five minutes. At least a second.
    #[must_use]
    pub fn with_back_off(self, longest: Duration) -> Self {
        Self { back_off: Some(longest), ..self }
    }

    /// The same cluster, if it is started now, of this version of Kubernetes.
    #[must_use]
    pub fn with_kubernetes(self, version: Kubernetes) -> Self {
        let tools = Tools::below(&self.layout.cache, version);
        Self { tools, ..self }
    }

    /// Builds what must be built and starts the cluster, unless it runs; remains of a dead one are removed first.
    /// A start that fails is undone, but its logs are kept.
    pub fn up(&self, progress: &Progress) -> Result<()> {
        require_root()?;
        let _lock = self.lock(progress)?;
        if self.is_up() {
            progress.say(&format!("cluster {} is up already", self.layout.name));
            return Ok(());
        }
        let packages = self.provide(progress)?;
        if stop::remains(&self.layout)? {
            progress.say("removing the remains of an earlier cluster");
            stop::stop(&self.layout)?;
        }
        if let Err(error) = start::start(&self.layout, &self.tools, &packages, self.back_off, progress) {
            let undone = stop::stop(&self.layout);
            return Err(undone.err().map_or(error.context("the cluster does not start"), |left| {
                left.context("the cluster does not start, and cleaning up failed too")
            }));
        }
        progress.say(&format!("cluster {} is up: {}", self.layout.name, self.kubeconfig().display()));
        Ok(())
    }

    /// Stops the cluster and leaves no process, mount, link, cgroup or data of it, only its logs.
    pub fn down(&self, progress: &Progress) -> Result<()> {
        require_root()?;
        let _lock = self.lock(progress)?;
        if !stop::remains(&self.layout)? {
            progress.say(&format!("cluster {} is not up", self.layout.name));
            return Ok(());
        }
        stop::stop(&self.layout)?;
        progress.say(&format!("cluster {} is down", self.layout.name));
        Ok(())
    }

    /// Whether a start came to its end, all components run and the API server is ready.
    pub fn is_up(&self) -> bool {
        let record = Record::load(&self.layout);
        let watch = Watch { layout: &self.layout, tools: &self.tools, patience: Duration::ZERO };
        record.complete && record.processes.iter().all(process::Process::alive) && watch.answers()
    }

    /// The administrator's kubeconfig, which holds everything itself.
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig()
    }

    /// The name of the cluster's only node.
    pub fn node(&self) -> String {
        self.layout.node()
    }

    /// A `kubectl` of the cluster's own version that speaks to it.
    pub fn kubectl(&self) -> Command {
        kubectl(&self.tools.kubectl(), &self.kubeconfig())
    }

    /// A `kubectl` for what needs no cluster, such as `kubectl kustomize`, built if the cache lacks it.
    pub fn kubectl_offline(&self, progress: &Progress) -> Result<Command> {
        let _lock = lock::take(&self.layout.cache.join(".lock"), "another cluster's preparation", progress)?;
        self.tools.build_kubernetes(progress)?;
        Ok(Command::new(self.tools.kubectl()))
    }

    /// The directory of the built `kubectl`.
    pub fn programs(&self) -> PathBuf {
        self.tools.kubernetes.clone()
    }

    /// Where each component logs to `<component>.log`, and the API server to `audit.log`.
    pub fn logs(&self) -> PathBuf {
        self.layout.logs()
    }

    /// All that the API server has put on record of who did what to what, since the cluster was started.
    pub fn audit_logs(&self) -> Vec<PathBuf> {
        self.layout.audit_logs()
    }

    /// Imports the images of a docker or OCI archive; Pods find them with the pull policy `IfNotPresent`.
    pub fn load(&self, archive: &Path) -> Result<()> {
        require_root()?;
        ensure!(archive.is_file(), "there is no archive {}", archive.display());
        ensure!(
            self.layout.containerd_socket().exists(),
            "cluster {} is not up: run `cargo xtask cluster up` first",
            self.layout.name
        );
        start::import(&self.layout, &self.tools, archive)
            .with_context(|| format!("cannot load {}", archive.display()))
    }

    /// Fills the cache, one cluster at a time. Packages come first, so that what is missing is told before minutes
    /// of building.
    fn provide(&self, progress: &Progress) -> Result<Packages> {
        let cache = &self.layout.cache;
        let _lock = lock::take(&cache.join(".lock"), "another cluster's preparation", progress)?;
        let packages = packages::provide(cache, progress)?;
        self.tools.build(progress)?;
        Ok(packages)
    }

    fn lock(&self, progress: &Progress) -> Result<std::fs::File> {
        lock::take(&self.layout.lock(), &format!("another command on cluster {}", self.layout.name), progress)
    }
}

/// A kubectl for one kubeconfig. Its cache of what the server knows lies beside that, not with the user's own.
pub(crate) fn kubectl(program: &Path, kubeconfig: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("KUBECONFIG", kubeconfig).env("KUBECACHEDIR", kubeconfig.with_extension("cache"));
    process::without_proxy(&mut command);
    command
}

fn require_root() -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "needs root for containerd and network namespaces: run with sudo, or use --context NAME for a cluster you have"
    );
    Ok(())
}
