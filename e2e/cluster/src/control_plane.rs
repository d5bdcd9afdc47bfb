//! A control plane alone: etcd and an API server as programs of this machine, for as long as somebody holds it.
//!
//! It needs no root, no network of its own and no node. What else it is to have is started by name.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::components::{CONTROLLER_MANAGER, Component, SCHEDULER, Setup};
use crate::endpoints::{Endpoints, free_ports};
use crate::exec;
use crate::kubeconfig::write_kubeconfig;
use crate::layout::{self, Layout};
use crate::pki::Pki;
use crate::process::without_proxy;
use crate::progress::Progress;
use crate::ready::Watch;
use crate::tools::Tools;
use crate::version::Kubernetes;

/// How long a program may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(10);
/// How long the API server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(120);
/// Whose members may do everything, and whom no queue holds back.
const MASTERS: &str = "system:masters";

/// A running control plane. It ends, and its data goes, when it is dropped.
pub struct ControlPlane {
    /// The API server.
    pub api_server: Running,
    /// The store.
    pub etcd: Running,
    layout: Layout,
    tools: Tools,
    endpoints: Endpoints,
    pki: Pki,
    root: PathBuf,
}

/// A program that runs for as long as this is held. Asked to end, it gets some seconds to do so.
pub struct Running {
    name: String,
    child: Child,
    log: PathBuf,
}

impl ControlPlane {
    /// Starts etcd and an API server with data and certificates of their own, and builds them first if the cache lacks
    /// them. Returns when the API server is ready.
    pub fn start(progress: &Progress) -> Result<Self> {
        let tools = Tools::below(&layout::cache()?, Kubernetes::default());
        tools.build_control_plane(progress)?;
        let endpoints = Endpoints::local()?;
        let root = std::env::temp_dir().join(format!("hooked-control-plane-{}", endpoints.api_server));
        let layout = Layout::below(&root, "alone", layout::cache()?);
        for directory in [layout.logs(), layout.config("")] {
            fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        let pki = Pki::create(&layout, &endpoints)?;
        let setup = Setup { layout: &layout, endpoints: endpoints.clone(), tools: &tools };
        let admin = pki.identity("admin", Some(MASTERS))?;
        write_kubeconfig(&layout.kubeconfig(), "alone", &setup.server(), &pki, &admin)?;
        let etcd = launch(&layout, &setup.etcd())?;
        let mut api_server = launch(&layout, &setup.api_server_without_queues())?;
        until_ready(&Watch { layout: &layout, tools: &tools, patience: Duration::ZERO }, &mut api_server)?;
        Ok(Self { api_server, etcd, layout, tools, endpoints, pki, root })
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig()
    }

    /// A kubeconfig of a user who may do everything.
    pub fn kubeconfig_of(&self, user: &str) -> Result<PathBuf> {
        let file = self.layout.config(&format!("{}.kubeconfig", user.replace(':', "-")));
        let identity = self.pki.identity(user, Some(MASTERS))?;
        write_kubeconfig(&file, "alone", &self.endpoints.server(), &self.pki, &identity)?;
        Ok(file)
    }

    /// Where etcd answers, over HTTP too.
    pub fn store(&self) -> String {
        self.endpoints.store()
    }

    /// Starts the controller manager with these controllers alone. Nothing limits its client.
    pub fn controller_manager(&self, controllers: &[&str]) -> Result<Running> {
        self.unlimited(CONTROLLER_MANAGER, controllers)
    }

    /// Starts the scheduler. Nothing limits its client.
    pub fn scheduler(&self) -> Result<Running> {
        self.unlimited(SCHEDULER, &[])
    }

    /// Starts a program of somebody else's, with these options and variables.
    pub fn program(
        &self,
        name: &str,
        program: &Path,
        args: &[String],
        variables: &[(&str, &str)],
    ) -> Result<Running> {
        let mut command = Command::new(program);
        command.args(args).envs(variables.iter().copied());
        start(name, command, &self.layout.log(name))
    }

    /// Ports of this machine that nobody uses now.
    pub fn free_ports<const COUNT: usize>() -> Result<[u16; COUNT]> {
        free_ports()
    }

    fn unlimited(&self, name: &'static str, controllers: &[&str]) -> Result<Running> {
        let kubeconfig = self.kubeconfig_of(&format!("system:{name}"))?;
        let setup = Setup { layout: &self.layout, endpoints: self.endpoints.clone(), tools: &self.tools };
        launch(&self.layout, &setup.unlimited(name, &kubeconfig, controllers))
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.api_server.end();
        self.etcd.end();
        // What is left lies among temporary files.
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Running {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said since it was started.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Fails if it has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}): {}", self.name, exec::last_words(&self.log())),
        }
    }

    /// Asks it to end, and kills it if it does not.
    pub fn end(&mut self) {
        for (signal, patience) in [(Signal::TERM, GRACE), (Signal::KILL, GRACE)] {
            let deadline = Instant::now() + patience;
            while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
                self.signal(signal);
                sleep(Duration::from_millis(20));
            }
        }
    }

    /// Kills it without a word of warning.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        // Nobody else has waited for it.
        let _ = self.child.wait();
    }

    fn signal(&self, signal: Signal) {
        // The process id is not used anew before somebody has waited for the child.
        if let Some(process) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(process, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn launch(layout: &Layout, component: &Component) -> Result<Running> {
    let mut command = Command::new(&component.program);
    command.args(&component.args);
    start(component.name, command, &layout.log(component.name))
}

fn start(name: &str, mut command: Command, log: &Path) -> Result<Running> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.current_dir("/").stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    without_proxy(&mut command);
    let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    Ok(Running { name: name.to_owned(), child, log: log.to_owned() })
}

fn until_ready(watch: &Watch, api_server: &mut Running) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !watch.answers() {
        api_server.check()?;
        if Instant::now() > deadline {
            bail!("the API server is not ready: {}", exec::last_words(&api_server.log()));
        }
        sleep(Duration::from_millis(100));
    }
    Ok(())
}
