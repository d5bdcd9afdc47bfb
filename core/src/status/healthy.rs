//! Whether hooks do well, as far as is known.

use std::sync::Arc;

use hooked_crd::{HookKind, Outcome, Reason, Source};

use super::basis::HooksBasis;
use super::ending::how_it_ended;
use super::last_runs::last_runs;
use super::saying::{Saying, say};
use super::unknown;
use crate::accounting::ledger::LastRun;
use crate::lifecycle::HookRun;
use crate::names::condition;

/// True while no hook hangs and the newest run of every hook is not known to have failed. A hook's own words are not
/// repeated: they may hold secrets.
pub(super) fn hooks_healthy(basis: HooksBasis<'_>) -> Saying {
    if let Some(run) = basis.tracker.running().overdue(basis.now) {
        let others = basis.tracker.running().overdue_pods(basis.now).saturating_sub(1);
        return say(
            condition::HOOKS_HEALTHY,
            "False",
            Reason::HookStuck,
            stuck(run, others, basis.is_watched),
        );
    }
    let failing = failing(basis);
    if let Some(((container, hook), run)) = failing.first() {
        let more = if failing.len() > 1 {
            format!(", and {} other hooks", failing.len() - 1)
        } else {
            String::new()
        };
        let how = how_it_ended(run.outcome, run.exit_code);
        let what = format!("{hook:?} of container {container} in Pod {}: {how}{more}", run.pod);
        return say(condition::HOOKS_HEALTHY, "False", Reason::HookFailed, what);
    }
    if let Some(message) = unknown::unknown(basis) {
        return say(condition::HOOKS_HEALTHY, "True", Reason::HookOutcomeUnknown, message);
    }
    let count = basis.shape.hooks().count();
    say(
        condition::HOOKS_HEALTHY,
        "True",
        Reason::NoHookIsFailing,
        format!("none of {count} hooks is failing"),
    )
}

/// Hooks whose newest run has failed.
fn failing(basis: HooksBasis<'_>) -> Vec<(&(Arc<str>, HookKind), &LastRun)> {
    let is_failure = |run: &LastRun| matches!(run.outcome, Outcome::Failed | Outcome::TimedOut);
    last_runs(basis, is_failure)
}

/// What a hook that hangs does to its Pod, and what helps.
fn stuck(run: &HookRun, others: usize, is_watched: bool) -> String {
    let HookRun { id, pod, start_time, .. } = run;
    let since = start_time.map(|start| format!(", since {start:.0},")).unwrap_or_default();
    let measured = run.source == Source::Runner;
    let raise = if is_watched {
        "raise terminationGracePeriodSeconds in the Pod's template"
    } else {
        "raise spec.template.spec.terminationGracePeriodSeconds"
    };
    let (what, help) = match id.hook {
        // The runner says so over the live channel, and so it can be told to stop the hook.
        HookKind::PostStart if measured => (
            "runs: its container cannot become Running until it ends",
            "delete the Pod, and the hook is stopped; bound it from now on by timeoutSeconds in spec.hooks.policies".to_owned(),
        ),
        HookKind::PostStart => (
            "runs: its container cannot become Running, and its Pod cannot be deleted, until it ends",
            "end its process in the container, and bound it from now on by timeoutSeconds in spec.hooks.policies".to_owned(),
        ),
        HookKind::PreStop if measured => (
            "runs: it has used most of the grace period, at the end of which its container is killed",
            format!("{raise}, or bound it by timeoutSeconds in spec.hooks.policies"),
        ),
        HookKind::PreStop => (
            "was begun, and it or its program has used most of the grace period, at the end of which the container is killed",
            format!("{raise}, or measure the hook by the runner to tell which"),
        ),
    };
    let more = if others > 0 { format!(" Hooks of {others} other Pods hang too.") } else { String::new() };
    format!("{:?} of container {} in Pod {pod}{since} {what}; {help}.{more}", id.hook, id.container)
}
