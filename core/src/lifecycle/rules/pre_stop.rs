//! How a preStop run ended.

use hooked_crd::{HookKind, Outcome, Source};
use hooked_protocol::Record;

use super::verdict::Verdict;
use super::view::View;
use crate::lifecycle::evidence::Closed;
use crate::lifecycle::kubelet::{failure_event, may_be_killed_by_memory};
use crate::mutation::{Mutation, mutated};

type Rule = fn(&View<'_>) -> Option<Verdict>;

/// Strongest first.
const RULES: [Rule; 13] = [
    the_runner_says_how_it_ended,
    a_container_that_could_not_start_ran_no_hook,
    a_runner_that_cannot_run_ran_no_hook,
    a_restart_of_all_containers_runs_no_hook,
    a_container_out_of_memory_runs_no_hook,
    a_container_that_ended_before_the_deletion_ran_no_hook,
    a_container_that_nothing_stopped_ran_no_hook,
    a_run_that_only_began_was_cut_off_at_the_deadline,
    a_hook_reported_at_the_deadline_was_cut_off,
    a_hook_reported_after_its_containers_end_is_unknown,
    a_hook_reported_as_a_program_ends_that_ends_by_itself_is_unknown,
    a_hook_reported_by_a_kubelet_that_fell_silent_is_unknown,
    a_failure_event_is_a_failure,
];

/// The verdict on the preStop run of this instance, which has ended.
pub(crate) fn pre_stop(view: &View<'_>) -> Verdict {
    let verdict = RULES.iter().find_map(|rule| rule(view)).unwrap_or_else(|| {
        if mutated(Mutation::SilenceIsSuccess) {
            return Verdict::new(Outcome::Succeeded, "nothing bad is known");
        }
        if view.instance.end.is_some_and(|end| end.made_up) {
            let words = "the node or its runtime was restarted, and nobody saw the container's end";
            return Verdict::new(Outcome::Unknown, words);
        }
        if view.is_left_open(HookKind::PreStop) {
            return Verdict::new(Outcome::Unknown, "it had begun, and its container ended before it");
        }
        // No event is no proof: the kubelet drops Events, and reports no success at all.
        Verdict::new(
            Outcome::Unknown,
            "not known to have failed; Kubernetes does not report the outcome of a preStop",
        )
    });
    verdict.beside(view)
}

/// The verdict on an earlier execution of the hook in this instance, by its record: the kubelet runs a hook anew where
/// it was restarted itself, or could not stop the container.
pub(crate) fn pre_stop_before(record: &Record) -> Verdict {
    let words = "the kubelet ran the hook again, and nobody knows how this execution ended";
    Verdict::recorded(record).unwrap_or_else(|| Verdict::new(Outcome::Unknown, words))
}

fn the_runner_says_how_it_ended(view: &View<'_>) -> Option<Verdict> {
    Verdict::recorded(view.record(HookKind::PreStop)?)
}

fn a_container_that_could_not_start_ran_no_hook(view: &View<'_>) -> Option<Verdict> {
    Verdict::unstarted(view)
}

fn a_runner_that_cannot_run_ran_no_hook(view: &View<'_>) -> Option<Verdict> {
    Verdict::without_runner(view)
}

/// The runner records a beginning before it starts the hook, and the end of a hook that ends. One that the end of the
/// grace period cuts off goes with its container, be it that SIGKILL ends the program or that the program stops when
/// the kubelet asks it to.
fn a_run_that_only_began_was_cut_off_at_the_deadline(view: &View<'_>) -> Option<Verdict> {
    view.record(HookKind::PreStop)?;
    let message = "still running at the end of the grace period";
    if mutated(Mutation::CutOffIsFailure) {
        return Some(Verdict { source: Source::Runner, ..Verdict::new(Outcome::Failed, message) });
    }
    view.outlived_its_grace()
        .then(|| Verdict { source: Source::Runner, ..Verdict::new(Outcome::TimedOut, message) })
}

fn a_restart_of_all_containers_runs_no_hook(view: &View<'_>) -> Option<Verdict> {
    let skipped = view.restarted_with_all() && view.record(HookKind::PreStop).is_none();
    skipped.then(|| Verdict::new(Outcome::Skipped, "all containers were restarted, which runs no preStop"))
}

/// Unless it was being stopped when it did: then its hook may have run before.
fn a_container_out_of_memory_runs_no_hook(view: &View<'_>) -> Option<Verdict> {
    let deleted = view.stopped_by().is_some() && !view.is_started_again();
    let stopping = deleted || view.killing().is_some();
    let begun = stopping || view.record(HookKind::PreStop).is_some();
    let alone = may_be_killed_by_memory(&view.instance.end?) && !begun;
    alone.then(|| Verdict::new(Outcome::Skipped, "the container ran out of memory"))
}

/// Where the deletion that was seen may have shortened an earlier one, the container may have been stopped by that.
fn a_container_that_ended_before_the_deletion_ran_no_hook(view: &View<'_>) -> Option<Verdict> {
    let may_be_later = view.pod.stop?.shortened && !view.instance.ended_undeleted;
    let ended_before = view.stopped_by().is_none() && view.ended_by_itself_unless_stopped() && !may_be_later;
    ended_before.then(|| {
        Verdict::new(Outcome::Skipped, "the container had ended by itself before the Pod was deleted")
    })
}

/// No deletion, no eviction, no failed postStart and no probe that could have killed it: it ended by itself.
fn a_container_that_nothing_stopped_ran_no_hook(view: &View<'_>) -> Option<Verdict> {
    let left = matches!(view.pod.closed, Some(Closed::Gone | Closed::Silent));
    let stopped = view.pod.stop.is_some() || left;
    (!stopped && view.ended_by_itself_unless_stopped())
        .then(|| Verdict::new(Outcome::Skipped, "the container ended by itself"))
}

/// The kubelet reports the failure of a hook that it cut off only when the container has ended, killed or not.
fn a_hook_reported_at_the_deadline_was_cut_off(view: &View<'_>) -> Option<Verdict> {
    let reported = view.pre_stop_failed_at()?;
    let deadline = view.deadline()?;
    (view.outlived_its_grace() && reported >= deadline)
        .then(|| Verdict::new(Outcome::TimedOut, "still running at the end of the grace period"))
}

/// A hook such as `nginx -s quit` makes the program exit and dies with the program, and the kubelet reports
/// the hook as failed (k/k#39170).
fn a_hook_reported_after_its_containers_end_is_unknown(view: &View<'_>) -> Option<Verdict> {
    let (ended, reported) = (view.finished_at()?, view.pre_stop_failed_at()?);
    (ended < reported).then(|| Verdict::new(Outcome::Unknown, "the program exited and took the hook with it"))
}

/// The kubelet reports a hook as failed also where the program had just ended, or ends while the hook runs.
/// Whole seconds do not tell that from a failure after which the program stopped when it was asked to. What
/// the program did before does, and how the program ended.
fn a_hook_reported_as_a_program_ends_that_ends_by_itself_is_unknown(view: &View<'_>) -> Option<Verdict> {
    let (ended, reported) = (view.finished_at()?, view.pre_stop_failed_at()?);
    let why = if may_be_killed_by_memory(&view.instance.end?) {
        "the container ran out of memory, and the hook may have gone with it"
    } else {
        view.has_ended_by_itself_before()
            .then_some("the program may have ended by itself, as it did before")?
    };
    (ended == reported).then(|| Verdict::new(Outcome::Unknown, why))
}

/// The container may have been started again after the kubelet's last status: an Event names no instance. If the
/// kubelet speaks again, it shows which one failed, and that one is counted then.
fn a_hook_reported_by_a_kubelet_that_fell_silent_is_unknown(view: &View<'_>) -> Option<Verdict> {
    view.pre_stop_failed_at()?;
    let is_silent = view.pod.closed == Some(Closed::Silent) && view.instance.end.is_none();
    let event = failure_event(HookKind::PreStop);
    is_silent.then(|| {
        let message =
            format!("the kubelet reported {event}, and nothing since; another start may have failed");
        Verdict::new(Outcome::Unknown, message)
    })
}

/// Where the runner records, a hook that failed has a record of the failure: a hook without a record was
/// never begun, or ended with its container, and the kubelet reports that as a failure too.
fn a_failure_event_is_a_failure(view: &View<'_>) -> Option<Verdict> {
    view.pre_stop_failed_at()?;
    view.shape.hooks.pre_stop.filter(|hook| !hook.recorded)?;
    let event = failure_event(HookKind::PreStop);
    Some(Verdict::new(Outcome::Failed, format!("the kubelet reported {event}; the stop went on")))
}
