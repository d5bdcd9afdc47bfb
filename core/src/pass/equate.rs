//! Templates that mean the same Pods are one revision, though they are written otherwise: `cpu: 0.5` and `500m`,
//! `env: []` and none, an explicit `protocol: TCP`. A Deployment compares templates after the API server's defaulting;
//! here the API server is asked for that, by the dry run of a `PodTemplate`.

use std::sync::Arc;

use serde_json::Value;

use super::call::Validation;
use super::overlay::Committed;
use super::stored::{self, StoreError, stored};
use super::subject::Subject;
use super::{Cluster, Failure, Locked, Memory, call};
use crate::accounting::ledger::Alias;
use crate::workload::desired::Desired;
use crate::workload::revision::{Revision, Stored, fingerprint, same};

/// Puts the stored revision into what is desired that means the same Pods as the template, if one does.
pub(super) async fn equate<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
    desired: &mut Desired,
    memory: &Locked<Memory>,
) -> Result<(), StoreError> {
    let written = Arc::clone(&desired.asked.name);
    let failed = |failure| StoreError::Store(Arc::clone(&written), failure);
    let known = stored(cluster, subject, memory).await.map_err(failed)?;
    let data = fingerprint(&desired.asked.data());
    if let Some(name) = same(&known, &desired.asked.name, data) {
        desired.asked.name = name.into();
        return Ok(());
    }
    let found = memory.lock().revisions.alias.clone().or_else(|| before.ledger.alias.clone());
    let equal = match alias(found, data, &known) {
        Some(revision) => stored::read(cluster, subject, &revision, memory).await?,
        None => find(cluster, subject, before, &desired.asked, &known, memory).await?,
    };
    if let Some(equal) = equal {
        let alias = Some(Alias { data, revision: Arc::clone(&equal.name) });
        memory.lock().revisions.alias.clone_from(&alias);
        desired.alias = alias;
        desired.asked = Revision::clone(&equal);
    }
    Ok(())
}

/// The revision that this text was found to mean before, if it is still stored.
fn alias(found: Option<Alias>, data: u64, known: &[Stored]) -> Option<Arc<str>> {
    let Alias { revision, .. } = found.filter(|alias| alias.data == data)?;
    known.iter().any(|known| *known.revision == *revision).then_some(revision)
}

/// The stored revision that means the same Pods as the one that is asked for. Where no API server need be asked, none
/// is.
///
/// A template with a field that the server does not know means no other's Pods, though the server would drop the field:
/// the user is to be told of the field, and a revision with one is none to go on with.
///
/// A difference must show twice: while API servers are upgraded, one may add a default that another does not know.
async fn find<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
    asked: &Revision,
    known: &[Stored],
    memory: &Locked<Memory>,
) -> Result<Option<Arc<Revision>>, StoreError> {
    let essence = asked.essence();
    let mut alike: Vec<&Stored> = known.iter().filter(|known| known.essence == essence).collect();
    let data = fingerprint(&asked.data());
    if alike.is_empty() || memory.lock().revisions.unlike == Some(data) {
        return Ok(None);
    }
    alike.sort_by_key(|known| std::cmp::Reverse(known.number));
    for _ in 0..2 {
        let Some(wanted) = defaulted(cluster, subject, asked, Validation::Strict).await? else { break };
        for known in &alike {
            let revision = known.revision.as_str().into();
            let Some(known) = stored::read(cluster, subject, &revision, memory).await? else { continue };
            let validation = before.validation(&known.name);
            let is_same = known.hooks == asked.hooks
                && defaulted(cluster, subject, &known, validation)
                    .await?
                    .is_some_and(|known| known == wanted);
            if is_same {
                return Ok(Some(known));
            }
        }
    }
    memory.lock().revisions.unlike = Some(data);
    Ok(None)
}

/// The template of a revision with the API server's defaults; none where the server does not say: what is written is
/// then compared as it is written.
async fn defaulted<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    revision: &Revision,
    validation: Validation,
) -> Result<Option<Value>, StoreError> {
    let call = call::try_template(&subject.site.namespace, &subject.site.owner, revision, validation);
    match cluster.send(call).await {
        Ok(mut reply) => Ok(Some(reply["template"].take())),
        Err(Failure::Refused(refused)) if refused.code < 500 && refused.code != 429 => Ok(None),
        Err(failure) => Err(StoreError::Store(Arc::clone(&revision.name), failure)),
    }
}
