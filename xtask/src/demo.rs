//! `cargo xtask demo`: the main job, end to end, on a real cluster.

mod show;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use hooked_cluster::{Kubernetes, Progress, Target};
use serde_json::Value;

use crate::install::install;
use crate::kubectl::Kubectl;
use crate::{image, prometheus};

/// Where the demo runs.
#[derive(Args)]
pub(crate) struct Options {
    /// Use a cluster you have, by its context in your kubeconfig; its nodes must be able to run hooked.dev/hooked:dev.
    #[arg(long)]
    context: Option<String>,
    /// Start Prometheus beside the operator, with the alerts of config/prometheus, and print its address.
    #[arg(long, conflicts_with = "context")]
    prometheus: bool,
}

/// Where the third sample's preStop hook writes, on the node.
const MESSAGE: &str = "/tmp/message";
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs the demo.
pub(crate) fn run(options: Options) -> Result<()> {
    let progress = Progress::new(|line| eprintln!("{line}"));
    let embedded = options.context.is_none();
    let target = Target::choose(options.context, "dev", Kubernetes::default())?;
    target.up(&progress)?;
    let kubectl = Kubectl::of(&target);
    if embedded {
        progress.say("building the operator's image (minutes the first time)");
        let archive = image::build()?;
        target.load(&archive)?;
        progress.say("loaded hooked.dev/hooked:dev");
    }
    install(&kubectl, &[], &progress)?;
    let prometheus = options.prometheus.then(|| prometheus::start(&target, &progress)).transpose()?;
    apply_samples(&kubectl, &progress)?;
    postponed_truth(&kubectl, &progress)?;
    show::workloads(&kubectl)?;
    read_back(&kubectl)?;
    stop_some(&kubectl, &progress, embedded)?;
    show::runs(&kubectl)?;
    show::events(&kubectl)?;
    show::metrics(&kubectl)?;
    if let Some(address) = prometheus {
        show::prometheus(&address);
    }
    show::next_steps(embedded);
    Ok(())
}

fn apply_samples(kubectl: &Kubectl, progress: &Progress) -> Result<()> {
    progress.say("kubectl apply -f config/samples/");
    kubectl.run(&["apply", "-f", &path(image::workspace()?, "config/samples/")])?;
    for name in ["hook-demo1", "hook-demo-quit", "hook-demo2"] {
        kubectl.run(&["wait", "--for=condition=Ready", &format!("hw/{name}"), "--timeout=180s"])?;
        progress.say(&format!("{name} is Ready"));
    }
    Ok(())
}

/// A run is counted once it is settled: some seconds after its end, when no other evidence can come any more.
fn postponed_truth(kubectl: &Kubectl, progress: &Progress) -> Result<()> {
    progress.say("waiting until the postStart hooks are accounted for");
    let totals = |name: &str, field: &str| -> Result<i64> {
        let workload = kubectl.json(&["get", "hw", name])?;
        Ok(workload["status"]["hookTotals"][field].as_i64().unwrap_or(0))
    };
    kubectl.wait_until("both postStart hooks of hook-demo1 have Succeeded", PATIENCE, || {
        Ok(totals("hook-demo1", "succeeded")? >= 2)
    })?;
    kubectl.wait_until("hook-demo-fail shows a container killed by its hook", PATIENCE, || {
        Ok(totals("hook-demo-fail", "kills")? >= 1)
    })
}

fn read_back(kubectl: &Kubectl) -> Result<()> {
    let pods = kubectl.json(&["get", "pods", "-l", "app=hook-demo1"])?;
    let pod = pods["items"][0]["metadata"]["name"].as_str().context("hook-demo1 has no Pod")?.to_owned();
    show::title("What the postStart hook of hook-demo1 wrote");
    show::command(&format!("kubectl exec {pod} -- cat /usr/share/message"));
    let message = kubectl.output(&["exec", &pod, "--", "cat", "/usr/share/message"])?;
    ensure!(message == "Hello from the postStart handler\n", "the hook wrote {message:?}");
    print!("{message}");
    Ok(())
}

/// Stops a Pod whose preStop quits nginx, and a whole workload whose preStop writes to the node.
fn stop_some(kubectl: &Kubectl, progress: &Progress, embedded: bool) -> Result<()> {
    if embedded {
        fs::remove_file(MESSAGE).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
    }
    progress.say("stopping: kubectl scale hw hook-demo-quit --replicas 1");
    kubectl.run(&["scale", "hw", "hook-demo-quit", "--replicas", "1"])?;
    progress.say("stopping: kubectl delete hw hook-demo2 (waits until its hooks are accounted for)");
    kubectl.run(&["delete", "hw", "hook-demo2", "--timeout=120s"])?;
    let gone = kubectl.json(&["get", "pods", "-l", "app=hook"])?;
    ensure!(gone["items"] == Value::Array(Vec::new()), "Pods of hook-demo2 are left behind");
    show::title("What the preStop hook of hook-demo2 wrote on the node");
    if embedded {
        show::command(&format!("cat {MESSAGE}"));
        let message = fs::read_to_string(MESSAGE).context("the preStop hook has written nothing")?;
        ensure!(message == "Hello from the preStop Handler\n", "the hook wrote {message:?}");
        print!("{message}");
    } else {
        println!("It is in {MESSAGE} on the node that ran the Pod.");
    }
    kubectl.wait_until("the preStop hook of hook-demo-quit is accounted for", PATIENCE, || {
        let workload = kubectl.json(&["get", "hw", "hook-demo-quit"])?;
        let runs = workload["status"]["recentRuns"].as_array().cloned().unwrap_or_default();
        Ok(runs.iter().any(|run| run["hook"] == "PreStop" && run["outcome"] != "Running"))
    })
}

fn path(root: &Path, below: &str) -> String {
    root.join(below).display().to_string()
}
