//! How a postStart run ended.

use hooked_crd::{HookKind, Outcome};

use super::{Verdict, View};

type Rule = fn(&View<'_>) -> Option<Verdict>;

/// Strongest first.
const RULES: [Rule; 6] = [
    the_runner_says_how_it_ended,
    a_container_that_could_not_start_ran_no_hook,
    a_hook_cut_off_by_its_programs_end_is_unknown,
    a_post_start_error_is_a_failure,
    a_running_container_has_a_finished_hook,
    a_failure_event_is_a_failure,
];

/// The verdict on the postStart run of this start.
pub fn post_start(view: &View<'_>) -> Verdict {
    RULES.iter().find_map(|rule| rule(view)).unwrap_or_else(|| {
        Verdict::new(Outcome::Unknown, "the container ended before the hook's outcome could be seen")
    })
}

fn the_runner_says_how_it_ended(view: &View<'_>) -> Option<Verdict> {
    Verdict::recorded(view.record(HookKind::PostStart)?)
}

fn a_container_that_could_not_start_ran_no_hook(view: &View<'_>) -> Option<Verdict> {
    Verdict::unstarted(view)
}

/// When the program exits, its container goes and takes the hook with it; the kubelet reports that as a failure of the
/// hook. A hook that really failed is reported before its container is killed.
fn a_hook_cut_off_by_its_programs_end_is_unknown(view: &View<'_>) -> Option<Verdict> {
    let (ended, reported) = (view.finished_at()?, view.post_start_failed_at()?);
    (ended < reported && view.start.running_seen.is_none())
        .then(|| Verdict::new(Outcome::Unknown, "the program exited and took the hook with it"))
}

/// `waiting.reason=PostStartHookError`. Its message may hold the hook's output, which may be secret: it is not kept.
fn a_post_start_error_is_a_failure(view: &View<'_>) -> Option<Verdict> {
    let message = view.start.post_start_error.as_ref()?;
    Some(Verdict::new(Outcome::Failed, exit_status(message)))
}

fn a_failure_event_is_a_failure(view: &View<'_>) -> Option<Verdict> {
    view.post_start_failed_at()?;
    Some(Verdict::new(Outcome::Failed, "the kubelet reported FailedPostStartHook; the container was killed"))
}

/// A container is shown as Running only when its postStart hook has returned. Where failures are ignored that proves
/// nothing.
fn a_running_container_has_a_finished_hook(view: &View<'_>) -> Option<Verdict> {
    view.start.running_seen?;
    view.shape.post_start.filter(|hook| !hook.ignored)?;
    Some(Verdict::new(Outcome::Succeeded, "the container became Running"))
}

/// The exit status in the kubelet's words, "… command '…' exited with 3: …", without the words around it.
fn exit_status(message: &str) -> String {
    // What follows is the hook's output, which may hold such words too.
    let message = message.split(", message: ").next().unwrap_or_default();
    let digits =
        message.rsplit_once("' exited with ").map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()));
    match digits.and_then(|mut parts| parts.next()).filter(|code| !code.is_empty()) {
        Some(code) => format!("the hook exited with {code}; the container was killed"),
        None => "the kubelet reported PostStartHookError; the container was killed".to_owned(),
    }
}
