//! The facts about an instance in words: each line names its source.

use hooked_core::lifecycle::{End, Fact, KillingCause, Stop};
use hooked_crd::HookKind;

use super::reasons::exit;
use crate::render::clock;

/// A fact in words.
pub(super) fn words(fact: &Fact) -> String {
    match fact {
        Fact::RecordedBeginning(hook) => {
            format!("the hook-runner's record: {hook:?} was begun, and no end of it was written")
        }
        Fact::RecordedEnd { hook, outcome, attempts } => {
            format!("the hook-runner's record: {hook:?} {outcome:?} in attempt {attempts}")
        }
        Fact::Ended(end) => ended(end),
        Fact::PostStartError => "container status: waiting for PostStartHookError".to_owned(),
        Fact::Evicted(second) => format!("the kubelet had evicted its Pod {}", clock(*second)),
        Fact::HookFailed(HookKind::PostStart, second) => event("FailedPostStartHook", *second, ""),
        Fact::HookFailed(HookKind::PreStop, second) => event("FailedPreStopHook", *second, ""),
        Fact::Killing(second, cause) => event("Killing", *second, of_cause(*cause)),
        Fact::Deleted(stop) => deleted(*stop),
    }
}

fn ended(end: &End) -> String {
    let when = end.finished_at.map_or_else(|| "at a time unknown".to_owned(), clock);
    let why = match (end.out_of_memory, end.made_up, end.unstarted) {
        (true, ..) => ", reason OOMKilled",
        (_, true, _) => ", made up by the kubelet, which had lost track of it",
        (.., true) => ", it could not be started",
        _ => "",
    };
    format!("container status: ended {when} with {}{why}", exit(end.exit_code))
}

fn event(reason: &str, second: i64, message: &str) -> String {
    format!("Event {reason} {}{message}", clock(second))
}

fn of_cause(cause: KillingCause) -> &'static str {
    match cause {
        KillingCause::PostStartHook => ": FailedPostStartHook",
        KillingCause::LivenessProbe => ": failed liveness probe",
        KillingCause::StartupProbe => ": failed startup probe",
        KillingCause::Stop => "",
    }
}

fn deleted(stop: Stop) -> String {
    let began = clock(stop.began);
    if stop.forced {
        format!("Pod metadata: deleted {began} with a grace period of 0")
    } else if stop.exact {
        let deadline = clock(stop.deadline());
        format!("Pod metadata: deleted {began} with {} s of grace, until {deadline}", stop.grace)
    } else {
        format!("Pod metadata: deleted {began} or before")
    }
}
