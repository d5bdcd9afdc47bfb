//! The last hook runs: bounded, newest first, failures outliving successes.

use hooked_crd::{GoDuration, HookKind, HookRunStatus, HookedWorkloadStatus, Outcome};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use crate::accounting::Tracker;
use crate::accounting::ledger::Counted;
use crate::lifecycle::{HookRun, LateDuration};

/// The last settled run as `Hook/Outcome`.
pub(super) fn last_hook(counted: &Counted) -> Option<String> {
    counted.runs.last().map(|run| format!("{:?}/{:?}", run.id.hook, run.outcome))
}

/// A run that may be told.
enum Candidate<'a> {
    /// One that goes on, or was settled since the status before.
    New(&'a HookRun),
    /// One that the status before has told.
    Told(&'a HookRunStatus),
}

/// Runs that go on, then the last settled ones: those of this pass before those of the status before.
pub(super) fn recent_runs(
    previous: &HookedWorkloadStatus,
    tracker: &Tracker,
    counted: &Counted,
    limit: usize,
) -> Vec<HookRunStatus> {
    let going_on = tracker.running().iter().take(limit).map(Candidate::New);
    let settled = counted.runs.iter().rev().map(Candidate::New);
    let before = previous.recent_runs.iter().filter(|run| run.outcome != Outcome::Running);
    let runs: Vec<Candidate<'_>> = going_on.chain(settled).chain(before.map(Candidate::Told)).collect();
    let told = chosen(&runs, limit).into_iter().map(|run| match run {
        Candidate::New(run) => describe(run),
        Candidate::Told(run) => timed((*run).clone(), &counted.late_durations),
    });
    told.collect()
}

/// Those that are told, of any number of runs: the oldest run that is no failure goes first, yet never the newest of a
/// hook, since that is what people look for. A storm counts thousands in one pass.
fn chosen<'r, 'a>(runs: &'r [Candidate<'a>], limit: usize) -> Vec<&'r Candidate<'a>> {
    let mut hooks: Vec<(&str, HookKind)> = Vec::new();
    let is_expendable = runs.iter().map(|run| {
        let is_newest = !hooks.contains(&run.hook());
        if is_newest {
            hooks.push(run.hook());
        }
        !is_newest && !is_failure(run.outcome())
    });
    let is_expendable: Vec<bool> = is_expendable.collect();
    let mut excess = runs.len().saturating_sub(limit);
    let mut kept: Vec<_> = runs
        .iter()
        .zip(is_expendable)
        .rev()
        .filter_map(|(run, is_expendable)| {
            let goes = is_expendable && excess > 0;
            excess -= usize::from(goes);
            (!goes).then_some(run)
        })
        .collect();
    kept.reverse();
    kept.truncate(limit);
    kept
}

impl Candidate<'_> {
    fn hook(&self) -> (&str, HookKind) {
        match self {
            Self::New(run) => (&run.id.container, run.id.hook),
            Self::Told(run) => (&run.container, run.hook),
        }
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::New(run) => run.outcome,
            Self::Told(run) => run.outcome,
        }
    }
}

/// The run with its duration, if that has become known since it was counted.
fn timed(run: HookRunStatus, late_durations: &[LateDuration]) -> HookRunStatus {
    let same = |late: &&LateDuration| {
        run.pod_uid == *late.id.pod_uid
            && run.container == *late.id.container
            && run.hook == late.id.hook
            && i64::from(run.restart_count) + 1 == i64::from(late.id.instance)
    };
    match late_durations.iter().find(same) {
        Some(late) => HookRunStatus {
            duration: Some(GoDuration(late.duration.middle())),
            duration_error: Some(GoDuration(late.duration.error())),
            ..run
        },
        None => run,
    }
}

fn is_failure(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed | Outcome::TimedOut)
}

/// A run as users read it.
pub fn describe(run: &HookRun) -> HookRunStatus {
    let HookRun {
        id,
        pod,
        node,
        handler,
        outcome,
        source,
        start_time,
        duration,
        exit_code,
        attempts,
        message,
        output,
        overdue_at: _,
    } = run;
    HookRunStatus {
        pod: pod.to_string(),
        pod_uid: id.pod_uid.to_string(),
        node: node.as_deref().map(str::to_owned),
        container: id.container.to_string(),
        restart_count: i32::try_from(id.instance - 1).unwrap_or(i32::MAX),
        execution: i64::from(id.execution),
        hook: id.hook,
        handler: *handler,
        outcome: *outcome,
        start_time: start_time.map(MicroTime),
        duration: duration.map(|interval| GoDuration(interval.middle())),
        duration_error: duration.map(|interval| GoDuration(interval.error())),
        source: *source,
        exit_code: *exit_code,
        attempts: attempts.and_then(|attempts| i32::try_from(attempts).ok()),
        message: message.clone(),
        output: output.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hooked_crd::{HandlerKind, HookKind, Source};

    use super::*;
    use crate::lifecycle::{HookRunId, Interval};

    #[test]
    fn a_run_is_described_with_restarts_for_starts_and_an_interval_as_its_middle_and_error() {
        let run = HookRun {
            id: HookRunId {
                pod_uid: "u-1".into(),
                container: "web".into(),
                hook: HookKind::PreStop,
                instance: 3,
                execution: 2,
            },
            pod: "web-1".into(),
            node: None,
            handler: HandlerKind::Exec,
            outcome: Outcome::Failed,
            source: Source::Kubelet,
            start_time: None,
            duration: Some(Interval { shortest: Duration::from_secs(1), longest: Duration::from_secs(3) }),
            exit_code: None,
            attempts: Some(2),
            message: "why".to_owned(),
            output: String::new(),
            overdue_at: None,
        };
        let described = describe(&run);
        assert_eq!((described.restart_count, described.execution, described.attempts), (2, 2, Some(2)));
        let seconds = |seconds| Some(GoDuration(Duration::from_secs(seconds)));
        assert_eq!((described.duration, described.duration_error), (seconds(2), seconds(1)));
        assert_eq!((described.pod.as_str(), described.message.as_str()), ("web-1", "why"));
    }
}
