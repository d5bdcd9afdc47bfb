//! A workload that is paused rolls nothing out.

use hooked_core::accounting::ledger::Ledger;
use hooked_core::workload::desired::Desired;
use hooked_crd::HookedWorkload;
use serde::Deserialize;
use serde_json::Value;

use super::{Check, text, violated};
use crate::ApiServer;
use crate::world::user::REVISIONS;

/// Looks at a status that was written for a workload of which `before` was committed: while it is paused, and as many
/// Pods are wanted as before, no other revision gives way to the one that is asked for.
pub(super) fn nothing_is_rolled_out(
    object: &Value,
    before: &Ledger,
    after: &Ledger,
    server: &ApiServer,
) -> Check {
    if object["spec"]["paused"] != true || object["metadata"]["deletionTimestamp"].is_string() {
        return Ok(());
    }
    let Ok(workload) = HookedWorkload::deserialize(object) else { return Ok(()) };
    let status = workload.status.unwrap_or_default();
    if status.observed_generation != workload.metadata.generation {
        return Ok(());
    }
    let Ok(desired) = Desired::from_spec(&workload.spec, status.collision_count.unwrap_or(0)) else {
        return Ok(());
    };
    let (Some(before), Some(after)) = (&before.sizes, &after.sizes) else { return Ok(()) };
    let (name, asked) = (text(object, "name"), &*desired.asked.name);
    // What somebody has deleted can have no more Pods: its size is given to another.
    let is_stored = |revision: &str| server.object(&format!("{REVISIONS}/{name}-{revision}")).is_some();
    let mut others = before.iter().filter(|(revision, _)| ***revision != *asked && is_stored(revision));
    let gives_way = others.find(|(revision, size)| after.get(revision) < *size);
    // Of a rollout that is paused at its end, what is left of old revisions goes; the only one that has Pods gets all.
    let is_over = after.get(asked) == desired.replicas;
    let is_alone = before.iter().filter(|(_, size)| *size > 0).count() < 2;
    let had_room = before.total() <= before.made_for.most && before.made_for == after.made_for;
    // Pods that serve keep their places, and get them from Pods that do not.
    let is_kept = after.total() == before.total();
    match gives_way.filter(|_| had_room && !is_over && !is_kept && !is_alone) {
        Some((revision, size)) => {
            let to = after.get(revision);
            violated("paused", format!("{name} is paused, and {revision} shrinks from {size} to {to}"))
        }
        None => Ok(()),
    }
}
