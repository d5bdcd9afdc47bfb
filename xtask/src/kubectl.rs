//! kubectl, as the demo and Prometheus use it.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hooked_cluster::Target;
use serde_json::Value;

/// kubectl against one cluster.
pub(crate) struct Kubectl<'a> {
    target: &'a Target,
}

impl<'a> Kubectl<'a> {
    pub(crate) fn of(target: &'a Target) -> Self {
        Self { target }
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = self.target.kubectl()?;
        command.args(arguments).stdin(Stdio::null());
        Ok(command)
    }

    /// Runs it; what it says is shown only if it fails.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<()> {
        self.output(arguments).map(drop)
    }

    /// Runs it and returns what it prints.
    pub(crate) fn output(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments)?.output().context("kubectl cannot be started")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kubectl {}: {}", arguments.join(" "), said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Applies a manifest; true if that has changed anything.
    pub(crate) fn apply(&self, manifest: &Value) -> Result<bool> {
        let mut apply = self.command(&["apply", "-f", "-"])?;
        let mut child = apply
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("kubectl cannot be started")?;
        child.stdin.take().context("kubectl reads nothing")?.write_all(manifest.to_string().as_bytes())?;
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kubectl apply: {}", said.trim());
        Ok(!String::from_utf8_lossy(&output.stdout).trim_end().ends_with("unchanged"))
    }

    /// Runs it and reads what it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.output(&[arguments, &["-o", "json"]].concat())?;
        serde_json::from_str(&text).context("kubectl printed no JSON")
    }

    /// Whether it succeeds.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> bool {
        self.output(arguments).is_ok()
    }

    /// Asks again until something is so.
    pub(crate) fn wait_until(
        &self,
        what: &str,
        patience: Duration,
        mut is_so: impl FnMut() -> Result<bool>,
    ) -> Result<()> {
        let began = Instant::now();
        while !is_so()? {
            if began.elapsed() > patience {
                let state = self.output(&["get", "hw,pods", "-A"]).unwrap_or_default();
                bail!("not within {} s: {what}\n{state}", patience.as_secs());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Ok(())
    }
}
