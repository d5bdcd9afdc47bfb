//! The plugin for each system, and the manifest by which krew installs it.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use super::archive::Archive;
use super::programs::{PLUGIN, PLUGIN_FOR_WINDOWS, Tools};
use super::{Release, VERSION, sums};
use crate::generate::man;
use crate::image::{Architecture, workspace};

/// Writes the archives and the manifest. What cannot be built on this machine, for macOS, the release workflow adds.
pub(super) fn write(release: &Release, tools: &Tools) -> Result<()> {
    let manual = release.scratch.join("man");
    man::pages(&manual)?;
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
        archive.folder(&manual, "man")?;
        archive.write(&release.file(&format!("{stem}.tar.gz")))?;
        platform(&mut manifest, release, (system, architecture_name))?;
    }
    for (system, architecture) in made_elsewhere(release)? {
        platform(&mut manifest, release, (&system, &architecture))?;
    }
    fs::write(release.file("krew-hooked.yaml"), manifest)?;
    Ok(())
}

/// Names an archive of the release in the manifest.
fn platform(manifest: &mut String, release: &Release, (system, architecture): (&str, &str)) -> Result<()> {
    let name = format!("kubectl-hooked-v{VERSION}-{system}-{architecture}.tar.gz");
    let sum = sums::of(&release.file(&name))?;
    let url = format!("{}/v{VERSION}/{name}", release.options.url);
    let suffix = if system == "windows" { ".exe" } else { "" };
    // Writing to a text cannot fail.
    let _ = write!(
        manifest,
        "  - selector:\n      matchLabels:\n        os: {system}\n        arch: {architecture}\n    uri: {url}\n    \
         sha256: {sum}\n    bin: kubectl-hooked{suffix}\n"
    );
    Ok(())
}

/// Takes archives over that another machine has made, and says for which systems and processors they are.
fn made_elsewhere(release: &Release) -> Result<Vec<(String, String)>> {
    let Some(folder) = &release.options.extra else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let platform = name.strip_prefix(&format!("kubectl-hooked-v{VERSION}-"));
        let platform =
            platform.and_then(|rest| rest.strip_suffix(".tar.gz")).and_then(|rest| rest.split_once('-'));
        let (system, architecture) =
            platform.with_context(|| format!("{name} is no kubectl-hooked-v{VERSION}-SYSTEM-ARCH.tar.gz"))?;
        found.push((system.to_owned(), architecture.to_owned()));
        fs::copy(entry.path(), release.file(&name))?;
    }
    found.sort();
    Ok(found)
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
