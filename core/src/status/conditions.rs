//! Conditions: what a user, a pipeline and an autoscaler read first.

use hooked_crd::Reason;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::basis::Basis;
use super::counts::ReplicaCounts;
use super::failure::ReplicaFailure;
use super::healthy::hooks_healthy;
use super::measured::{how, shortfalls};
use super::others::some_of;
use super::progress::{Progress, is_overdue};
use super::saying::{Saying, dated, is_ours, say};
use super::shortened::{WORDS, shortened};
use super::{gate, policies};
use crate::names::condition;
use crate::workload::desired::Strategy;
use crate::workload::rollout::Rollout;
use crate::workload::target::Why;

/// All conditions, ours in a fixed order and then those of others as they are.
pub(super) fn conditions(basis: &Basis<'_>, counts: &ReplicaCounts) -> Vec<Condition> {
    let stalled = stalled(basis);
    let mut sayings = vec![
        ready(basis, counts, &stalled),
        available(basis, counts),
        progressing(basis, counts, &stalled),
        hooks_healthy(basis.hooks()),
        measured(basis),
        reconciling(basis, counts, &stalled),
        stalled,
    ];
    sayings.extend(basis.failure.map(replica_failure));
    let previous = &basis.previous.conditions;
    let mut conditions = dated(sayings, previous, basis.generation, basis.now);
    conditions.extend(previous.iter().filter(|known| !is_ours(known)).cloned());
    conditions
}

fn replica_failure(failure: &ReplicaFailure) -> Saying {
    say(condition::REPLICA_FAILURE, "True", failure.reason, failure.message())
}

/// The conditions of an object that cannot be read or carried out at all, and of which Pods may be that cannot be let
/// go.
pub fn invalid(
    previous: &[Condition],
    generation: i64,
    message: &str,
    failure: Option<&ReplicaFailure>,
    now: Timestamp,
) -> Vec<Condition> {
    let message = shortened(message, WORDS);
    let mut sayings = vec![
        say(condition::READY, "False", Reason::Invalid, message.clone()),
        say(
            condition::RECONCILING,
            "False",
            Reason::Invalid,
            "the operator can do nothing until the object is changed",
        ),
        say(condition::STALLED, "True", Reason::Invalid, message),
    ];
    sayings.extend(failure.map(replica_failure));
    let replaced = |type_: &str| {
        type_ == condition::REPLICA_FAILURE || sayings.iter().any(|saying| saying.type_ == type_)
    };
    let kept: Vec<Condition> = previous.iter().filter(|known| !replaced(&known.type_)).cloned().collect();
    let mut conditions = dated(sayings, previous, generation, now);
    conditions.extend(kept);
    conditions
}

/// Whether a rollout has made no progress for as long as the user grants it.
fn is_rollout_overdue(basis: &Basis<'_>) -> bool {
    let since = basis.progress.since(basis.now);
    since.is_some_and(|since| is_overdue(basis.desired, since, basis.now))
}

fn stalled(basis: &Basis<'_>) -> Saying {
    match basis.invalid_template() {
        Some(words) => say(condition::STALLED, "True", Reason::InvalidTemplate, shortened(words, WORDS)),
        _ if let Some(why) = gate::closed(basis) => {
            say(condition::STALLED, "True", Reason::HooksFailing, why)
        }
        _ if is_rollout_overdue(basis) => {
            let seconds = basis.desired.progress_deadline_seconds.unwrap_or_default();
            let message =
                format!("no progress for {seconds} s; see the Pods of revision {}", basis.revision.name);
            say(condition::STALLED, "True", Reason::ProgressDeadlineExceeded, message)
        }
        _ => match overlap(basis.overlapping) {
            Some(told) => say(condition::STALLED, "False", Reason::SelectorOverlap, told),
            None => say(condition::STALLED, "False", Reason::NotStalled, "not stalled"),
        },
    }
}

/// That others ask for the same Pods. Each workload keeps to the Pods that it controls, but what selects Pods by their
/// labels, such as a Service or an autoscaler, takes them all for one.
fn overlap(others: &[&str]) -> Option<String> {
    let told = format!(
        "not stalled; spec.selector and the labels of spec.template are also matched by, or match, those of \
         HookedWorkload {}: give each workload a label of its own",
        some_of(others)
    );
    (!others.is_empty()).then_some(told)
}

fn ready(basis: &Basis<'_>, counts: &ReplicaCounts, stalled: &Saying) -> Saying {
    let ReplicaCounts { desired, updated, available, alive, .. } = *counts;
    let tally =
        format!("{available} of {desired} Pods available, {updated} up to date, {} old", alive - updated);
    match basis.rollout {
        Rollout::Complete => say(condition::READY, "True", Reason::RolloutComplete, tally),
        _ if stalled.status == "True" => {
            say(condition::READY, "False", stalled.reason, stalled.message.clone())
        }
        Rollout::Leaving => say(condition::READY, "False", Reason::Leaving, "the workload is being deleted"),
        _ if let Some((reason, words)) = basis.adopting() => {
            say(condition::READY, "False", reason, shortened(words, WORDS))
        }
        _ if basis.desired.paused && (basis.is_held_back() || alive > updated) => {
            let message = format!("{tally}; paused with a change that is not rolled out");
            say(condition::READY, "False", Reason::PausedWithChange, message)
        }
        Rollout::Held if basis.desired.paused => {
            say(condition::READY, "False", Reason::Paused, format!("{tally}; paused"))
        }
        _ => say(condition::READY, "False", Reason::RolloutInProgress, tally),
    }
}

fn available(basis: &Basis<'_>, counts: &ReplicaCounts) -> Saying {
    let may_be_missing = match basis.desired.strategy {
        Strategy::Recreate => 0,
        Strategy::RollingUpdate { unavailable, .. } => i32::try_from(unavailable).unwrap_or(i32::MAX),
    };
    let needed = counts.desired.saturating_sub(may_be_missing).max(0);
    let message = format!("{} Pods available, at least {needed} needed", counts.available);
    if counts.available >= needed {
        say(condition::AVAILABLE, "True", Reason::MinimumReplicasAvailable, message)
    } else {
        say(condition::AVAILABLE, "False", Reason::MinimumReplicasUnavailable, message)
    }
}

fn progressing(basis: &Basis<'_>, counts: &ReplicaCounts, stalled: &Saying) -> Saying {
    let revision = &basis.desired.asked.name;
    let tally = format!("{} of {} Pods are of revision {revision}", counts.updated, counts.desired);
    match basis.rollout {
        _ if stalled.status == "True" => {
            say(condition::PROGRESSING, "False", stalled.reason, stalled.message.clone())
        }
        _ if let Some(Why::NotStored(words)) = basis.target.held_by() => {
            let words = shortened(words, WORDS);
            say(condition::PROGRESSING, "False", Reason::ReplicaSetCreateError, words)
        }
        _ if let Some((reason, words)) = basis.adopting() => {
            say(condition::PROGRESSING, "Unknown", reason, shortened(words, WORDS))
        }
        // As a Deployment's: also when there is nothing to roll out.
        _ if basis.desired.paused => {
            let message = format!("{tally}; rollouts are paused");
            say(condition::PROGRESSING, "Unknown", Reason::DeploymentPaused, message)
        }
        Rollout::Leaving => say(condition::PROGRESSING, "True", Reason::ReplicaSetUpdated, tally),
        _ => match reason_of_progress(basis) {
            reason @ Reason::DeploymentResumed => say(condition::PROGRESSING, "Unknown", reason, tally),
            reason => say(condition::PROGRESSING, "True", reason, tally),
        },
    }
}

/// How a Deployment calls what has become of the rollout, so that what reads a Deployment's conditions reads ours.
/// While nothing is new it goes on to say what it has said.
fn reason_of_progress(basis: &Basis<'_>) -> Reason {
    let said = || {
        let mut known = basis.previous.conditions.iter();
        Reason::from_name(&known.find(|known| known.type_ == condition::PROGRESSING)?.reason)
    };
    match basis.progress {
        Progress::Unwatched => Reason::NewReplicaSetAvailable,
        Progress::Begun => Reason::NewReplicaSetCreated,
        Progress::Resumed => Reason::DeploymentResumed,
        Progress::Made => Reason::ReplicaSetUpdated,
        Progress::Awaited(_) => match said() {
            Some(known @ (Reason::NewReplicaSetCreated | Reason::DeploymentResumed)) => known,
            _ => Reason::ReplicaSetUpdated,
        },
    }
}

fn reconciling(basis: &Basis<'_>, counts: &ReplicaCounts, stalled: &Saying) -> Saying {
    if let Some((reason, _)) = basis.adopting() {
        let message = "the Pods that are to be taken over are not free yet";
        return say(condition::RECONCILING, "True", reason, message);
    }
    let rests = matches!(basis.rollout, Rollout::Complete | Rollout::Held);
    // A rollout that goes back is at work, though only a change of the workload brings it where the workload asks.
    let goes_back = stalled.reason == Reason::HooksFailing && basis.is_held_back();
    if rests || (stalled.status == "True" && !goes_back) {
        return say(
            condition::RECONCILING,
            "False",
            Reason::Reconciled,
            "the operator has done what can be done",
        );
    }
    let message = format!("{} of {} Pods available", counts.available, counts.desired);
    say(condition::RECONCILING, "True", Reason::RollingOut, message)
}

/// Whether all that `spec.hooks` asks for is in force. Of several things that are not the worst is the reason, and the
/// message has them all.
fn measured(basis: &Basis<'_>) -> Saying {
    let shortfalls = shortfalls(basis);
    let Some(worst) = shortfalls.first() else {
        return match policies::beyond_grace(basis.revision) {
            Some(message) => say(condition::MEASURED, "True", Reason::PolicyExceedsGracePeriod, message),
            None => say(condition::MEASURED, "True", Reason::MeasuredAsAsked, how(basis)),
        };
    };
    let words: Vec<&str> = shortfalls.iter().map(|known| &*known.words).collect();
    say(condition::MEASURED, "False", worst.reason, shortened(&words.join(". "), WORDS))
}
