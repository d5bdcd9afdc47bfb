//! Giving Pods the numbers that are reserved for them.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::newcomers::Newcomer;
use super::super::parallel::all;
use super::super::subject::Site;
use super::super::{Cluster, Locked, Memory, call};
use super::error::ActError;
use crate::accounting::ledger::Ledger;
use crate::lifecycle::watched_ordinal;
use crate::names;
use crate::workload::replicas::{Life, PodFact};
use hooked_crd::Evidence;

/// How long a Pod rests that has changed since it was seen, if the watch does not show how.
const RETRY: SignedDuration = SignedDuration::from_secs(1);

/// How Pods bear their numbers.
#[derive(Clone, Debug)]
pub(in super::super) struct Bearing {
    annotation: Cow<'static, str>,
    has_finalizer: bool,
}

impl Bearing {
    /// How a workload's own Pods do.
    pub(super) fn own(evidence: Evidence) -> Self {
        Self { annotation: names::ORDINAL.into(), has_finalizer: evidence == Evidence::Durable }
    }

    /// How Pods do that others make, in the workload with that UID.
    pub(in super::super) fn watched(workload_uid: &str) -> Self {
        Self { annotation: watched_ordinal(workload_uid).into(), has_finalizer: false }
    }
}

/// Gives each Pod its number that the committed ledger has one for. Returns when to try those again that have
/// changed meanwhile.
pub(in super::super) async fn claim<C: Cluster>(
    cluster: &C,
    site: &Site,
    bearing: &Bearing,
    committed: &Ledger,
    memory: &Locked<Memory>,
) -> Result<Option<Timestamp>, ActError> {
    let claimable = memory.lock().newcomers.claimable(committed);
    let claims = claimable
        .into_iter()
        .map(|newcomer| async move { claim_one(cluster, site, bearing, &newcomer, memory).await });
    let claimed = all(cluster, claims).await?;
    let is_done = claimed.into_iter().all(|is_claimed| is_claimed);
    Ok((!is_done).then(|| cluster.now().checked_add(RETRY).unwrap_or(Timestamp::MAX)))
}

async fn claim_one<C: Cluster>(
    cluster: &C,
    site: &Site,
    bearing: &Bearing,
    newcomer: &Newcomer,
    memory: &Locked<Memory>,
) -> Result<bool, ActError> {
    let Newcomer { fact, version, .. } = newcomer;
    let Some(pod) = newcomer.pod() else { return Ok(true) };
    // The API server refuses a new finalizer on a Pod that is being deleted.
    let adds_finalizer = bearing.has_finalizer && fact.life != Life::Terminating;
    let call =
        call::number_pod(&site.namespace, &pod, (version, &bearing.annotation), &site.owner, adds_finalizer);
    match cluster.send(call).await {
        Ok(_) => {
            let mut memory = memory.lock();
            memory.newcomers.claimed(&fact.uid);
            let has_finalizer = fact.has_finalizer || adds_finalizer;
            memory.replicas.claimed(PodFact { has_finalizer, seen: false, ..fact.clone() });
            Ok(true)
        }
        Err(failure) if failure.is_not_found() => {
            memory.lock().newcomers.remove(&fact.uid);
            Ok(true)
        }
        Err(failure) if failure.is_conflict() => Ok(false),
        Err(failure) => {
            if failure.refusal().is_some() {
                memory.lock().newcomers.refused(&fact.uid);
            }
            Err(ActError::Change(Arc::clone(&pod.name), failure))
        }
    }
}
