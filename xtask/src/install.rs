//! The operator, as a user installs it.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use hooked_cluster::Progress;

use crate::image;
use crate::kubectl::Kubectl;

/// The operator's namespace.
pub(crate) const SYSTEM: &str = "hooked-system";
/// The labels of the operator's Pods, for kubectl.
pub(crate) const PODS: &str = "app.kubernetes.io/name=hooked,app.kubernetes.io/component=controller";
/// The operator's Deployment, for kubectl.
pub(crate) const OPERATOR: &str = "deployment/hooked-controller";

/// What the operator is tested with beside config/default.
pub(crate) const TESTED: [&str; 1] = ["injector"];

/// An overlay of config/default with these components of config, in that namespace.
pub(crate) fn overlay(namespace: &str, components: &[&str]) -> Result<PathBuf> {
    // kustomize takes relative paths alone.
    let config = "../../../config";
    let list: Vec<String> = components.iter().map(|name| format!("{config}/{name}")).collect();
    let overlay =
        format!("namespace: {namespace}\nresources: [{config}/default]\ncomponents: [{}]\n", list.join(", "));
    let name = format!("{namespace}-{}", components.join("-").replace('/', "-"));
    let place = image::workspace()?.join("target/installations").join(name);
    fs::create_dir_all(&place)?;
    fs::write(place.join("kustomization.yaml"), overlay)?;
    Ok(place)
}

/// Installs the operator with these components and waits until it is ready; one that runs already is replaced, since
/// the image's name stays the same.
pub(crate) fn install(kubectl: &Kubectl, components: &[&str], progress: &Progress) -> Result<()> {
    let config = overlay(SYSTEM, components)?.display().to_string();
    let installed = kubectl.succeeds(&["-n", SYSTEM, "get", OPERATOR]);
    progress.say(&format!("kubectl apply -k config/default {}", components.join(" ")));
    kubectl.run(&["apply", "-k", &config])?;
    if installed {
        kubectl.run(&["-n", SYSTEM, "rollout", "restart", OPERATOR])?;
    }
    let definition = "crd/hookedworkloads.hooked.dev";
    kubectl.run(&["wait", "--for=condition=Established", definition, "--timeout=60s"])?;
    kubectl.run(&["-n", SYSTEM, "rollout", "status", OPERATOR, "--timeout=180s"])?;
    progress.say("the operator is ready");
    Ok(())
}
