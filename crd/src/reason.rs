//! Every reason that the operator gives in a condition or an Event of a HookedWorkload.
//!
//! `docs/reference/reasons.md` is generated from this file, and the operator's tests hold that no condition is written
//! with a reason that does not name it here.

use std::fmt;

use crate::condition::{
    AVAILABLE, HOOKS_HEALTHY, MEASURED, PROGRESSING, READY, RECONCILING, REPLICA_FAILURE, STALLED,
};
use Given::{Condition, Event};

/// Where a reason is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Given {
    /// In a condition of this type, which has this status.
    Condition(&'static str, &'static str),
    /// In an Event of this type: `Normal` or `Warning`.
    Event(&'static str),
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition(type_, status) => write!(f, "{type_}={status}"),
            Event(type_) => write!(f, "{type_} Event"),
        }
    }
}

/// Writes the enum and what is told of each reason from one list, so that none can be forgotten.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident: [$($given:expr),+],)+) => {
        /// A reason of conditions and Events.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The reason as it stands in a condition or an Event.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// When the reason is given.
            pub fn describe(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }

            /// Where the reason is given.
            pub fn given(self) -> &'static [Given] {
                match self {
                    $(Self::$name => &[$($given),+],)+
                }
            }
        }
    };
}

reasons! {
    /// The rollout is complete, and all Pods are available.
    RolloutComplete: [Condition(READY, "True")],
    /// Pods are still missing, not yet available, or of an old revision.
    RolloutInProgress: [Condition(READY, "False")],
    /// `spec.paused` is true, and the template has changed since: the change is not rolled out.
    PausedWithChange: [Condition(READY, "False")],
    /// `spec.paused` is true. The workload is not Ready if Pods of it are missing as well.
    Paused: [Condition(READY, "False")],
    /// The workload is being deleted.
    Leaving: [Condition(READY, "False")],
    /// The workload that `spec.workloadRef` names is there, and its Pods are watched.
    Watching: [Condition(READY, "True")],
    /// There is no workload of the kind and name of `spec.workloadRef` in the namespace. Its Pods are watched as soon
    /// as there are any.
    ReferentNotFound: [Condition(READY, "False"), Condition(RECONCILING, "True"), Event("Warning")],
    /// The operator may not read the workload that `spec.workloadRef` names; the message says which right is missing.
    ReferentForbidden: [
        Condition(READY, "False"),
        Condition(RECONCILING, "False"),
        Condition(STALLED, "True"),
        Event("Warning")
    ],
    /// The API server knows no namespaced kind such as `spec.workloadRef` names.
    ReferentKindUnknown: [
        Condition(READY, "False"),
        Condition(RECONCILING, "False"),
        Condition(STALLED, "True"),
        Event("Warning")
    ],
    /// The API server could not say whether the workload is there that `spec.workloadRef` names. The operator asks
    /// again.
    ReferentUnchecked: [Condition(READY, "Unknown"), Condition(RECONCILING, "True")],
    /// Nothing has to be changed, but another HookedWorkload watches the same Pods: each counts all of their hooks.
    WatchOverlap: [Condition(STALLED, "False"), Event("Warning")],
    /// The workload is to take Pods over (`hooked.dev/adopt-from`) that are still another's: until that is gone no Pod
    /// is made, changed or deleted. Their revisions are stored. The message says who is still there and what helps.
    AwaitingAdoption:
        [Condition(READY, "False"), Condition(PROGRESSING, "Unknown"), Condition(RECONCILING, "True")],
    /// The workload is to take Pods over (`hooked.dev/adopt-from`), and it could not be found out whether they are
    /// still another's: a right is missing, say. The message says why. No Pod is made, changed or deleted.
    PredecessorUnknown:
        [Condition(READY, "False"), Condition(PROGRESSING, "Unknown"), Condition(RECONCILING, "True")],
    /// As many Pods are available as `spec.strategy` demands.
    MinimumReplicasAvailable: [Condition(AVAILABLE, "True")],
    /// Fewer Pods are available than `spec.strategy` demands.
    MinimumReplicasUnavailable: [Condition(AVAILABLE, "False")],
    /// The rollout of the revision that is asked for has begun, and nothing of it is seen yet.
    NewReplicaSetCreated: [Condition(PROGRESSING, "True")],
    /// The rollout gets on: more new Pods, more of them that serve, or fewer old ones.
    ReplicaSetUpdated: [Condition(PROGRESSING, "True")],
    /// The revision that is asked for is rolled out completely, or was, and Pods of it are scaled or replaced.
    NewReplicaSetAvailable: [Condition(PROGRESSING, "True")],
    /// `spec.paused` is true.
    DeploymentPaused: [Condition(PROGRESSING, "Unknown")],
    /// `spec.paused` is true no longer, and the rollout has not got on since.
    DeploymentResumed: [Condition(PROGRESSING, "Unknown")],
    /// The revision that is asked for cannot be stored; the condition has the API server's words. The operator tries
    /// again.
    ReplicaSetCreateError: [Condition(PROGRESSING, "False"), Event("Warning")],
    /// The operator is creating or replacing Pods.
    RollingOut: [Condition(RECONCILING, "True")],
    /// Pods cannot be created, for a quota, a policy, a webhook that is down or any other error; the condition has the
    /// API server's words. The operator tries again every ten seconds.
    FailedCreate: [Condition(REPLICA_FAILURE, "True"), Event("Warning")],
    /// Pods cannot be deleted.
    FailedDelete: [Condition(REPLICA_FAILURE, "True"), Event("Warning")],
    /// Pods cannot be changed: a finalizer that is to go stays, and the Pod with it.
    FailedUpdate: [Condition(REPLICA_FAILURE, "True"), Event("Warning")],
    /// A revision is to have more or fewer Pods.
    ScalingReplicaSet: [Event("Normal")],
    /// The rollout has made no progress for `spec.progressDeadlineSeconds`.
    ProgressDeadlineExceeded:
        [Condition(READY, "False"), Condition(PROGRESSING, "False"), Condition(STALLED, "True")],
    /// The API server refuses the template's Pods as invalid: nothing helps but to change `spec.template`.
    InvalidTemplate: [
        Condition(READY, "False"),
        Condition(PROGRESSING, "False"),
        Condition(STALLED, "True"),
        Event("Warning")
    ],
    /// Hooks of the revision that is rolled out have failed more often than `spec.hooks.rolloutGate` allows: the
    /// rollout has stopped, or is rolled back. The message names the run that was one too many, and what opens the
    /// gate.
    HooksFailing: [
        Condition(READY, "False"),
        Condition(PROGRESSING, "False"),
        Condition(STALLED, "True"),
        Event("Warning")
    ],
    /// The object cannot be read, or a part of it makes no sense: nothing helps but to change the object.
    Invalid: [
        Condition(READY, "False"),
        Condition(RECONCILING, "False"),
        Condition(STALLED, "True"),
        Event("Warning")
    ],
    /// The operator has seen the workload for the first time.
    New: [Condition(RECONCILING, "True")],
    /// The operator has nothing left to do until something changes.
    Reconciled: [Condition(RECONCILING, "False")],
    /// Nothing has to be changed for the operator to go on.
    NotStalled: [Condition(STALLED, "False")],
    /// Nothing keeps the operator, but another HookedWorkload asks for the same Pods: its selector matches the labels
    /// of this template, or the other way round. Each keeps to its own Pods; Services and autoscalers take the Pods of
    /// both for one.
    SelectorOverlap: [Condition(STALLED, "False"), Event("Warning")],
    /// The last run of every hook ended well, as far as is known.
    NoHookIsFailing: [Condition(HOOKS_HEALTHY, "True")],
    /// No hook is known to be failing, but nobody knows how the last run of a hook ended; the message names the hook.
    HookOutcomeUnknown: [Condition(HOOKS_HEALTHY, "True")],
    /// The last run of a hook failed or timed out. The Event tells of failed runs alone.
    HookFailed: [Condition(HOOKS_HEALTHY, "False"), Event("Warning")],
    /// A run of a hook was cut off by its timeout or by the end of the grace period.
    HookTimedOut: [Event("Warning")],
    /// A hook runs for longer than is good for its container: a postStart for a minute, a preStop for most of the grace
    /// period.
    HookStuck: [Condition(HOOKS_HEALTHY, "False"), Event("Warning")],
    /// All that `spec.hooks` asks for is in force: exec hooks run under the hook-runner, or are observed because
    /// `measurement` is `Observe`, or there are none.
    MeasuredAsAsked: [Condition(MEASURED, "True")],
    /// A Pod has shown that the hook-runner cannot be pulled, delivered or executed where the Pod runs: Pods of that
    /// revision are made without the runner from then on, and policies are not in force. The message says what to do.
    RunnerCannotRun: [Condition(MEASURED, "False"), Event("Warning")],
    /// The hook-runner cannot be put into the Pods: hooks are observed, not measured, and policies are not in force.
    RunnerUnavailable: [Condition(MEASURED, "False"), Event("Warning")],
    /// Pods have no hook-runner though others of their revision do: they were taken over, or made before the runner
    /// could be put in.
    PodsFromBefore: [Condition(MEASURED, "False"), Event("Warning")],
    /// The hook-runner may not write to a container's termination log, since the log shows what the container prints:
    /// what its hooks did is known over the live channel alone.
    NoTerminationLog: [Condition(MEASURED, "False"), Event("Warning")],
    /// Hooks end without their runners' reports reaching the operator.
    LiveReportsMissing: [Condition(MEASURED, "False"), Event("Warning")],
    /// A policy of `spec.hooks.policies` is in force for no hook; the message says which and why.
    PolicyMatchesNothing: [Condition(MEASURED, "False"), Event("Warning")],
    /// All is in force, but a policy allows a preStop more time than the grace period has.
    PolicyExceedsGracePeriod: [Condition(MEASURED, "True"), Event("Warning")],
    /// A container was killed; the note of the Event names the cause.
    ContainerKilled: [Event("Warning")],
    /// The workload was taken back to an earlier revision, as the annotation `hooked.dev/rollback-to` asked.
    RollbackDone: [Event("Normal")],
    /// The revision that `hooked.dev/rollback-to` names is not kept. The annotation is removed.
    RollbackRevisionNotFound: [Event("Warning")],
    /// The revision that `hooked.dev/rollback-to` names has the template that the workload has. The annotation is
    /// removed.
    RollbackTemplateUnchanged: [Event("Warning")],
    /// The workload is paused, or the API server refuses the template that `hooked.dev/rollback-to` asks for. The
    /// annotation is removed.
    RollbackRefused: [Event("Warning")],
    /// The workload is deleted, and all its hook runs are counted; the note of the Event has the totals.
    HooksAccounted: [Event("Normal")],
    /// The workload is deleted and could not be read, so its totals are incomplete.
    HooksNotAccounted: [Event("Warning")],
    /// Another operator of the cluster watches the namespace too, and makes the Pods and counts their hooks.
    LeftToAnotherOperator: [Event("Warning")],
}

impl Reason {
    /// The reason of that name; `None` for a name that this version does not know.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == name)
    }

    /// Whether a condition of that type and status may give this reason.
    pub fn is_given_by(self, type_: &str, status: &str) -> bool {
        self.given().iter().any(|given| matches!(given, Condition(t, s) if (*t, *s) == (type_, status)))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::condition;

    #[test]
    fn every_reason_is_found_by_its_name_and_says_when_and_where() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_name(reason.as_str()), Some(*reason));
            let words = reason.describe();
            assert!(
                words.ends_with('.') && !words.contains("  ") && !words.contains('|'),
                "{reason}: {words}"
            );
        }
        assert_eq!(Reason::from_name("NoSuchReason"), None);
        let names: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
    }

    #[test]
    fn reasons_are_given_by_conditions_and_events_that_there_are() {
        for reason in Reason::ALL {
            for given in reason.given() {
                match given {
                    Condition(type_, status) => {
                        assert!(condition::ALL.contains(type_), "{reason}");
                        assert!(["True", "False", "Unknown"].contains(status), "{reason}");
                    }
                    Event(type_) => assert!(["Normal", "Warning"].contains(type_), "{reason}"),
                }
            }
        }
        assert!(Reason::Paused.is_given_by("Ready", "False") && !Reason::Paused.is_given_by("Ready", "True"));
    }
}
