//! The plugin for each system, and the manifest by which krew installs it.

use std::fmt::Write;
use std::fs;

use anyhow::Result;

use super::archive::Archive;
use super::programs::{PLUGIN, PLUGIN_FOR_WINDOWS, Tools};
use super::{Release, VERSION, sums};
use crate::image::{Architecture, workspace};

/// Writes the archives and the manifest. What cannot be built on this machine, for macOS, the release workflow adds.
pub(super) fn write(release: &Release, tools: &Tools) -> Result<()> {
    let mut manifest = HEAD.replace("VERSION", VERSION);
    let linux = release.options.architectures.iter().map(|one| (PLUGIN, *one, "linux", ""));
    let windows = (PLUGIN_FOR_WINDOWS, Architecture::Amd64, "windows", ".exe");
    let windows = (!release.options.no_windows).then_some(windows);
    for (program, architecture, system, suffix) in linux.chain(windows) {
        let architecture_name = architecture.name();
        release.progress.say(&format!("building {} for {system} on {architecture_name}", program.name));
        let built = tools.build(program, architecture)?;
        let stem = format!("kubectl-hooked-v{VERSION}-{system}-{architecture_name}");
        fs::write(release.file(&format!("{stem}.cdx.json")), tools.bill_of_materials(&built)?)?;
        let mut archive = Archive::dated(release.epoch);
        archive.file(&format!("kubectl-hooked{suffix}"), &fs::read(built)?, 0o755)?;
        archive.file("LICENSE", &fs::read(workspace()?.join("LICENSE"))?, 0o644)?;
        let name = format!("{stem}.tar.gz");
        archive.write(&release.file(&name))?;
        let sum = sums::of(&release.file(&name))?;
        let url = format!("{}/v{VERSION}/{name}", release.options.url);
        // Writing to a text cannot fail.
        let _ = write!(
            manifest,
            "  - selector:\n      matchLabels:\n        os: {system}\n        arch: {architecture_name}\n    uri: {url}\n    \
             sha256: {sum}\n    bin: kubectl-hooked{suffix}\n"
        );
    }
    fs::write(release.file("krew-hooked.yaml"), manifest)?;
    Ok(())
}

const HEAD: &str = "\
# kubectl krew install --manifest=krew-hooked.yaml
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: hooked
spec:
  version: vVERSION
  homepage: https://hooked.dev
  shortDescription: What container lifecycle hooks did, and why containers were killed
  description: |
    Shows the hooks of HookedWorkloads as they run, with outcomes and durations, says why a container was killed, and
    does for HookedWorkloads what `kubectl rollout` does for Deployments.
  platforms:
";
