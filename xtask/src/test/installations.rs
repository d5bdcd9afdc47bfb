//! What can be installed of `config`, as kustomize makes it.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hooked_cluster::{Cluster, Progress};
use serde_json::Value;

use crate::image;
use crate::install::{SYSTEM, overlay};

/// Components beside those in `config/components`.
const OTHERS: [&str; 3] = ["prometheus", "grafana", "injector"];

/// Builds all there is, in another namespace than the default one: nothing may be left that names that.
pub(super) fn check() -> Result<()> {
    let kubectl = Cluster::named("dev")?.kubectl_offline(&Progress::new(|line| eprintln!("{line}")))?;
    let kubectl = kubectl.get_program();
    let alone = components()?.into_iter().map(Some);
    for component in [None].into_iter().chain(alone) {
        let one: Vec<&str> = component.as_deref().into_iter().collect();
        let built = build(Command::new(kubectl), "elsewhere", &one)?;
        let left: Vec<&str> = built.lines().filter(|line| line.contains(SYSTEM)).collect();
        ensure!(left.is_empty(), "with {component:?} in another namespace: {}", left.join("\n"));
        let objects: Vec<Value> = serde_saphyr::from_multiple(&built).context("kustomize makes no YAML")?;
        ensure!(!objects.is_empty(), "{component:?} makes nothing");
    }
    Ok(())
}

/// Every component, by its place in `config`.
fn components() -> Result<Vec<String>> {
    let mut components: Vec<String> = OTHERS.map(str::to_owned).into();
    for entry in fs::read_dir(image::workspace()?.join("config/components"))? {
        components.push(format!("components/{}", entry?.file_name().to_string_lossy()));
    }
    components.sort();
    Ok(components)
}

/// The manifests of an installation with these components.
pub(super) fn build(mut kubectl: Command, namespace: &str, components: &[&str]) -> Result<String> {
    let place = overlay(namespace, components)?;
    let output = kubectl.arg("kustomize").arg(&place).output().context("cannot start kubectl")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "kubectl kustomize {}: {}", place.display(), said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
