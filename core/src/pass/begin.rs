//! The operator's first steps with a new workload: its finalizer is on the workload before anything is done for it.

use hooked_crd::{HookedWorkloadStatus, Reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::json;
use thiserror::Error;

use super::overlay::Committed;
use super::subject::Subject;
use super::{Cluster, Failure, call};
use crate::accounting::ledger::{Ledger, LedgerError};
use crate::names::{ACCOUNTING_FINALIZER, condition};
use crate::status::is_ours;

/// Why the operator could not begin with a workload.
#[derive(Debug, Error)]
pub enum BeginError {
    /// The first status cannot be written down.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The first status or the finalizer could not be written.
    #[error(transparent)]
    Write(#[from] Failure),
}

impl BeginError {
    /// Whether somebody has changed the workload meanwhile.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Write(failure) if failure.is_conflict())
    }
}

/// Puts our finalizer on the workload, and says that the operator is at work on it. What follows is done when
/// the watch shows the finalizer. A workload that is deleted without our finalizer is held by others, and our
/// part is done.
pub(super) async fn begin<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
) -> Result<(), BeginError> {
    if subject.leaving.is_some() {
        return Ok(());
    }
    let version = introduce(cluster, subject, before).await?;
    let mut finalizers = subject.workload.metadata.finalizers.clone().unwrap_or_default();
    finalizers.push(ACCOUNTING_FINALIZER.to_owned());
    let call =
        call::set_workload_finalizers(&subject.site.namespace, &subject.site.owner, &version, &finalizers);
    cluster.send(call).await?;
    Ok(())
}

/// Says that the operator is at work on the workload, unless that is said. Returns the version from then on.
pub(super) async fn introduce<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
) -> Result<String, BeginError> {
    if is_introduced(before) {
        return Ok(before.version.clone());
    }
    let status = json!(first_status(cluster, subject, before)?);
    let call = call::write_status(&subject.site.namespace, &subject.site.owner, &before.version, &status);
    let reply = cluster.send(call).await?;
    Ok(reply["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned())
}

/// Whether it is said that the operator is at work on the workload.
pub(super) fn is_introduced(before: &Committed) -> bool {
    before.status.conditions.iter().any(is_ours)
}

/// A workload without conditions passes for one that is done. Nothing of its spec is acted upon yet, so the generation
/// is not told. Of several operators that see the workload at once, the one that writes this is the one that counts.
fn first_status<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
) -> Result<HookedWorkloadStatus, LedgerError> {
    let begun = Condition {
        type_: condition::RECONCILING.to_owned(),
        status: "True".to_owned(),
        reason: Reason::New.as_str().to_owned(),
        message: "the operator has begun with the workload".to_owned(),
        last_transition_time: Time(cluster.now()),
        observed_generation: Some(subject.generation),
    };
    let others = before.status.conditions.iter().cloned();
    let conditions = std::iter::once(begun).chain(others).collect();
    let ledger = Ledger { operator: Some(cluster.operator().into()), ..before.ledger.clone() }.store()?;
    Ok(HookedWorkloadStatus { conditions, ledger: Some(ledger), ..before.status.clone() })
}
