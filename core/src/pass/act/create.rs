//! Making the Pods that revisions lack.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::super::admit::admit;
use super::super::cluster::TIMEOUT;
use super::super::doubts::may_be_of_runner;
use super::super::overlay::Committed;
use super::super::parallel::{in_turn, while_all_goes_well};
use super::super::prepare::{Prepared, Source};
use super::super::stored::{self, StoreError};
use super::super::subject::Subject;
use super::super::{Cluster, Failure, Locked, Memory, call};
use super::error::ActError;
use crate::lifecycle::ObservedPod;
use crate::mutation::{Mutation, mutated};
use crate::workload::fill::{BURST, missing};
use crate::workload::replicas::PodFact;
use crate::workload::revision::{Measuring, PodSource};
use crate::workload::template::{Identity, manifest, pod_name};
use hooked_crd::Evidence;

/// Makes what the committed sizes lack, with the numbers that commits of this process have reserved. Returns
/// when more is to be made though nothing new has come.
pub(super) async fn create_missing<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    prepared: &Prepared,
    committed: &Committed,
    memory: &Locked<Memory>,
) -> Result<Option<Timestamp>, ActError> {
    let lacking = {
        let memory = memory.lock();
        let sizes = committed.ledger.sizes.as_ref();
        sizes.map(|sizes| missing(sizes, &memory.replicas)).unwrap_or_default()
    };
    let (mut left, mut has_more, mut trouble) = (BURST, false, None);
    for (revision, lacking) in lacking {
        let lacking = (revision, lacking.min(left));
        match create(cluster, subject, prepared, committed, lacking, memory).await {
            Ok(Some(made)) => left -= made,
            // Nothing can be made of it any more: the next commit gives its size to the target, if that can be made.
            Ok(None) => has_more |= has_heir(prepared, memory),
            // A revision that the server takes no more keeps none from being made of the one that is to
            // follow.
            Err(error) => trouble = trouble.or(Some(error)),
        }
    }
    match trouble {
        Some(error) => Err(error),
        None => Ok((has_more || left == 0).then(|| cluster.now())),
    }
}

/// Whether Pods can be made of the target, so that it can take over the size of a revision that is gone.
fn has_heir(prepared: &Prepared, memory: &Locked<Memory>) -> bool {
    let memory = memory.lock();
    prepared.target.revision().is_some_and(|heir| !memory.revisions.lost.contains(heir))
}

/// Makes so many Pods of a revision; none if somebody has deleted it.
async fn create<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    prepared: &Prepared,
    committed: &Committed,
    (revision, pods): (Arc<str>, usize),
    memory: &Locked<Memory>,
) -> Result<Option<usize>, ActError> {
    let Some(source) = source(cluster, subject, prepared, committed, &revision, memory).await? else {
        return Ok(None);
    };
    let batch = Batch { cluster, subject, evidence: prepared.desired.evidence, revision, source, memory };
    batch.create(pods).await.map(Some)
}

/// What Pods of a revision are made from; none if somebody has deleted the revision.
async fn source<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    prepared: &Prepared,
    committed: &Committed,
    revision: &Arc<str>,
    memory: &Locked<Memory>,
) -> Result<Option<PodSource>, ActError> {
    let is_prepared = prepared.revision.name == *revision && prepared.target.revision() == Some(revision);
    let found = match &prepared.source {
        Source::Known(source) if is_prepared => return Ok(Some(source.clone())),
        // Nobody has asked about its Pods yet.
        Source::Unasked(_) if is_prepared => Some(Arc::clone(&prepared.revision)),
        _ => stored::read(cluster, subject, revision, memory).await?,
    };
    let Some(found) = found else { return Ok(None) };
    let failed = |failure| StoreError::Read(Arc::clone(revision), failure);
    let admission = admit(cluster, subject, committed, &found, memory).await.map_err(failed)?;
    Ok(Some(admission.source(&found, cluster.endpoint())))
}

/// Pods of one revision to be made.
struct Batch<'a, C> {
    cluster: &'a C,
    subject: &'a Subject<'a>,
    evidence: Evidence,
    revision: Arc<str>,
    source: PodSource,
    memory: &'a Locked<Memory>,
}

impl<C: Cluster> Batch<'_, C> {
    /// Makes so many Pods, or fewer if no more numbers are reserved. Returns how many.
    async fn create(&self, pods: usize) -> Result<usize, ActError> {
        let numbers = std::iter::from_fn(|| self.memory.lock().replicas.numbers.take());
        let creates = numbers.take(pods).map(|number| in_turn(self.cluster, self.create_one(number)));
        while_all_goes_well(creates).await
    }

    async fn create_one(&self, number: u64) -> Result<(), ActError> {
        let Self { cluster, subject, evidence, revision, source, memory } = self;
        let name: Arc<str> =
            pod_name(&subject.site.owner.name, &subject.site.owner.uid, revision, number).into();
        let identity = Identity { owner: &subject.site.owner, name: &name, revision, number };
        let pod = manifest(&source.template, &identity, *evidence);
        let fact = |uid: &str| PodFact::unseen(number, &name, uid, revision, *evidence == Evidence::Durable);
        let until = cluster.now().checked_add(TIMEOUT).unwrap_or(Timestamp::MAX);
        memory.lock().replicas.creating(number);
        match cluster.send(call::create_pod(&subject.site.namespace, pod)).await {
            Ok(reply) => {
                let uid = reply["metadata"]["uid"].as_str().unwrap_or_default();
                if !mutated(Mutation::OwnCreatesForgotten) {
                    memory.lock().replicas.created(fact(uid));
                }
                Ok(())
            }
            Err(failure) if failure.is_conflict() => self.taken(number, &name, failure, &fact).await,
            Err(failure) if failure.is_certain() || mutated(Mutation::LostCreateIsNone) => {
                memory.lock().replicas.was_refused(number);
                let has_runner = source.measuring == Measuring::Runner;
                let may_be_of_runner = has_runner && may_be_of_runner(&failure);
                let error = ActError::Create(name, failure);
                if may_be_of_runner {
                    memory.lock().revisions.doubt(revision, &error.gist(), cluster.now());
                }
                Err(error)
            }
            Err(failure) => {
                memory.lock().replicas.perhaps_created(fact(""), until);
                Err(ActError::Create(name, failure))
            }
        }
    }

    /// The name is taken: by somebody else's Pod, whose number is then never used; or the conflict is a
    /// quota's, and there is no such Pod.
    async fn taken(
        &self,
        number: u64,
        name: &Arc<str>,
        conflict: Failure,
        fact: &(impl Fn(&str) -> PodFact + Sync),
    ) -> Result<(), ActError> {
        let found = self.cluster.send(call::find_pod(&self.subject.site.namespace, name)).await;
        match found {
            Ok(pod) if is_ours(&pod, &self.subject.site.owner.uid, number) => {
                let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
                self.memory.lock().replicas.created(fact(uid));
                Ok(())
            }
            Ok(_) => {
                self.memory.lock().replicas.skip_number(number);
                Ok(())
            }
            Err(_) => {
                self.memory.lock().replicas.was_refused(number);
                Err(ActError::Create(Arc::clone(name), conflict))
            }
        }
    }
}

/// Whether a Pod of that name is the one that we made under that number.
pub(in super::super) fn is_ours(pod: &serde_json::Value, owner_uid: &str, number: u64) -> bool {
    let is_meant = |pod: ObservedPod| pod.owner_uid == owner_uid && pod.number == number;
    ObservedPod::deserialize(pod).is_ok_and(is_meant)
}
