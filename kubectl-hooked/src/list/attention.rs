//! What about a workload needs attention, by its conditions.

use hooked_crd::{HookedWorkload, condition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;

use crate::conditions;
use crate::render::Tone;

/// What needs attention, most of all first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Attention {
    /// Nothing goes on until somebody changes the workload.
    Stalled,
    /// Fewer Pods serve than must.
    Unavailable,
    /// The operator wants to go on and is refused, say by a quota.
    Hindered,
    /// A hook fails or hangs.
    HooksFailing,
    /// Hooks or policies are not in force as asked.
    NotMeasured,
    /// Pods are still replaced, or missing.
    InProgress,
    /// It is paused, and nothing is wrong.
    Paused,
    /// It is being deleted.
    Leaving,
    /// All is well.
    None,
}

impl Attention {
    /// In a word, with the reason where there is one; nothing where all is well.
    pub(super) fn word(self, reason: &str) -> String {
        match self {
            Self::None => String::new(),
            _ if reason.is_empty() => format!("{self:?}"),
            _ => format!("{self:?}: {reason}"),
        }
    }

    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Stalled | Self::Unavailable | Self::Hindered | Self::HooksFailing => Tone::Bad,
            Self::InProgress => Tone::Active,
            Self::NotMeasured | Self::Paused | Self::Leaving => Tone::Unsure,
            Self::None => Tone::Plain,
        }
    }
}

/// What about a workload needs attention, with the reason and the words of the condition that says so.
pub(super) fn attention(workload: &HookedWorkload) -> (Attention, String, String) {
    let says = |type_: &str, status_: &str| {
        conditions::find(conditions::of(workload), type_).filter(|known| known.status == status_)
    };
    let of = |attention, said: &Condition| (attention, said.reason.clone(), said.message.clone());
    if workload.metadata.deletion_timestamp.is_some() {
        return (Attention::Leaving, String::new(), "it is being deleted".to_owned());
    }
    let seen = workload.status.as_ref().and_then(|status| status.observed_generation);
    if seen != workload.metadata.generation {
        let message = "the operator has not seen the present spec yet".to_owned();
        return (Attention::InProgress, String::new(), message);
    }
    let bad = [
        (condition::STALLED, "True", Attention::Stalled),
        (condition::AVAILABLE, "False", Attention::Unavailable),
        (condition::REPLICA_FAILURE, "True", Attention::Hindered),
        (condition::PROGRESSING, "False", Attention::Hindered),
        (condition::HOOKS_HEALTHY, "False", Attention::HooksFailing),
        (condition::MEASURED, "False", Attention::NotMeasured),
    ];
    let found = bad.into_iter().find_map(|(type_, status, kind)| Some(of(kind, says(type_, status)?)));
    let paused = workload.spec.paused == Some(true);
    let unready = || {
        let kind = if paused { Attention::Paused } else { Attention::InProgress };
        says(condition::READY, "False").map(|known| of(kind, known))
    };
    let held = || paused.then(|| (Attention::Paused, String::new(), "spec.paused is true".to_owned()));
    let well = || (Attention::None, String::new(), String::new());
    found.or_else(unready).or_else(held).unwrap_or_else(well)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::workload;

    /// What a workload with these conditions, each as `type status reason`, needs.
    fn check(conditions: &[&str], change: impl FnOnce(&mut HookedWorkload), expect: (Attention, &str)) {
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|words| {
                let words: Vec<&str> = words.split(' ').collect();
                json!({
                    "type": words[0], "status": words[1], "reason": words[2], "message": "",
                    "lastTransitionTime": "2026-11-22T10:00:00Z",
                })
            })
            .collect();
        let mut workload = workload(&json!({"observedGeneration": 2, "conditions": conditions}));
        change(&mut workload);
        let (attention, reason, _) = attention(&workload);
        assert_eq!((attention, &*reason), expect, "{conditions:?}");
    }

    #[test]
    fn the_worst_that_a_condition_says_is_what_needs_attention() {
        let ready = "Ready True RolloutComplete";
        check(&[ready, "Available True MinimumReplicasAvailable"], |_| {}, (Attention::None, ""));
        check(&[ready, "HooksHealthy False HookFailed"], |_| {}, (Attention::HooksFailing, "HookFailed"));
        let unmeasured = "Measured False RunnerUnavailable";
        check(&[ready, unmeasured], |_| {}, (Attention::NotMeasured, "RunnerUnavailable"));
        check(
            &[ready, unmeasured, "HooksHealthy False HookFailed"],
            |_| {},
            (Attention::HooksFailing, "HookFailed"),
        );
        check(
            &[
                "Ready False RolloutInProgress",
                "ReplicaFailure True FailedCreate",
                "HooksHealthy False HookFailed",
            ],
            |_| {},
            (Attention::Hindered, "FailedCreate"),
        );
        check(
            &["Stalled True InvalidTemplate", "Available False MinimumReplicasUnavailable"],
            |_| {},
            (Attention::Stalled, "InvalidTemplate"),
        );
        check(&["Ready False RolloutInProgress"], |_| {}, (Attention::InProgress, "RolloutInProgress"));
        let paused = |workload: &mut HookedWorkload| workload.spec.paused = Some(true);
        check(&["Ready False PausedWithChange"], paused, (Attention::Paused, "PausedWithChange"));
        check(&[ready], paused, (Attention::Paused, ""));
        let changed = |workload: &mut HookedWorkload| workload.metadata.generation = Some(3);
        check(&["Stalled True InvalidTemplate"], changed, (Attention::InProgress, ""));
    }
}
