//! How a postStart run ended.

use hooked_crd::{HandlerKind, HookKind, Outcome};

use super::verdict::Verdict;
use super::view::View;
use crate::lifecycle::kubelet::{POST_START_ERROR, failure_event, hook_may_be_sigkilled};

type Rule = fn(&View<'_>) -> Option<Verdict>;

/// Strongest first.
const RULES: [Rule; 8] = [
    the_runner_says_how_it_ended,
    a_container_that_could_not_start_ran_no_hook,
    a_runner_that_cannot_run_ran_no_hook,
    a_hook_cut_off_by_its_programs_end_is_unknown,
    a_post_start_error_is_a_failure,
    a_running_container_has_a_finished_hook,
    a_failure_told_long_after_the_end_may_be_the_next_instances,
    a_failure_event_is_a_failure,
];

/// The verdict on the postStart run of this instance.
pub(crate) fn post_start(view: &View<'_>) -> Verdict {
    let verdict = RULES.iter().find_map(|rule| rule(view)).unwrap_or_else(|| {
        let cut_off = view.is_left_open(HookKind::PostStart) && view.instance.running_seen.is_some();
        let words = if cut_off {
            "it had begun, and was cut off before its end, as by a restart of the kubelet"
        } else {
            "the container ended before the hook's outcome could be seen"
        };
        Verdict::new(Outcome::Unknown, words)
    });
    verdict.beside(view)
}

fn the_runner_says_how_it_ended(view: &View<'_>) -> Option<Verdict> {
    Verdict::recorded(view.record(HookKind::PostStart)?)
}

fn a_container_that_could_not_start_ran_no_hook(view: &View<'_>) -> Option<Verdict> {
    Verdict::unstarted(view)
}

fn a_runner_that_cannot_run_ran_no_hook(view: &View<'_>) -> Option<Verdict> {
    Verdict::without_runner(view)
}

/// When the program exits, its container ends and SIGKILL ends the hook; the kubelet reports that as a
/// failure of the hook. A hook that really failed has another exit status, or the kubelet reports it before
/// the container has ended: in the same second the two cannot be told apart.
fn a_hook_cut_off_by_its_programs_end_is_unknown(view: &View<'_>) -> Option<Verdict> {
    view.shape.hooks.post_start.filter(|hook| hook.handler == HandlerKind::Exec)?;
    let ended = view.finished_at().filter(|_| view.instance.running_seen.is_none())?;
    let reported = view.instance.post_start_error;
    let killed = reported.is_some_and(hook_may_be_sigkilled);
    if reported.is_some() && !killed {
        return None;
    }
    let by_itself = view.post_start_failed_at().map_or(killed, |reported| ended <= reported);
    by_itself.then(|| {
        Verdict::new(Outcome::Unknown, "the program exited and took the hook with it, or might have")
    })
}

/// `waiting.reason=PostStartHookError`.
fn a_post_start_error_is_a_failure(view: &View<'_>) -> Option<Verdict> {
    let message = match view.instance.post_start_error?.exit_code {
        Some(code) => format!("the hook exited with {code}; the container was killed"),
        None => format!("the kubelet reported {POST_START_ERROR}; the container was killed"),
    };
    Some(Verdict::new(Outcome::Failed, message))
}

/// A program that takes its hook along ends a moment before the kubelet tells of the hook. What is told later than that
/// may be of an instance that nobody has seen yet.
fn a_failure_told_long_after_the_end_may_be_the_next_instances(view: &View<'_>) -> Option<Verdict> {
    let (ended, reported) = (view.finished_at()?, view.post_start_failed_at()?);
    (ended.saturating_add(1) < reported).then(|| {
        let message = "a failure was reported after the container's end, and may be of its next start";
        Verdict::new(Outcome::Unknown, message)
    })
}

fn a_failure_event_is_a_failure(view: &View<'_>) -> Option<Verdict> {
    view.post_start_failed_at()?;
    let event = failure_event(HookKind::PostStart);
    Some(Verdict::new(Outcome::Failed, format!("the kubelet reported {event}; the container was killed")))
}

fn a_running_container_has_a_finished_hook(view: &View<'_>) -> Option<Verdict> {
    view.running_proves_its_hook()?;
    Some(Verdict::new(Outcome::Succeeded, "the container became Running"))
}
