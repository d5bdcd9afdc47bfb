//! Telling Pods where the operator is reached now.

use jiff::Timestamp;

use super::super::parallel::all;
use super::super::subject::Site;
use super::super::{Cluster, Failure, Locked, Memory, call};
use super::error::ActError;
use super::finalizer::change;
use crate::lifecycle::LiveEndpoint;
use crate::workload::fill::PodRef;

/// The most Pods that are told in one pass: a rotation must not keep the API server from other work.
const BATCH: usize = 50;

/// Tells Pods whose annotations say something else. Old and new certificates overlap for long, so there is
/// time. Returns when more are to be told.
pub(in super::super) async fn refresh<C: Cluster>(
    cluster: &C,
    site: &Site,
    memory: &Locked<Memory>,
) -> Result<Option<Timestamp>, ActError> {
    let Some(endpoint) = cluster.endpoint() else { return Ok(None) };
    let (batch, has_more) = {
        let memory = memory.lock();
        let mut outdated = memory.replicas.outdated(endpoint.fingerprint()).filter_map(PodRef::of);
        let batch: Vec<PodRef> = outdated.by_ref().take(BATCH).collect();
        (batch, outdated.next().is_some())
    };
    let endpoint = &endpoint;
    let told =
        batch.into_iter().map(|pod| async move { refresh_one(cluster, site, &pod, endpoint, memory).await });
    all(cluster, told).await?;
    Ok(has_more.then(|| cluster.now()))
}

async fn refresh_one<C: Cluster>(
    cluster: &C,
    site: &Site,
    pod: &PodRef,
    endpoint: &LiveEndpoint,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    let call = call::annotate_pod(&site.namespace, pod, &endpoint.annotations());
    match change(cluster, &site.namespace, pod, call).await {
        // Some policy forbids it, and would the next time: it is left until the Pod changes. Its hooks are
        // counted without the live channel too.
        Err(ActError::Change(_, Failure::Refused(refused))) if matches!(refused.code, 400 | 403 | 422) => {}
        told => drop(told?),
    }
    memory.lock().replicas.refreshed(pod.number, endpoint.fingerprint());
    Ok(())
}
