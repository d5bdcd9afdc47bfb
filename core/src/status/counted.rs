//! What a status says of Pods and of hooks, whoever makes the Pods.

use hooked_crd::HookedWorkloadStatus;

use super::basis::HooksBasis;
use super::counts::ReplicaCounts;
use super::{hooks, recent};
use crate::accounting::RunningTally;
use crate::accounting::ledger::{Counted, LedgerError};

/// How many Pods there are, and what is counted of their hooks; `counted` is what this pass has counted, and `limit`
/// how many runs are kept.
pub(super) fn counted(
    basis: HooksBasis<'_>,
    counts: &ReplicaCounts,
    previous: &HookedWorkloadStatus,
    counted: &Counted,
    limit: usize,
) -> Result<HookedWorkloadStatus, LedgerError> {
    let HooksBasis { shape, tracker, ledger, .. } = basis;
    Ok(HookedWorkloadStatus {
        replicas: counts.alive,
        updated_replicas: counts.updated,
        ready_replicas: counts.ready,
        available_replicas: counts.available,
        unavailable_replicas: counts.unavailable,
        terminating_replicas: counts.terminating,
        hook_totals: hooks::totals(ledger),
        hooks_running: tracker.running().by_hook().values().map(RunningTally::count).sum(),
        last_hook: recent::last_hook(counted).or_else(|| previous.last_hook.clone()),
        hooks: hooks::hooks(shape, tracker, ledger),
        kills: hooks::kills(ledger),
        grace_used: hooks::grace_used(ledger),
        recent_runs: recent::recent_runs(previous, tracker, counted, limit),
        ledger: Some(ledger.store()?),
        ..HookedWorkloadStatus::default()
    })
}
