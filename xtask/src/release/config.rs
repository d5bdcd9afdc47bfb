//! What is installed: `install.yaml`, the kustomize folders and the Helm chart, all naming the release's image.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hooked_cluster::Cluster;

use super::archive::Archive;
use super::{Release, VERSION};
use crate::image::{NAME, workspace};
use crate::output;

/// Copies config/ to where it may be changed, and has it name the release's image.
pub(super) fn stage(release: &Release) -> Result<PathBuf> {
    let config = release.scratch.join("config");
    let (from, to) = (workspace()?.join("config").display().to_string(), config.display().to_string());
    output::output(workspace()?, "cp", &["-r", &from, &to])?;
    let name = &release.options.image;
    let (old, old_tag) = NAME.rsplit_once(':').context("the image has no tag")?;
    let images = |name: &str, tag: &str| format!("- name: {old}\n{name}  newTag: {tag}\n");
    let new_name = if name == old { String::new() } else { format!("  newName: {name}\n") };
    let tag = format!("v{VERSION}");
    replace(&config.join("manager/kustomization.yaml"), &images("", old_tag), &images(&new_name, &tag))?;
    if let Some((registry, repository)) = name.split_once('/').filter(|_| name != old) {
        let values = config.join("chart/values.yaml");
        replace(&values, "registry: hooked.dev\n", &format!("registry: {registry}\n"))?;
        replace(&values, "repository: hooked\n", &format!("repository: {repository}\n"))?;
    }
    Ok(config)
}

fn replace(file: &Path, words: &str, instead: &str) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    ensure!(text.matches(words).count() == 1, "{} does not have {words:?} once", file.display());
    fs::write(file, text.replace(words, instead)).with_context(|| format!("cannot write {}", file.display()))
}

/// Writes the three ways to install.
pub(super) fn write(release: &Release, config: &Path) -> Result<()> {
    let mut kubectl = Cluster::named("dev")?.kubectl_offline(&release.progress)?;
    let built = kubectl.arg("kustomize").arg(config.join("default")).output();
    let built = built.context("cannot start kubectl")?;
    ensure!(built.status.success(), "kubectl kustomize: {}", String::from_utf8_lossy(&built.stderr));
    fs::write(release.file("install.yaml"), built.stdout)?;
    fs::copy(config.join("crd/hooked.dev_hookedworkloads.yaml"), release.file("crd.yaml"))?;

    let mut chart = Archive::dated(release.epoch);
    chart.folder(&config.join("chart"), "hooked")?;
    chart.write(&release.file(&format!("hooked-{VERSION}.tgz")))?;

    let mut folders = Archive::dated(release.epoch);
    folders.folder(config, "hooked/config")?;
    folders.write(&release.file(&format!("hooked-config-v{VERSION}.tar.gz")))
}
