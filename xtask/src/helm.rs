//! Helm, and the chart of this tree.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hooked_cluster::{Progress, release};

use crate::image;

/// Helm on this machine, and against one cluster if there is one.
pub(crate) struct Helm {
    program: PathBuf,
    kubeconfig: Option<PathBuf>,
}

impl Helm {
    /// Helm without a cluster, built if the cache lacks it.
    pub(crate) fn find(progress: &Progress) -> Result<Self> {
        Ok(Self { program: release::helm(progress)?, kubeconfig: None })
    }

    /// Helm against the cluster of this kubeconfig.
    pub(crate) fn against(self, kubeconfig: &Path) -> Self {
        Self { kubeconfig: Some(kubeconfig.to_owned()), ..self }
    }

    /// Runs it and returns what it prints; an error has all that it says.
    pub(crate) fn output(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_remove("KUBECONFIG");
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        let output = command.output().context("helm cannot be started")?;
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        ensure!(output.status.success(), "helm {}: {}", arguments.join(" "), said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The chart.
pub(crate) fn chart() -> Result<String> {
    Ok(image::workspace()?.join("config/chart").display().to_string())
}
