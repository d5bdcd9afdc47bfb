//! Takes a workload through its pass, whatever has become of the object, and says when to take it through the next.

use std::sync::Arc;

use hooked_crd::HookedWorkload;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::reject::read;
use super::subject::Site;
use super::{Cluster, Locked, Memory, Passed, RejectError, Retry, Stop, leave_to, pass, reject, watched};
use crate::accounting::ledger::operator_of;
use crate::backoff;
use crate::mutation::{Mutation, mutated};

/// The least time between two passes that nothing new has caused.
const SOON: SignedDuration = SignedDuration::from_millis(100);
/// How long to wait for the watch to show a change that a commit has met.
const CONFLICT: SignedDuration = SignedDuration::from_millis(200);

/// A workload as the watch shows it.
#[derive(Clone, Copy, Debug)]
pub enum Watched<'a> {
    /// It is decoded.
    Read(&'a HookedWorkload),
    /// The API server has accepted it, and it cannot be decoded.
    Unreadable {
        /// Its metadata.
        metadata: &'a ObjectMeta,
        /// Why, in words.
        error: &'a str,
    },
}

impl Watched<'_> {
    fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Read(workload) => &workload.metadata,
            Self::Unreadable { metadata, .. } => metadata,
        }
    }

    /// The operator that counts, where that is another. What it has counted of Pods that are gone may be remembered
    /// here as not counted: so a workload stays another's for as long as this process lives.
    async fn other_operator<C: Cluster>(
        &self,
        cluster: &C,
        memory: &Locked<Memory>,
    ) -> Result<Option<Arc<str>>, RejectError> {
        let left = memory.lock().left_to.as_ref().map(|left| Arc::clone(&left.operator));
        let own = cluster.operator();
        let is_other = |named: &&str| *named != own;
        let named: Option<Arc<str>> = match self {
            Self::Read(workload) => {
                let ledger = workload.status.as_ref().and_then(|status| status.ledger.as_ref());
                operator_of(ledger).filter(is_other).map(Arc::from)
            }
            Self::Unreadable { metadata, .. } => {
                let current = read(cluster, &Site::of(metadata)).await?.unwrap_or_default();
                operator_of(current["status"].get("ledger")).filter(is_other).map(Arc::from)
            }
        };
        Ok(named.or(left))
    }
}

/// What has become of a reconcile.
#[derive(Debug)]
pub struct Reconciled {
    /// How long after its end the next pass is due; none if only something new causes one.
    pub after: Option<SignedDuration>,
    /// What failed, and is made up for by the next pass.
    pub trouble: Option<Retry>,
}

/// One pass over one workload. One that cannot be read or carried out is told so, and hurts no other.
pub async fn reconcile<C: Cluster>(
    cluster: &C,
    workload: Watched<'_>,
    memory: &Locked<Memory>,
) -> Reconciled {
    let Passed { again, trouble } = match take_through(cluster, workload, memory).await {
        Ok(passed) => passed,
        Err(trouble) => Passed { again: None, trouble: Some(trouble) },
    };
    let until = |at: Timestamp| at.duration_since(cluster.now()).max(SOON);
    let mut memory = memory.lock();
    let Some(trouble) = trouble else {
        memory.failures = 0;
        return Reconciled { after: again.map(until), trouble: None };
    };
    if trouble.is_conflict() {
        return Reconciled { after: Some(CONFLICT), trouble: Some(trouble) };
    }
    memory.failures = memory.failures.saturating_add(1);
    if mutated(Mutation::FailureNotRetried) {
        return Reconciled { after: None, trouble: Some(trouble) };
    }
    let rest = SignedDuration::try_from(backoff::rest(memory.failures)).unwrap_or(SOON);
    // What fails need not be the counting: that goes on when it would have.
    let due = again.or_else(|| memory.tracker.next_due()).map(until).filter(|due| *due > SOON);
    Reconciled { after: Some(due.map_or(rest, |due| rest.min(due))), trouble: Some(trouble) }
}

async fn take_through<C: Cluster>(
    cluster: &C,
    workload: Watched<'_>,
    memory: &Locked<Memory>,
) -> Result<Passed, Retry> {
    if let Some(another) = workload.other_operator(cluster, memory).await? {
        leave_to(cluster, &another, workload.metadata().generation.unwrap_or_default(), memory).await;
        return Ok(Passed::default());
    }
    let again = match workload {
        Watched::Read(workload) => {
            let passed = match &workload.spec.workload_ref {
                Some(referent) => watched::pass(cluster, workload, referent, memory).await,
                None => pass(cluster, workload, memory).await,
            };
            match passed {
                Ok(passed) => return Ok(passed),
                Err(Stop::Retry(trouble)) => return Err(trouble),
                Err(Stop::Invalid(why)) => {
                    reject(cluster, &workload.metadata, &why.to_string(), memory).await?
                }
            }
        }
        Watched::Unreadable { metadata, error } => {
            let message = format!("the object cannot be read: {error}");
            reject(cluster, metadata, &message, memory).await?
        }
    };
    Ok(Passed { again, trouble: None })
}
