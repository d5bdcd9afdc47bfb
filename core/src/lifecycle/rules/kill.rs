//! Whether a container was killed, and the first cause.

use hooked_crd::{HookKind, KillReason, Outcome};

use super::view::View;
use crate::lifecycle::evidence::{Closed, KillingCause};
use crate::lifecycle::kubelet::{hook_got_sigkill, may_be_killed_by_memory, may_be_sigkill};

/// Whether a container was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KillVerdict {
    /// It was, for this first cause.
    Killed(KillReason),
    /// It ended by itself, or in time when it was asked to.
    NotKilled,
}

use KillVerdict::{Killed, NotKilled};

/// How the hooks of the instance ended, where it has them.
#[derive(Clone, Copy, Debug)]
struct Hooks {
    post_start: Option<Outcome>,
    pre_stop: Option<Outcome>,
}

type Rule = fn(&View<'_>, Hooks) -> Option<KillVerdict>;

/// The first cause first: a failed postStart also runs preStop, and only the first is the cause.
const RULES: [Rule; 13] = [
    what_never_started_is_not_killed,
    a_failed_post_start_kills,
    a_runner_that_cannot_run_is_no_fault_of_the_hook,
    a_hook_that_memory_killed_is_the_cause,
    memory_runs_out,
    a_probe_kills,
    the_spec_asks_for_a_restart,
    the_kubelet_evicts,
    what_is_stopped_without_a_deletion_is_killed,
    the_end_was_not_seen,
    a_force_deletion_kills,
    a_stop_that_failed_kills,
    an_unexplained_sigkill_is_unknown,
];

/// The verdict on this instance's end.
pub(crate) fn kill(view: &View<'_>, post_start: Option<Outcome>, pre_stop: Option<Outcome>) -> KillVerdict {
    // A failure that is ignored kills nothing: the runner reports a success to the kubelet. Of a hook that the
    // grace period cuts off it reports nothing.
    let heeded = |kind, outcome: Option<Outcome>| {
        let ignored = view.hook(kind).is_some_and(|hook| hook.ignored) && view.has_recorded_end(kind);
        outcome.filter(|_| !ignored)
    };
    let hooks = Hooks {
        post_start: heeded(HookKind::PostStart, post_start),
        pre_stop: heeded(HookKind::PreStop, pre_stop),
    };
    RULES.iter().find_map(|rule| rule(view, hooks)).unwrap_or(NotKilled)
}

fn what_never_started_is_not_killed(view: &View<'_>, _: Hooks) -> Option<KillVerdict> {
    view.instance.end?.unstarted.then_some(NotKilled)
}

/// Of a container that was seen running all the same nobody knows that, unless the kubelet says so: restarted before it
/// is done with the stop, it has forgotten why, and that.
fn a_failed_post_start_kills(view: &View<'_>, hooks: Hooks) -> Option<KillVerdict> {
    let is_known = !view.was_seen_running() || view.instance.post_start_error.is_some();
    match hooks.post_start.filter(|_| is_known)? {
        Outcome::Failed => Some(Killed(KillReason::PostStartHookFailed)),
        Outcome::TimedOut => Some(Killed(KillReason::PostStartHookTimedOut)),
        _ => None,
    }
}

/// The kubelet has killed the container since nothing has run its hook.
fn a_runner_that_cannot_run_is_no_fault_of_the_hook(view: &View<'_>, _: Hooks) -> Option<KillVerdict> {
    view.instance.post_start_error?.inability.map(|_| Killed(KillReason::Unknown))
}

/// A hook has its share of the container's memory: when that runs out the kernel may choose the hook. The runner lives
/// on, and records that, while a program that is killed first takes hook and runner along.
fn a_hook_that_memory_killed_is_the_cause(view: &View<'_>, hooks: Hooks) -> Option<KillVerdict> {
    let ending = view.record(HookKind::PreStop)?.ending.as_ref()?;
    let by_memory = view.instance.end?.out_of_memory && hook_got_sigkill(ending);
    let failed = hooks.pre_stop == Some(Outcome::Failed);
    (by_memory && failed).then_some(Killed(KillReason::PreStopHookFailed))
}

/// The runtime's word alone is no proof: a program that ends otherwise than by SIGKILL was not killed, whatever became
/// of a child of it; and one that did not end before the end of its grace period was killed by that.
fn memory_runs_out(view: &View<'_>, _: Hooks) -> Option<KillVerdict> {
    let by_memory = may_be_killed_by_memory(&view.instance.end?) && !view.killed_at_the_deadline();
    by_memory.then_some(Killed(KillReason::OomKilled))
}

fn a_probe_kills(view: &View<'_>, _: Hooks) -> Option<KillVerdict> {
    match view.killing()?.1 {
        KillingCause::LivenessProbe => Some(Killed(KillReason::LivenessProbeFailed)),
        KillingCause::StartupProbe => Some(Killed(KillReason::StartupProbeFailed)),
        _ => None,
    }
}

/// The kubelet's Event says so, or nothing else can have done it: see [`View::only_a_change_can_have_stopped_it`].
fn the_spec_asks_for_a_restart(view: &View<'_>, _: Hooks) -> Option<KillVerdict> {
    if view.restarted_with_all() {
        return Some(Killed(KillReason::RestartAllContainers));
    }
    let told = view.killing().is_some_and(|(_, cause)| cause == KillingCause::SpecChange);
    (told || view.only_a_change_can_have_stopped_it()).then_some(Killed(KillReason::SpecChanged))
}

/// Also where the kubelet, short of space, has forgotten the container by the time of the Pod's end.
fn the_kubelet_evicts(view: &View<'_>, _: Hooks) -> Option<KillVerdict> {
    view.evicted().then_some(Killed(KillReason::Evicted))
}

/// Of a container that crashes again and again the kubelet drops a probe's Events among the first.
fn what_is_stopped_without_a_deletion_is_killed(view: &View<'_>, _: Hooks) -> Option<KillVerdict> {
    view.stopped_without_a_deletion().then_some(())?;
    // Until the startup probe has succeeded the liveness probe waits and the container is not ready; after
    // that the startup probe kills nothing.
    let ready = view.instance.ready_at.is_some();
    Some(Killed(match (view.shape.liveness.is_some(), view.shape.startup.is_some()) {
        _ if !view.only_a_probe_can_have_stopped_it() => KillReason::Unknown,
        (true, startup) if !startup || ready => KillReason::LivenessProbeFailed,
        (false, true) if !ready => KillReason::StartupProbeFailed,
        _ => KillReason::Unknown,
    }))
}

/// The Pod is gone, or its kubelet silent, and nobody has reported how this container ended; or the end is made up,
/// as after a reboot of the node.
fn the_end_was_not_seen(view: &View<'_>, _: Hooks) -> Option<KillVerdict> {
    let made_up = view.instance.end.map(|end| end.made_up);
    let closed = view.pod.closed.filter(|_| made_up != Some(false));
    let forced = view.pod.stop.is_some_and(|stop| stop.forced);
    Some(Killed(match closed {
        None if made_up != Some(true) => return None,
        _ if view.pod.node_lost => KillReason::NodeLost,
        Some(Closed::Gone | Closed::Silent) if forced => KillReason::ForceDeleted,
        _ => KillReason::Unknown,
    }))
}

fn a_force_deletion_kills(view: &View<'_>, _: Hooks) -> Option<KillVerdict> {
    let forced = view.stopped_by()?.forced && may_be_sigkill(&view.instance.end?);
    forced.then_some(Killed(KillReason::ForceDeleted))
}

/// An ordinary stop: killed only if its hook failed or it did not end within the grace period. A program that ends in
/// time, when its hook was cut off, was not killed.
fn a_stop_that_failed_kills(view: &View<'_>, hooks: Hooks) -> Option<KillVerdict> {
    let stop = view.stopped_by()?;
    let sigkill = || view.instance.end.as_ref().is_some_and(may_be_sigkill);
    let by_its_own_timeout = view.has_recorded_end(HookKind::PreStop);
    Some(match (hooks.pre_stop, view.killed_at_the_deadline()) {
        (Some(Outcome::Failed), _) => Killed(KillReason::PreStopHookFailed),
        (Some(Outcome::TimedOut), _) if by_its_own_timeout => Killed(KillReason::PreStopHookTimedOut),
        (Some(Outcome::TimedOut), _) if sigkill() => Killed(KillReason::GracePeriodExceededInPreStop),
        (Some(Outcome::TimedOut), _) => NotKilled,
        (_, true) => Killed(KillReason::GracePeriodExceeded),
        // Nobody saw what grace was in force.
        (_, false) if !stop.exact && sigkill() => return None,
        (_, false) => NotKilled,
    })
}

/// A program may exit with 137 of its own accord, so this is no more than a suspicion; yet somebody on call
/// wants to see it.
fn an_unexplained_sigkill_is_unknown(view: &View<'_>, _: Hooks) -> Option<KillVerdict> {
    may_be_sigkill(&view.instance.end?).then_some(Killed(KillReason::Unknown))
}
