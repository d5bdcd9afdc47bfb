//! The last hook runs: bounded, newest first, failures outliving successes.

use hooked_crd::{GoDuration, HookRunStatus, HookedWorkloadStatus, Outcome};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use crate::hooks::HookRun;
use crate::ledger::Counted;
use crate::tally::PodSet;

/// The last settled run as `Hook/Outcome`.
pub(super) fn last_hook(counted: &Counted) -> Option<String> {
    counted.runs.last().map(|run| format!("{:?}/{:?}", run.id.hook, run.outcome))
}

/// Runs that go on, then the last settled ones: those of this pass before those of the status before.
pub(super) fn recent_runs(
    previous: &HookedWorkloadStatus,
    pods: &PodSet,
    counted: &Counted,
    limit: usize,
) -> Vec<HookRunStatus> {
    let settled = counted.runs.iter().rev().map(describe);
    let before = previous.recent_runs.iter().filter(|run| run.outcome != Outcome::Running).cloned();
    let mut runs: Vec<HookRunStatus> =
        pods.running().take(limit).map(describe).chain(settled).chain(before).collect();
    while runs.len() > limit {
        // The oldest run that is no failure goes first, yet never the newest: it is what people look for.
        let expendable = runs.iter().skip(1).rposition(|run| !is_failure(run.outcome)).map(|index| index + 1);
        runs.remove(expendable.unwrap_or(runs.len() - 1));
    }
    runs
}

fn is_failure(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed | Outcome::TimedOut)
}

fn describe(run: &HookRun) -> HookRunStatus {
    let HookRun { id, pod, node, handler, outcome, source, start_time, duration, message } = run;
    HookRunStatus {
        pod: pod.to_string(),
        pod_uid: id.pod_uid.to_string(),
        node: node.as_deref().map(str::to_owned),
        container: id.container.to_string(),
        restart_count: i32::try_from(id.execution - 1).unwrap_or(i32::MAX),
        execution: i64::from(id.execution),
        hook: id.hook,
        handler: *handler,
        outcome: *outcome,
        start_time: start_time.map(MicroTime),
        duration: duration.map(|interval| GoDuration(interval.middle())),
        duration_error: duration.map(|interval| GoDuration(interval.error())),
        source: *source,
        exit_code: None,
        attempts: None,
        message: message.clone(),
        output: String::new(),
    }
}

/// The newest settled run of each hook of each container that says anything about its health.
pub(super) fn newest_of_each_hook(runs: &[HookRunStatus]) -> Vec<&HookRunStatus> {
    let mut newest: Vec<&HookRunStatus> = Vec::new();
    for run in runs.iter().filter(|run| !matches!(run.outcome, Outcome::Running | Outcome::Skipped)) {
        if !newest.iter().any(|known| known.container == run.container && known.hook == run.hook) {
            newest.push(run);
        }
    }
    newest.retain(|run| is_failure(run.outcome));
    newest
}
