//! Two installations in one cluster that watch the same namespaces, as docs/installing.md tells it.

use std::time::Duration;

use anyhow::{Result, ensure};
use hooked_cluster::{Progress, Target};
use serde_json::{Value, json};

use crate::helm::{Helm, chart};
use crate::install::SYSTEM;
use crate::kubectl::Kubectl;

/// Where the second operator is installed.
const OTHER: &str = "hooks";
const PATIENCE: Duration = Duration::from_secs(180);

/// Has each workload be of one operator, and the second operator take over what was the first one's, on a cluster
/// without Hooked. What there is to be counted follows from the Pods that are made and deleted here.
pub(super) fn check(target: &Target) -> Result<()> {
    let progress = Progress::new(|line| eprintln!("{line}"));
    let helm = Helm::find(&progress)?.against(&target.kubeconfig()?);
    let (kubectl, chart) = (Kubectl::of(target), chart()?);
    let install = |namespace: &str, more: &[&str]| {
        let release =
            ["upgrade", "--install", "hooked", &chart, "--namespace", namespace, "--create-namespace"];
        let settled = ["--wait", "--timeout", "3m", "--set", "image.tag=dev"];
        helm.output(&[&release[..], &settled, more].concat())
    };
    let second = ["--set", "crds.install=false", "--set", "rbac.aggregatedRoles=false"];
    let web = Web { kubectl: &kubectl };
    install(SYSTEM, &[])?;
    kubectl.apply(&workload())?;
    web.has_counted(2, 0)?;
    install(OTHER, &second)?;
    kubectl.wait_until("the second operator leaves the workload alone", PATIENCE, || {
        let told = kubectl.output(&["get", "events", "-o", "jsonpath={.items[*].reason}"])?;
        Ok(told.contains("LeftToAnotherOperator"))
    })?;
    ensure!(web.operator()? == SYSTEM, "the second operator has taken the workload of the first");
    kubectl.run(&["delete", "pods", "-l", "app=web"])?;
    web.has_counted(4, 2)?;

    let pods = web.pods()?;
    install(OTHER, &[&second[..], &["--set", &format!("takeOver={{{SYSTEM}}}")]].concat())?;
    kubectl.wait_until("the second operator takes over", PATIENCE, || Ok(web.operator()? == OTHER))?;
    ensure!(web.pods()? == pods, "Pods were replaced when their workload was taken over");
    // The first one still runs.
    kubectl.run(&["delete", "pods", "-l", "app=web"])?;
    web.has_counted(6, 4)?;
    ensure!(web.operator()? == OTHER, "the first operator has taken the workload back");

    let uninstall = |namespace: &str| {
        helm.output(&["uninstall", "hooked", "--namespace", namespace])?;
        kubectl.run(&["delete", "namespace", namespace])
    };
    // Workloads that live are another operator's, so the guard lets the first one go.
    uninstall(SYSTEM)?;
    install(OTHER, &["--take-ownership"])?;
    kubectl.run(&["delete", "pods", "-l", "app=web"])?;
    web.has_counted(8, 6)?;
    kubectl.run(&["delete", "hw", "--all", "--timeout=300s"])?;
    uninstall(OTHER)?;
    kubectl.run(&["delete", "crd", "hookedworkloads.hooked.dev"])
}

/// The workload that both see.
struct Web<'a> {
    kubectl: &'a Kubectl<'a>,
}

impl Web<'_> {
    fn read(&self) -> Result<Value> {
        self.kubectl.json(&["get", "hw", "web"])
    }

    fn operator(&self) -> Result<String> {
        Ok(self.read()?["status"]["ledger"]["operator"].as_str().unwrap_or_default().to_owned())
    }

    fn pods(&self) -> Result<String> {
        self.kubectl.output(&["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.uid}"])
    }

    /// Waits until two Pods serve and so many runs of each hook are counted, and fails when more are.
    fn has_counted(&self, starts: i64, stops: i64) -> Result<()> {
        let counted = |status: &Value, hook: &str| {
            let hooks = status["hooks"].as_array().into_iter().flatten();
            let runs =
                hooks.filter(|known| known["hook"] == hook).filter_map(|known| known["succeeded"].as_i64());
            runs.sum::<i64>()
        };
        let what = format!("{starts} postStart and {stops} preStop runs are counted");
        self.kubectl.wait_until(&what, PATIENCE, || {
            let status = self.read()?["status"].take();
            let (started, stopped) = (counted(&status, "PostStart"), counted(&status, "PreStop"));
            ensure!(
                started <= starts && stopped <= stops,
                "{started} and {stopped} runs are counted, not {what}"
            );
            let pods = self.pods()?.split_whitespace().count();
            Ok((started, stopped) == (starts, stops) && status["readyReplicas"] == 2 && pods == 2)
        })
    }
}

fn workload() -> Value {
    let hook = json!({"exec": {"command": ["true"]}});
    let container = json!({
        "name": "web", "image": "busybox", "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"],
        "lifecycle": {"postStart": hook, "preStop": hook},
    });
    json!({
        "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
        },
    })
}
