//! The newest runs of the hooks that matter to a workload's health.

use std::collections::BTreeSet;
use std::sync::Arc;

use hooked_crd::HookKind;

use super::basis::HooksBasis;
use crate::accounting::ledger::LastRun;

/// The newest runs of which `is_asked_for` holds. A hook that the template has no more cannot get well, so it does not
/// count; one of a container that the template never had, which a webhook has put into the Pods, counts as long as Pods
/// have that container.
pub(super) fn last_runs(
    basis: HooksBasis<'_>,
    is_asked_for: impl Fn(&LastRun) -> bool,
) -> Vec<(&(Arc<str>, HookKind), &LastRun)> {
    let shape = basis.shape;
    let asked_for = basis.ledger.last.iter().filter(|(_, run)| is_asked_for(run));
    let (own, others): (Vec<_>, Vec<_>) =
        asked_for.partition(|((container, _), _)| shape.containers.contains_key(container));
    let is_there = |(container, kind): &(Arc<str>, HookKind)| {
        shape.hooks().any(|hook| hook.container == *container && hook.kind == *kind)
    };
    let own = own.into_iter().filter(|(id, _)| is_there(id));
    if others.is_empty() {
        return own.collect();
    }
    let present: BTreeSet<Arc<str>> = basis.ledger.marks.containers().into_iter().collect();
    own.chain(others.into_iter().filter(|((container, _), _)| present.contains(container))).collect()
}
