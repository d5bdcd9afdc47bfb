//! Whether what is asked for in Pods of others is in force there.

use hooked_crd::{HandlerKind, Reason, Referent};

use super::basis::WatchedBasis;
use crate::names::{INJECT_LABEL, condition};
use crate::status::measured::not_in_force;
use crate::status::saying::{Saying, say};
use crate::workload::replicas::RevisionCounts;

/// How hooks are known.
pub(super) fn saying(basis: &WatchedBasis<'_>) -> Saying {
    if let Some((reason, words)) = shortfall(basis) {
        return say(condition::MEASURED, "False", reason, words);
    }
    let words = if basis.asked.runner.is_none() {
        "hooks are observed, as they are by default in Pods that others make"
    } else if has_exec_hooks(basis) {
        "exec hooks run under the hook-runner"
    } else {
        "there is no exec hook to run under the hook-runner"
    };
    say(condition::MEASURED, "True", Reason::MeasuredAsAsked, words)
}

/// Why hooks are not measured that were to run under the runner; none if all is as asked.
pub(in crate::status) fn shortfall(basis: &WatchedBasis<'_>) -> Option<(Reason, String)> {
    let policies = not_in_force(basis.asked.runner.as_ref()?.len());
    let sum = |of: fn(&RevisionCounts) -> usize| -> usize {
        basis.replicas.revisions().map(|(_, counts)| of(counts)).sum()
    };
    let (observed, pods) = (sum(RevisionCounts::shown_without_runner), sum(RevisionCounts::shown_alive));
    if observed == 0 || !has_exec_hooks(basis) {
        return None;
    }
    let hooks = format!("Hooks are observed, not measured, in {observed} of {pods} Pods");
    let Referent { kind, name, .. } = basis.referent;
    if !basis.injects {
        let words = format!(
            "{hooks}: the operator serves no injector, which puts the hook-runner into Pods that others make: install \
             config/injector, label the namespace {INJECT_LABEL}=enabled, and replace the Pods of {kind} {name}{policies}"
        );
        return Some((Reason::RunnerUnavailable, words));
    }
    let words = format!(
        "{hooks}, which are from before or were made without the injector: see that the namespace has the label \
         {INJECT_LABEL}=enabled, and replace the Pods of {kind} {name}, for example by kubectl rollout restart{policies}"
    );
    Some((Reason::PodsFromBefore, words))
}

fn has_exec_hooks(basis: &WatchedBasis<'_>) -> bool {
    basis.hooks.shape.hooks().any(|hook| hook.handler == HandlerKind::Exec)
}
