//! What speaks for a verdict, in words: each line names its source.

use hooked_core::lifecycle::evidence::KillingCause;
use hooked_core::lifecycle::rules::View;
use hooked_crd::HookKind;

use super::reasons::exit;
use crate::render::clock;

/// Everything that is known of the end of one instance of a container, strongest source first.
pub(super) fn evidence(view: &View<'_>) -> Vec<String> {
    let of_hooks =
        [HookKind::PostStart, HookKind::PreStop].into_iter().filter_map(|hook| recorded(view, hook));
    of_hooks.chain(status(view)).chain(events(view)).chain(deletion(view)).collect()
}

fn recorded(view: &View<'_>, hook: HookKind) -> Option<String> {
    let record = view.record(hook)?;
    Some(match &record.ending {
        Some(ending) => {
            format!("the hook-runner's record: {hook:?} {:?} in attempt {}", ending.outcome, ending.attempts)
        }
        None => format!("the hook-runner's record: {hook:?} was begun, and no end of it was written"),
    })
}

fn status(view: &View<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(end) = view.instance.end {
        let when = end.finished_at.map_or_else(|| "at a time unknown".to_owned(), clock);
        let why = match (end.out_of_memory, end.made_up, end.unstarted) {
            (true, ..) => ", reason OOMKilled",
            (_, true, _) => ", made up by the kubelet, which had lost track of it",
            (.., true) => ", it could not be started",
            _ => "",
        };
        lines.push(format!("container status: ended {when} with {}{why}", exit(end.exit_code)));
    }
    if view.instance.post_start_error.is_some() {
        lines.push("container status: waiting for PostStartHookError".to_owned());
    }
    lines
}

fn events(view: &View<'_>) -> Vec<String> {
    let event =
        |reason: &str, second: i64, message: &str| format!("Event {reason} {}{message}", clock(second));
    let failed = |reason, second: Option<i64>| second.map(|second| event(reason, second, ""));
    let killing = view.killing().map(|(second, cause)| {
        let message = match cause {
            KillingCause::PostStartHook => ": FailedPostStartHook",
            KillingCause::LivenessProbe => ": failed liveness probe",
            KillingCause::StartupProbe => ": failed startup probe",
            KillingCause::Stop => "",
        };
        event("Killing", second, message)
    });
    let evicted = view.pod.evicted_at.filter(|_| view.evicted());
    let lines = [
        evicted.map(|second| format!("the kubelet had evicted its Pod {}", clock(second))),
        failed("FailedPostStartHook", view.post_start_failed_at()),
        killing,
        failed("FailedPreStopHook", view.pre_stop_failed_at()),
    ];
    lines.into_iter().flatten().collect()
}

fn deletion(view: &View<'_>) -> Option<String> {
    let stop = view.stopped_by()?;
    let began = clock(stop.began);
    Some(if stop.forced {
        format!("Pod metadata: deleted {began} with a grace period of 0")
    } else if stop.exact {
        let deadline = clock(stop.deadline());
        format!("Pod metadata: deleted {began} with {} s of grace, until {deadline}", stop.grace)
    } else {
        format!("Pod metadata: deleted {began} or before")
    })
}
