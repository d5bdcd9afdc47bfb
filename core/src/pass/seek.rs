//! Looking which Pods there are before it is decided for the first time how many there are to be: what no watch has
//! shown yet is not known, and a workload may have been left by another of its name a moment ago.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use super::candidates::Orphan;
use super::overlay::Committed;
use super::prepare::Prepared;
use super::subject::Subject;
use super::{Cluster, Failure, Locked, Memory, call};

/// Asks for the Pods that the selector of a workload without sizes matches, page by page, and remembers those that
/// nobody controls.
pub(super) async fn seek<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    prepared: &Prepared,
    before: &Committed,
    memory: &Locked<Memory>,
) -> Result<(), Failure> {
    let version = {
        let memory = memory.lock();
        let is_known = before.ledger.sizes.is_some() || memory.candidates.were_listed;
        if is_known || subject.leaving.is_some() || memory.predecessor.awaited().is_some() {
            return Ok(());
        }
        memory.predecessor.gone_as_of().unwrap_or(&before.version).to_owned()
    };
    let mut token = String::new();
    loop {
        let call = call::list_pods(&subject.site.namespace, &prepared.desired.selector, &version, &token);
        let page = cluster.send(call).await?;
        let mut memory = memory.lock();
        for orphan in page["items"].as_array().into_iter().flatten().filter_map(orphan) {
            memory.show_orphan(&orphan);
        }
        page["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut token);
        if token.is_empty() {
            memory.candidates.were_listed = true;
            return Ok(());
        }
    }
}

/// The Pod with this metadata, if nobody controls the Pod.
pub(super) fn orphan(pod: &Value) -> Option<Orphan> {
    Orphan::of(&ObjectMeta::deserialize(&pod["metadata"]).ok()?)
}
