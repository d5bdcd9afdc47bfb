//! The cluster that `cargo xtask test` has made ready.

use std::env;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::pool;

/// A client of the cluster, and its kubectl.
#[derive(Clone)]
pub struct Cluster {
    /// Speaks to the API server as the administrator.
    pub client: Client,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) kubectl: PathBuf,
    /// Whether the node's files are this machine's.
    pub(crate) shares_files: bool,
}

impl Cluster {
    /// Connects to the cluster that the environment names first.
    pub async fn connect() -> Result<Self> {
        Self::of(pool::kubeconfigs()?.into_iter().next().context("no cluster is named")?).await
    }

    pub(crate) async fn of(kubeconfig: PathBuf) -> Result<Self> {
        let kubectl = PathBuf::from(told("HOOKED_E2E_KUBECTL")?);
        let known = Kubeconfig::read_from(&kubeconfig)?;
        let mut config = Config::from_custom_kubeconfig(known, &KubeConfigOptions::default()).await?;
        // A watch is quiet while nothing happens, and a scenario waits for itself.
        config.read_timeout = None;
        let shares_files = env::var("HOOKED_E2E_SHARES_FILES").is_ok_and(|shares| shares == "true");
        Ok(Self { client: Client::try_from(config)?, kubeconfig, kubectl, shares_files })
    }

    /// Whether its own nodes mount images unless they are told otherwise, as they do since Kubernetes 1.35. The
    /// hook-runner comes by an init container elsewhere.
    pub async fn mounts_images(&self) -> Result<bool> {
        let version = self.client.apiserver_version().await?;
        let minor: u32 =
            version.minor.trim_end_matches('+').parse().with_context(|| format!("{version:?}"))?;
        Ok(minor >= 35)
    }

    /// What kubectl prints. An error holds what it has complained of.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.kubectl_reading(arguments, String::new()).await
    }

    /// What kubectl prints when it reads `input` from its standard input.
    pub async fn kubectl_reading(&self, arguments: &[&str], input: String) -> Result<String> {
        let mut command = Command::new(&self.kubectl);
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig);
        command.env("KUBECACHEDIR", self.kubeconfig.with_extension("cache"));
        let said = format!("kubectl {}", arguments.join(" "));
        let run = tokio::task::spawn_blocking(move || run(&mut command, &input));
        run.await?.with_context(|| said)
    }
}

/// What kubectl prints of what needs no cluster, such as `kubectl kustomize`.
pub async fn kubectl_offline(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(told("HOOKED_E2E_KUBECTL")?);
    command.args(arguments);
    let said = format!("kubectl {}", arguments.join(" "));
    let run = tokio::task::spawn_blocking(move || run(&mut command, ""));
    run.await?.with_context(|| said)
}

fn run(command: &mut Command, input: &str) -> Result<String> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", error.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub(crate) fn told(variable: &str) -> Result<String> {
    env::var(variable).with_context(|| {
        format!("{variable} is not set: these tests need a cluster with the operator in it, run `cargo xtask test`")
    })
}
