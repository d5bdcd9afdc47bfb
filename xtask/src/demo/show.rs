//! What the demo shows.

use anyhow::Result;
use serde_json::Value;

use crate::install::SYSTEM;
use crate::kubectl::Kubectl;

/// Metrics worth a look; their buckets are not.
const METRICS: [&str; 3] =
    ["hooked_hook_runs_total", "hooked_container_kills_total", "hooked_workload_replicas"];

/// `sum by (workload, hook, outcome) (hooked_hook_runs_total) > 0` as a part of a URL.
const RUNS_BY_OUTCOME: &str = "sum%20by(workload,hook,outcome)(hooked_hook_runs_total)%3E0";

pub(super) fn title(text: &str) {
    println!("\n== {text}");
}

pub(super) fn command(text: &str) {
    println!("$ {text}");
}

pub(super) fn workloads(kubectl: &Kubectl<'_>) -> Result<()> {
    title("Workloads");
    command("kubectl get hookedworkloads");
    print!("{}", kubectl.output(&["get", "hookedworkloads"])?);
    Ok(())
}

/// The hook runs of all workloads, as `status.recentRuns` has them.
pub(super) fn runs(kubectl: &Kubectl<'_>) -> Result<()> {
    title("Hook runs, from status.recentRuns");
    let workloads = kubectl.json(&["get", "hookedworkloads"])?;
    let mut rows =
        vec![["WORKLOAD", "CONTAINER", "HOOK", "OUTCOME", "DURATION", "SOURCE", "WHY"].map(str::to_owned)];
    for workload in list(&workloads["items"]) {
        let name = text(&workload["metadata"]["name"]);
        for run in list(&workload["status"]["recentRuns"]).iter().take(3) {
            let duration = match (run["duration"].as_str(), run["durationError"].as_str()) {
                (Some(duration), Some("0s")) => duration.to_owned(),
                (Some(duration), Some(error)) => format!("{duration} ± {error}"),
                _ => "-".to_owned(),
            };
            let [container, hook, outcome, source, why] =
                ["container", "hook", "outcome", "source", "message"].map(|field| text(&run[field]));
            rows.push([name.clone(), container, hook, outcome, duration, source, why]);
        }
    }
    table(&rows);
    Ok(())
}

pub(super) fn events(kubectl: &Kubectl<'_>) -> Result<()> {
    title("Events about workloads");
    command("kubectl events --for hookedworkload/hook-demo-fail");
    print!("{}", kubectl.output(&["events", "--for", "hookedworkload/hook-demo-fail"])?);
    Ok(())
}

pub(super) fn metrics(kubectl: &Kubectl<'_>) -> Result<()> {
    title("Metrics, an excerpt");
    // Of the two operators the one that leads has them: the holder of the Lease is its Pod, and which process of it.
    let holder = "jsonpath={.spec.holderIdentity}";
    let holder = kubectl.output(&["-n", SYSTEM, "get", "lease", "hooked-controller", "-o", holder])?;
    let leader = holder.rsplit_once('_').map_or(&*holder, |(pod, _)| pod);
    let path = format!("/api/v1/namespaces/{SYSTEM}/pods/{leader}:8080/proxy/metrics");
    command(&format!("kubectl get --raw {path}"));
    let all = kubectl.output(&["get", "--raw", &path])?;
    let excerpt = all.lines().filter(|line| METRICS.iter().any(|name| line.starts_with(name)));
    // What has not happened is served as 0.
    for line in excerpt.filter(|line| !line.contains("state=\"") && !line.ends_with(" 0")) {
        println!("{line}");
    }
    Ok(())
}

/// Where Prometheus answers, and what to look at there. Debian's has just the classic pages.
pub(super) fn prometheus(address: &str) {
    title("Prometheus");
    println!("{address}");
    println!(
        "  /classic/alerts     the alerts of config/prometheus; hook-demo-fail makes two fire within a minute"
    );
    println!("  /classic/targets    the operator, scraped every second");
    println!("  /classic/graph?g0.tab=1&g0.expr={RUNS_BY_OUTCOME}    hook runs by outcome");
    println!("From another machine: kubectl -n hooked-monitoring port-forward service/prometheus 9090");
}

pub(super) fn next_steps(embedded: bool) {
    title("What to try next");
    if embedded {
        println!("  eval \"$(cargo xtask cluster env)\"              # point kubectl to this cluster");
    }
    println!("  kubectl get hw -w                              # watch hooks being counted");
    println!(
        "  kubectl get hw hook-demo-fail -o yaml          # status.kills, status.recentRuns, conditions"
    );
    println!("  cargo install --path kubectl-hooked            # then: kubectl hooked status hook-demo-fail");
    println!("  kubectl explain hw.spec.hooks                  # what can be asked for");
    println!(
        "  kubectl delete -f config/samples/              # every preStop runs and is counted before it goes"
    );
    if embedded {
        println!("  cargo xtask cluster down                       # leaves nothing behind");
    }
}

fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) {
    let widths: Vec<usize> = (0..COLUMNS)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
