//! Reasons of kills in plain words, and what helps against them.

use hooked_core::lifecycle::kubelet::signal_of;
use hooked_crd::KillReason;

/// What a reason's words need to know.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Seconds of grace that were in force.
    pub(super) grace: Option<i64>,
    /// The container's memory limit as written.
    pub(super) memory_limit: Option<String>,
    /// Nobody has seen how it ended.
    pub(super) unseen: bool,
}

/// What happened.
pub(super) fn why(reason: KillReason, facts: &Facts) -> String {
    let grace = facts.grace.map_or_else(String::new, |seconds| format!(" of {seconds} s"));
    match reason {
        KillReason::PostStartHookFailed => {
            "its postStart hook failed, and Kubernetes kills a container whose postStart hook fails".to_owned()
        }
        KillReason::PostStartHookTimedOut => {
            "its postStart hook ran into the timeout of its policy, and Kubernetes kills a container whose postStart \
             hook fails"
                .to_owned()
        }
        KillReason::PreStopHookFailed => {
            "it was being stopped, and its preStop hook failed: the stop went on without what the hook was to do"
                .to_owned()
        }
        KillReason::PreStopHookTimedOut => {
            "it was being stopped, and its preStop hook ran into the timeout of its policy: the stop went on without \
             what the hook was to do"
                .to_owned()
        }
        KillReason::GracePeriodExceededInPreStop => format!(
            "it was being stopped, and its preStop hook was still running when the grace period{grace} was over: \
             SIGKILL ended hook and program"
        ),
        KillReason::GracePeriodExceeded => format!(
            "it was asked to stop, and its program was still running when the grace period{grace} was over: SIGKILL \
             ended it"
        ),
        KillReason::LivenessProbeFailed => {
            "its liveness probe failed as often as it may, so the kubelet stopped it to start it again".to_owned()
        }
        KillReason::StartupProbeFailed => {
            "its startup probe had not succeeded in time, so the kubelet stopped it to start it again".to_owned()
        }
        KillReason::SpecChanged => {
            "its Pod's spec was changed in place, and the kubelet stopped it to start it as it is written now".to_owned()
        }
        KillReason::RestartAllContainers => {
            "another container of its Pod ended, and the Pod's restartPolicyRules restart all containers then".to_owned()
        }
        KillReason::OomKilled => match &facts.memory_limit {
            Some(limit) => format!("it used all the memory that its limit of {limit} gives it"),
            None => "memory ran out: it has no limit of its own, so that of its Pod or of its node was reached"
                .to_owned(),
        },
        KillReason::Evicted => "the kubelet evicted its Pod because its node was short of something".to_owned(),
        KillReason::ForceDeleted => {
            "its Pod was deleted with a grace period of 0 while it was running".to_owned()
        }
        KillReason::NodeLost => "its node went away".to_owned(),
        KillReason::Unknown if facts.unseen => {
            "nobody has seen how it ended: its Pod was given up or went before the kubelet told".to_owned()
        }
        KillReason::Unknown => {
            "it ended with the exit code of SIGKILL, and nothing that the API still knows says who sent it; a program \
             may also exit so by itself"
                .to_owned()
        }
    }
}

/// What helps.
pub(super) fn advice(reason: KillReason) -> &'static str {
    match reason {
        KillReason::PostStartHookFailed => {
            "mend the hook; in a HookedWorkload spec.hooks.policies can try it again (retries) or let the container live \
             (failurePolicy: Ignore)"
        }
        KillReason::PostStartHookTimedOut => {
            "make the hook faster, or raise timeoutSeconds of its policy in spec.hooks.policies"
        }
        KillReason::PreStopHookFailed => {
            "mend the hook; in a HookedWorkload spec.hooks.policies can try it again (retries), and outputBytes keeps \
             what it prints"
        }
        KillReason::PreStopHookTimedOut => {
            "make the hook faster, or raise timeoutSeconds of its policy, and terminationGracePeriodSeconds with it"
        }
        KillReason::GracePeriodExceededInPreStop => {
            "raise terminationGracePeriodSeconds, or bound the hook: timeoutSeconds in spec.hooks.policies of a \
             HookedWorkload leaves the program the rest"
        }
        KillReason::GracePeriodExceeded => {
            "make the program end on its stop signal (a shell as first process passes none on), or raise \
             terminationGracePeriodSeconds"
        }
        KillReason::LivenessProbeFailed => {
            "`kubectl describe pod` has what the probe said; raise failureThreshold or timeoutSeconds if the program was \
             only slow"
        }
        KillReason::StartupProbeFailed => {
            "`kubectl describe pod` has what the probe said; failureThreshold × periodSeconds is the time it has"
        }
        KillReason::SpecChanged => {
            "change the template rather than Pods, and they are replaced within surge and unavailable"
        }
        KillReason::RestartAllContainers => {
            "`kubectl logs --previous` of the container that ended first tells why"
        }
        KillReason::OomKilled => "raise resources.limits.memory, or make the program need less",
        KillReason::Evicted => "`kubectl describe node` tells of its pressure; requests protect a Pod",
        KillReason::ForceDeleted => "whoever deleted it knows why; without --force hooks have their time",
        KillReason::NodeLost => "`kubectl get nodes` tells whether it is back",
        KillReason::Unknown => {
            "the logs of kernel and kubelet on its node may know; Events are kept for an hour only"
        }
    }
}

/// An exit code with the signal that it usually means.
pub(super) fn exit(code: i32) -> String {
    match signal_of(code) {
        Some(signal) => format!("exit code {code} ({signal})"),
        None => format!("exit code {code}"),
    }
}
