//! Uninstalling, as docs/hooks.md tells it: what had Pods and finalizers leaves nothing behind.

use anyhow::{Result, ensure};
use hooked_cluster::Target;
use serde_json::Value;

use crate::image;
use crate::kubectl::Kubectl;

/// Pods and workloads that live when the operator is to go.
const SAMPLES: &str = "config/samples/";

/// Takes the two steps with the samples running, and looks at what is left.
pub(super) fn run(target: &Target) -> Result<()> {
    let kubectl = Kubectl::of(target);
    let path = |below: &str| -> Result<String> { Ok(image::workspace()?.join(below).display().to_string()) };
    kubectl.run(&["apply", "-f", &path(SAMPLES)?])?;
    kubectl.run(&["wait", "--for=condition=Ready", "hw/hook-demo1", "--timeout=300s"])?;
    kubectl.run(&["delete", "hw", "--all", "--all-namespaces", "--timeout=300s"])?;
    kubectl.run(&["delete", "-k", &path("config/default")?, "--timeout=300s"])?;
    ensure!(!kubectl.succeeds(&["get", "crd", "hookedworkloads.hooked.dev"]), "the definition is left");
    ensure!(!kubectl.succeeds(&["get", "namespace", "hooked-system"]), "the operator's namespace is left");
    let pods = kubectl.json(&["get", "pods", "--all-namespaces", "-l", "hooked.dev/revision"])?;
    ensure!(pods["items"] == Value::Array(Vec::new()), "Pods are left: {}", pods["items"]);
    Ok(())
}
