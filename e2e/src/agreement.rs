//! Whether all that is shown of a workload says the same: status, columns and metrics.

use anyhow::{Context, Result};
use hooked_crd::{HookStatus, HookedWorkload, HookedWorkloadStatus};
use serde_json::{Value, json};

use crate::metrics::Metrics;
use crate::space::Space;
use crate::wait::wait_for;

/// Waits until status, columns and metrics of a workload agree, which is moments after the status is written.
pub async fn agree(space: &Space, name: &str) -> Result<()> {
    wait_for(&format!("{name}: status, columns and metrics agree"), async || {
        let workload = space.workload(name).await?;
        let columns = space.kubectl(&["get", "hw", name, "--no-headers", "-o", "wide"]).await?;
        let metrics = space.metrics().await?;
        let differences = differences(name, &workload, &columns, &metrics)?;
        Ok(if differences.is_empty() { Ok(()) } else { Err(differences.join("; ")) })
    })
    .await
}

/// A name for what is compared, and what two places say of it.
type Pair = (String, Value, Value);

fn differences(
    name: &str,
    workload: &HookedWorkload,
    columns: &str,
    metrics: &Metrics,
) -> Result<Vec<String>> {
    let status = workload.status.as_ref().context("no status")?;
    let columns =
        ("columns and status".to_owned(), json!(without_age(columns)), json!(shown(name, workload, status)));
    let pairs = [
        vec![columns],
        totals(name, status, metrics),
        hooks(name, status, metrics),
        kills(name, status, metrics),
    ];
    let replicas = replicas(workload, status).into_iter().map(|(state, count)| {
        let served = metrics.count("hooked_workload_replicas", &[("workload", name), ("state", state)]);
        (format!("metrics and replicas, {state}"), json!(served), json!(count))
    });
    let pairs = pairs.into_iter().flatten().chain(replicas);
    Ok(pairs
        .filter(|(_, one, other)| one != other)
        .map(|(what, one, other)| format!("{what}: {one} and {other}"))
        .collect())
}

fn totals(name: &str, status: &HookedWorkloadStatus, metrics: &Metrics) -> Vec<Pair> {
    let pairs = outcomes(status).into_iter().flat_map(|(outcome, count, total)| {
        let served = metrics.count("hooked_hook_runs_total", &[("workload", name), ("outcome", outcome)]);
        [
            (format!("hooks and hookTotals, {outcome}"), json!(count), json!(total)),
            (format!("metrics and hookTotals, {outcome}"), json!(served), json!(total)),
        ]
    });
    pairs.collect()
}

fn hooks(name: &str, status: &HookedWorkloadStatus, metrics: &Metrics) -> Vec<Pair> {
    let pairs = status.hooks.iter().flat_map(|hook| {
        let kind = format!("{:?}", hook.hook);
        let labels = [("workload", name), ("container", &*hook.container), ("hook", &*kind)];
        let runs = metrics.count("hooked_hook_runs_total", &labels);
        let durations = metrics.count("hooked_hook_duration_seconds_count", &labels);
        let known = hook.duration.count;
        let what = format!("{kind} of {}", hook.container);
        [
            (format!("metrics and hooks, {what}"), json!(runs), json!(runs_of(hook))),
            (format!("metrics and hooks, durations of {what}"), json!(durations), json!(known)),
        ]
    });
    pairs.collect()
}

fn kills(name: &str, status: &HookedWorkloadStatus, metrics: &Metrics) -> Vec<Pair> {
    let because_of_hooks: i64 =
        status.kills.iter().filter(|kill| kill.reason.is_because_of_a_hook()).map(|kill| kill.count).sum();
    let total = ("kills and hookTotals".to_owned(), json!(because_of_hooks), json!(status.hook_totals.kills));
    let each = status.kills.iter().map(|kill| {
        let reason = json!(kill.reason);
        let labels = [("workload", name), ("reason", reason.as_str().unwrap_or_default())];
        let served = metrics.count("hooked_container_kills_total", &labels);
        (format!("metrics and kills, {reason}"), json!(served), json!(kill.count))
    });
    each.chain([total]).collect()
}

/// All runs of a hook, however they ended.
fn runs_of(hook: &HookStatus) -> i64 {
    hook.succeeded + hook.failed + hook.timed_out + hook.cancelled + hook.skipped + hook.unknown
}

/// Each outcome with its sum over all hooks and its total.
fn outcomes(status: &HookedWorkloadStatus) -> [(&'static str, i64, i64); 6] {
    let sum = |of: fn(&HookStatus) -> i64| status.hooks.iter().map(of).sum();
    let totals = &status.hook_totals;
    [
        ("Succeeded", sum(|hook| hook.succeeded), totals.succeeded),
        ("Failed", sum(|hook| hook.failed), totals.failed),
        ("TimedOut", sum(|hook| hook.timed_out), totals.timed_out),
        ("Cancelled", sum(|hook| hook.cancelled), totals.cancelled),
        ("Skipped", sum(|hook| hook.skipped), totals.skipped),
        ("Unknown", sum(|hook| hook.unknown), totals.unknown),
    ]
}

fn replicas(workload: &HookedWorkload, status: &HookedWorkloadStatus) -> [(&'static str, i32); 5] {
    let wanted = workload.spec.replicas.unwrap_or(1);
    [
        // How many Pods others want only they know.
        ("desired", if workload.spec.workload_ref.is_some() { status.replicas } else { wanted }),
        ("ready", status.ready_replicas),
        ("available", status.available_replicas),
        ("updated", status.updated_replicas),
        ("terminating", status.terminating_replicas),
    ]
}

/// The columns as the status would have them.
fn shown(name: &str, workload: &HookedWorkload, status: &HookedWorkloadStatus) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let totals = &status.hook_totals;
    let columns = [
        name.to_owned(),
        workload.spec.replicas.unwrap_or(1).to_string(),
        status.ready_replicas.to_string(),
        status.updated_replicas.to_string(),
        totals.succeeded.to_string(),
        totals.failed.to_string(),
        totals.kills.to_string(),
        text(&status.last_hook),
        status.available_replicas.to_string(),
        status.hooks_running.to_string(),
        text(&status.update_revision),
        text(&status.selector),
    ];
    columns.into_iter().filter(|column| !column.is_empty()).collect()
}

/// kubectl's columns but the age, which is the ninth; LAST-HOOK before it is empty until a hook has run.
fn without_age(columns: &str) -> Vec<String> {
    let mut words: Vec<String> = columns.split_whitespace().map(str::to_owned).collect();
    let age = if words.get(7).is_some_and(|word| word.contains('/')) { 8 } else { 7 };
    if age < words.len() {
        words.remove(age);
    }
    words
}
