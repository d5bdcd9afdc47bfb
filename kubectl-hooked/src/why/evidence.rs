//! The facts about an instance in words: each line names its source.

use hooked_core::lifecycle::kubelet::{
    OUT_OF_MEMORY, POST_START_ERROR, failure_event, killing_word, may_be_killed_by_memory,
};
use hooked_core::lifecycle::{End, Fact, Stop};

use super::reasons::exit;
use crate::render::{clock, named};

/// A fact in words.
pub(super) fn words(fact: &Fact) -> String {
    match fact {
        Fact::RecordedBeginning(hook) => {
            format!("the hook-runner's record: {} was begun, and no end of it was written", named(hook))
        }
        Fact::RecordedEnd { hook, outcome, attempts } => {
            format!("the hook-runner's record: {} {} in attempt {attempts}", named(hook), named(outcome))
        }
        Fact::Ended(end) => ended(end),
        Fact::PostStartError => format!("container status: waiting for {POST_START_ERROR}"),
        Fact::Evicted(second) => format!("the kubelet had evicted its Pod {}", clock(*second)),
        Fact::HookFailed(hook, second) => event(failure_event(*hook), *second, None),
        Fact::Killing(second, cause) => event("Killing", *second, killing_word(*cause)),
        Fact::Deleted(stop) => deleted(*stop),
    }
}

fn ended(end: &End) -> String {
    let when = end.finished_at.map_or_else(|| "at a time unknown".to_owned(), clock);
    let why = match (end.out_of_memory, end.made_up, end.unstarted) {
        (true, ..) if may_be_killed_by_memory(end) => format!(", reason {OUT_OF_MEMORY}"),
        (true, ..) => {
            format!(
                ", reason {OUT_OF_MEMORY}: memory ran out for another process in it, a child of its program or a hook"
            )
        }
        (_, true, _) => ", made up by the kubelet, which had lost track of it".to_owned(),
        (.., true) => ", it could not be started".to_owned(),
        _ => String::new(),
    };
    format!("container status: ended {when} with {}{why}", exit(end.exit_code))
}

fn event(reason: &str, second: i64, word: Option<&str>) -> String {
    let word = word.map(|word| format!(": {word}")).unwrap_or_default();
    format!("Event {reason} {}{word}", clock(second))
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
