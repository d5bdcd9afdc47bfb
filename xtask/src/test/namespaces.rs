//! A namespace that is deleted with the operator's only rights in it, as docs/installing.md tells it.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hooked_cluster::{Progress, Target};
use serde_json::Value;

use crate::helm::{Helm, chart};
use crate::image;
use crate::install::{OPERATOR, SYSTEM};
use crate::kubectl::Kubectl;

/// The namespace of the example.
const SHOP: &str = "shop";
/// How long it takes at most until all Pods are gone, and then the namespace if it goes by itself.
const PATIENCE: Duration = Duration::from_secs(120);

/// Has an operator with a Role in one namespace alone, and deletes that namespace with a workload in it, on a cluster
/// without Hooked.
pub(super) fn check(target: &Target) -> Result<()> {
    let progress = Progress::new(|line| eprintln!("{line}"));
    let helm = Helm::find(&progress)?.against(&target.kubeconfig()?);
    let kubectl = Kubectl::of(target);
    kubectl.run(&["create", "namespace", SHOP])?;
    let chart = chart()?;
    let release = ["install", "hooked", &chart, "--namespace", SYSTEM, "--create-namespace", "--wait"];
    let watched = format!("watchNamespaces={{{SHOP}}}");
    helm.output(&[&release[..], &["--timeout", "3m", "--set", "image.tag=dev", "--set", &watched]].concat())?;
    kubectl.apply(&sample()?)?;
    // Measured too: the operator knows its own image, though its Pod is in another namespace than its workloads.
    for condition in ["Ready", "Measured"] {
        let condition = format!("--for=condition={condition}");
        kubectl.run(&["-n", SHOP, "wait", &condition, "hw/hook-demo1", "--timeout=300s"])?;
    }
    helm.output(&["test", "hooked", "--namespace", SYSTEM])?;
    // The one that leads is ready only when its live channel is open.
    kubectl.run(&["-n", SYSTEM, "rollout", "status", OPERATOR, "--timeout=60s"])?;

    kubectl.run(&["delete", "namespace", SHOP, "--wait=false"])?;
    // The API server deletes all else of a namespace only when its Pods are gone: the Role is there until then.
    kubectl.wait_until("the Pods of a deleted namespace are let go", PATIENCE, || {
        Ok(kubectl.output(&["-n", SHOP, "get", "pods", "-o", "name"])?.is_empty())
    })?;
    let is_gone = || Ok(!kubectl.succeeds(&["get", "namespace", SHOP]));
    if kubectl.wait_until("it goes by itself", PATIENCE / 4, is_gone).is_ok() {
        println!("the operator was faster than what took its Role");
    } else {
        println!("the Role went before the workload: it is let go by the documented command");
        let_go(target)?;
        kubectl.wait_until("the namespace goes", PATIENCE, is_gone)?;
    }
    // The guard of the uninstallation cannot list the workloads of a namespace without its Role.
    helm.output(&["uninstall", "hooked", "--namespace", SYSTEM, "--no-hooks"])?;
    kubectl.run(&["delete", "crd", "hookedworkloads.hooked.dev"])?;
    kubectl.run(&["delete", "namespace", SYSTEM])
}

/// A workload of the samples, in that namespace.
fn sample() -> Result<Value> {
    let file = image::workspace()?.join("config/samples/hook-demo1.yaml");
    let mut sample: Value = serde_saphyr::from_str(&fs::read_to_string(file)?)?;
    sample["metadata"]["namespace"] = SHOP.into();
    Ok(sample)
}

/// Runs what docs/installing.md has for a namespace that does not go, word for word.
fn let_go(target: &Target) -> Result<()> {
    let document = fs::read_to_string(image::workspace()?.join("docs/installing.md"))?;
    let blocks = document.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    let is_it = |block: &&str| block.contains(&format!("--namespace {SHOP}")) && block.contains("finalizers");
    let command = blocks.into_iter().find(is_it).context("docs/installing.md has no such command")?;
    let kubectl = target.kubectl()?;
    let programs = std::path::Path::new(kubectl.get_program()).parent().context("kubectl has no place")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs.to_owned()].into_iter().chain(std::env::split_paths(&path)))?;
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", command]).env("PATH", path);
    shell.envs(kubectl.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.output().context("cannot start sh")?;
    ensure!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
