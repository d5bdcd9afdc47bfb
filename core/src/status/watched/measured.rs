//! Whether what is asked for in Pods of others is in force there.

use hooked_crd::{HandlerKind, Reason, Referent};

use super::basis::WatchedBasis;
use crate::accounting::ledger::Unrunnable;
use crate::names::{INJECT_LABEL, condition};
use crate::status::measured::{cannot_run, not_in_force};
use crate::status::saying::{Saying, say};
use crate::workload::asked::Asked;
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

/// Why something is not in force that is asked for in Pods; none if all is as asked.
pub(in crate::status) fn shortfall(basis: &WatchedBasis<'_>) -> Option<(Reason, String)> {
    if basis.asked.is_nothing() {
        return None;
    }
    if !basis.injects {
        return Some((Reason::RunnerUnavailable, without_injector(basis)));
    }
    match (of_runner(basis), of_finalizer(basis)) {
        (Some((reason, words)), Some(more)) => Some((reason, format!("{words}; {more}"))),
        (None, Some(words)) => Some((Reason::PodsFromBefore, words)),
        (of_runner, None) => of_runner,
    }
}

/// Why hooks are not measured that were to run under the runner.
fn of_runner(basis: &WatchedBasis<'_>) -> Option<(Reason, String)> {
    let policies = not_in_force(basis.asked.runner.as_ref()?.len());
    let observed = sum(basis, RevisionCounts::shown_without_runner);
    let pods = sum(basis, RevisionCounts::shown_alive);
    let hooks = format!("Hooks are observed, not measured, in {observed} of {pods} Pods");
    let Referent { kind, name, .. } = basis.referent;
    let unrunnable = &basis.hooks.ledger.unrunnable;
    if let Some(shown) = unrunnable.get(basis.youngest) {
        let words = format!(
            "{hooks}: {}, and then try again by kubectl rollout restart of {kind} {name}{policies}",
            cannot_run(shown)
        );
        return Some((Reason::RunnerCannotRun, words));
    }
    if unrunnable.len() >= Unrunnable::MOST_OF_OTHERS
        && let Some(last) = unrunnable.values().max_by_key(|shown| shown.last)
    {
        let words = format!(
            "{hooks}: so many templates have shown it that no other is tried; {}, and then change spec.hooks{policies}",
            cannot_run(last)
        );
        return Some((Reason::RunnerCannotRun, words));
    }
    if observed == 0 || !has_exec_hooks(basis) {
        return None;
    }
    if matches!(&**kind, "Job" | "CronJob") {
        let words = format!(
            "{hooks}: Pods of {kind} {name} stay as they are made, since a Job counts a Pod that has to be made anew as \
             a failure{policies}"
        );
        return Some((Reason::RunnerUnavailable, words));
    }
    let words = format!(
        "{hooks}, which are from before, were made without the injector, or are refused with the hook-runner by a policy \
         of the cluster: see that the namespace has the label {INJECT_LABEL}=enabled, and replace the Pods of {kind} \
         {name}, for example by kubectl rollout restart{policies}"
    );
    Some((Reason::PodsFromBefore, words))
}

/// Why Pods do not wait that were to.
fn of_finalizer(basis: &WatchedBasis<'_>) -> Option<String> {
    let free = sum(basis, RevisionCounts::shown_without_finalizer);
    if !basis.asked.holds || free == 0 {
        return None;
    }
    let (pods, Referent { kind, name, .. }) = (sum(basis, RevisionCounts::shown_alive), basis.referent);
    Some(format!(
        "{free} of {pods} Pods do not wait until their hooks are counted: they are from before, were made without the \
         injector, or are refused with our finalizer by a policy of the cluster; see that the namespace has the label \
         {INJECT_LABEL}=enabled, and replace the Pods of {kind} {name}"
    ))
}

fn sum(basis: &WatchedBasis<'_>, of: fn(&RevisionCounts) -> usize) -> usize {
    basis.replicas.revisions().map(|(_, counts)| of(counts)).sum()
}

/// That the operator puts nothing into Pods that others make, and what that means for what is asked for.
fn without_injector(basis: &WatchedBasis<'_>) -> String {
    let Asked { runner, holds } = basis.asked;
    let observed = runner.as_ref().map(|_| "hooks are observed, not measured");
    let waits = holds.then_some("Pods do not wait until their hooks are counted");
    let lost: Vec<&str> = observed.into_iter().chain(waits).collect();
    let policies = runner.as_ref().map(|policies| not_in_force(policies.len())).unwrap_or_default();
    let Referent { kind, name, .. } = basis.referent;
    format!(
        "{}: the operator serves no injector, which puts that into Pods that others make: install config/injector, \
         label the namespace {INJECT_LABEL}=enabled, and replace the Pods of {kind} {name}{policies}",
        lost.join(", ")
    )
}

fn has_exec_hooks(basis: &WatchedBasis<'_>) -> bool {
    basis.hooks.shape.hooks().any(|hook| hook.handler == HandlerKind::Exec)
}
