//! Starts a cluster from nothing.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::cgroup::Cgroup;
use crate::components::{Component, Setup};
use crate::config::Choices;
use crate::endpoints::Endpoints;
use crate::layout::Layout;
use crate::network::{self, Network};
use crate::packages::Packages;
use crate::pki::Pki;
use crate::process::{Daemon, Process};
use crate::progress::Progress;
use crate::ready::Watch;
use crate::record::Record;
use crate::tools::Tools;
use crate::version::Kubernetes;
use crate::{config, exec, images, lock};

/// How long one condition may take. A healthy start takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts everything and returns when Pods can run and reach the API server.
pub(crate) fn start(
    layout: &Layout,
    tools: &Tools,
    packages: &Packages,
    back_off: Option<Duration>,
    progress: &Progress,
) -> Result<()> {
    let network = prepare(layout, packages, back_off, tools.version)?;
    let setup = Setup { layout, endpoints: Endpoints::of(network), tools };
    setup.write_kubeconfigs(&Pki::create(layout, &setup.endpoints)?)?;
    let mut launcher = Launcher::new(layout, tools)?;
    let watch = Watch { layout, tools, patience: PATIENCE };

    progress.say("starting etcd, containerd and kube-apiserver");
    for component in [setup.containerd(), setup.etcd(), setup.api_server()] {
        launcher.launch(&component)?;
    }
    let running = launcher.record.processes.clone();
    thread::scope(|scope| {
        let importing = scope.spawn(|| -> Result<()> {
            let archive = images::archive(tools, packages, &layout.cache, progress)?;
            watch.containerd(&running)?;
            import(layout, tools, &archive)
        });
        watch.api_server(&running)?;
        importing.join().map_err(|_| anyhow!("importing the images panicked"))?
    })?;

    progress.say("starting kube-controller-manager, kube-scheduler, kubelet and kube-proxy");
    for component in [setup.controller_manager(), setup.proxy(), setup.scheduler()] {
        launcher.launch(&component)?;
    }
    start_kubelet(&mut launcher, &setup, &watch, progress)?;
    let running = &launcher.record.processes;
    watch.service_account(running)?;
    watch.services(network, running)?;
    watch.node(running)?;
    launcher.record.set_complete(layout)
}

/// One at a time on this machine: whatever its root directory is, a kubelet removes the socket for device plugins, for
/// which all have one path, and makes its own. Of two that do so at once one fails, and ends.
fn start_kubelet(
    launcher: &mut Launcher<'_>,
    setup: &Setup<'_>,
    watch: &Watch<'_>,
    progress: &Progress,
) -> Result<()> {
    let place = setup.layout.cache.join(".kubelet.lock");
    let _turn = lock::take(&place, "the start of another cluster's kubelet", progress)?;
    launcher.launch(&setup.kubelet())?;
    watch.kubelet(&launcher.record.processes)
}

/// Makes the directories, the cgroup, the network and the configuration.
fn prepare(
    layout: &Layout,
    packages: &Packages,
    back_off: Option<Duration>,
    version: Kubernetes,
) -> Result<Network> {
    for directory in [&layout.run, &layout.logs()] {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    }
    // The API server would go on in them, where every other component begins its log anew.
    for log in layout.audit_logs() {
        fs::remove_file(&log).with_context(|| format!("cannot remove {}", log.display()))?;
    }
    Cgroup::named(&layout.unique())?.create()?;
    let network = Network::create(layout)?;
    let bridge_filtered = network::filter_bridge(&layout.netns());
    config::write(layout, network, packages, Choices { bridge_filtered, back_off, version })?;
    Ok(network)
}

/// Puts the images of an archive where the kubelet finds them.
pub(crate) fn import(layout: &Layout, tools: &Tools, archive: &std::path::Path) -> Result<()> {
    let mut command = Command::new(tools.ctr());
    command.arg("--address").arg(layout.containerd_socket());
    exec::output(command.args(["--namespace", "k8s.io", "images", "import"]).arg(archive))?;
    Ok(())
}

/// Starts components and keeps the record of them.
struct Launcher<'a> {
    layout: &'a Layout,
    cgroup: std::path::PathBuf,
    path: String,
    record: Record,
}

impl<'a> Launcher<'a> {
    fn new(layout: &'a Layout, tools: &Tools) -> Result<Self> {
        // containerd looks for its shim, kube-proxy for nft and the kubelet for mount.
        let path = format!(
            "{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            tools.containerd.display()
        );
        Ok(Self { layout, cgroup: Cgroup::named(&layout.unique())?.daemons(), path, record: Record::new()? })
    }

    fn launch(&mut self, component: &Component) -> Result<()> {
        let process = self.daemon(component)?;
        self.record.add(process, self.layout)
    }

    fn daemon(&self, component: &Component) -> Result<Process> {
        Daemon {
            component: component.name,
            program: &component.program,
            args: &component.args,
            path: &self.path,
            log: &self.layout.log(component.name),
            netns: &self.layout.netns(),
            cgroup: &self.cgroup,
        }
        .start()
    }
}
