//! The cluster to work with: the embedded one, or one that the user has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cluster::{Cluster, kubectl};
use crate::progress::Progress;
use crate::tools::Tools;
use crate::version::Kubernetes;
use crate::{exec, layout, pki};

/// Where commands and tests go.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a program has a handful of them")]
pub enum Target {
    /// A cluster on this machine that we start and stop.
    Embedded(Cluster),
    /// A context of the user's kubeconfig; its cluster is only used.
    Context(String),
}

impl Target {
    /// The context if one is given, else the embedded cluster of this name, with that version if it is started.
    pub fn choose(context: Option<String>, name: &str, version: Kubernetes) -> Result<Self> {
        match context {
            Some(context) => Ok(Self::Context(context)),
            None => Ok(Self::Embedded(Cluster::named(name)?.with_kubernetes(version))),
        }
    }

    /// Starts the embedded cluster, or checks that the user's answers.
    pub fn up(&self, progress: &Progress) -> Result<()> {
        let context = match self {
            Self::Embedded(cluster) => return cluster.up(progress),
            Self::Context(context) => context,
        };
        exec::output(self.kubectl()?.args(["get", "--raw", "/readyz", "--request-timeout=10s"]))
            .with_context(|| format!("the cluster of context {context} does not answer"))?;
        progress.say(&format!("the cluster of context {context} answers"));
        Ok(())
    }

    /// Stops the embedded cluster; the user's is left as it is.
    pub fn down(&self, progress: &Progress) -> Result<()> {
        match self {
            Self::Embedded(cluster) => cluster.down(progress),
            Self::Context(context) => {
                progress.say(&format!("the cluster of context {context} is yours and stays up"));
                Ok(())
            }
        }
    }

    /// A kubeconfig whose current context is this cluster.
    pub fn kubeconfig(&self) -> Result<PathBuf> {
        match self {
            Self::Embedded(cluster) => Ok(cluster.kubeconfig()),
            Self::Context(context) => extract(context),
        }
    }

    /// A `kubectl` that speaks to this cluster.
    pub fn kubectl(&self) -> Result<Command> {
        match self {
            Self::Embedded(cluster) => Ok(cluster.kubectl()),
            Self::Context(_) => Ok(kubectl(&users_kubectl()?, &self.kubeconfig()?)),
        }
    }

    /// Imports an image archive, which only the embedded cluster can.
    pub fn load(&self, archive: &Path) -> Result<()> {
        match self {
            Self::Embedded(cluster) => cluster.load(archive),
            Self::Context(context) => bail!(
                "images cannot be loaded into the cluster of context {context}: push {} to a registry it pulls from",
                archive.display()
            ),
        }
    }
}

/// Writes a context of the user's kubeconfig, and nothing else of it, to a file of its own.
fn extract(context: &str) -> Result<PathBuf> {
    let view = ["config", "view", "--raw", "--minify", "--flatten", "--context", context];
    let text = exec::output(Command::new(users_kubectl()?).args(view))
        .with_context(|| format!("your kubeconfig has no usable context {context}"))?;
    let plain: String = context.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let directory = layout::cache()?.join("contexts");
    fs::create_dir_all(&directory)?;
    let file = directory.join(format!("{plain}-{}", crate::digest(&[context.as_bytes()], 8)));
    pki::write(&file, &text)?;
    Ok(file)
}

/// The user's own kubectl, or ours if it was ever built: a foreign cluster is no reason to build Kubernetes.
fn users_kubectl() -> Result<PathBuf> {
    let ours = Tools::below(&layout::cache()?, Kubernetes::default()).kubectl();
    exec::find("kubectl")
        .or_else(|| ours.is_file().then_some(ours))
        .context("`kubectl` is missing: install it to use a cluster of yours")
}
