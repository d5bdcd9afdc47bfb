//! The gate of rollouts: it counts every failure of its revision and no other, is closed by the one that is too many,
//! and from that very commit on no step is taken to the revision that is asked for.

use std::collections::BTreeMap;

use hooked_core::accounting::ledger::{Gate, Ledger};
use hooked_crd::GateAction;
use serde_json::Value;

use super::{Check, is_alive, owner, revision, text, violated};
use crate::ApiServer;
use crate::world::user::{PODS, REVISIONS};

/// Looks at a ledger that was committed after `before`. `failures` has how many failed runs it newly counts, by the
/// revision of their Pods; none if not all of them can be seen.
pub(super) fn gate_is_exact(
    object: &Value,
    before: &Ledger,
    after: &Ledger,
    failures: Option<&BTreeMap<String, u32>>,
    server: &ApiServer,
) -> Check {
    let Some(gate) = &after.gate else { return Ok(()) };
    let name = text(object, "name");
    let is_same = |known: &&Gate| known.revision == gate.revision && known.rule == gate.rule;
    let same = before.gate.as_ref().filter(is_same);
    if let Some(failures) = failures {
        let new = failures.get(&*gate.revision).copied().unwrap_or_default();
        let expected = same.map_or(0, |known| known.failures) + new;
        // What was counted before the gate was asked for, and is written with it, is not the gate's.
        let is_exact = if same.is_some() { gate.failures == expected } else { gate.failures <= expected };
        if !is_exact {
            return violated(
                "gate-exact",
                format!("{name} has {gate:?}, and {expected} failures are counted"),
            );
        }
    }
    if gate.is_closed() != (gate.failures > gate.rule.max_failures) {
        return violated("gate-closed", format!("{name} has {gate:?}"));
    }
    let (Some(had), Some(has)) = (&before.sizes, &after.sizes) else { return Ok(()) };
    // What somebody has deleted can have no more Pods: its size is given to another.
    let is_stored = |revision: &str| server.object(&format!("{REVISIONS}/{name}-{revision}")).is_some();
    let is_held = had.made_for == has.made_for && had.iter().all(|(revision, _)| is_stored(revision));
    let (was, is) = (had.get(&gate.revision), has.get(&gate.revision));
    if gate.is_closed() && is_held && is > was {
        return violated("gate-holds", format!("{name} has {gate:?}, and its size grows from {was} to {is}"));
    }
    Ok(())
}

/// Looks at a workload at rest whose gate is closed: whether it says so, and is rolled back if that was asked for.
pub(super) fn gate_is_obeyed<'a>(
    object: &Value,
    gate: &Gate,
    wanted: usize,
    says: &impl Fn(&str) -> Option<(&'a str, &'a str)>,
    server: &ApiServer,
) -> Check {
    let name = text(object, "name");
    for (type_, status) in [("Ready", "False"), ("Progressing", "False"), ("Stalled", "True")] {
        if says(type_) != Some((status, "HooksFailing")) {
            return violated("gate-said", format!("{name} has {gate:?} and says {type_} {:?}", says(type_)));
        }
    }
    let current = object["status"]["currentRevision"].as_str().unwrap_or_default();
    let is_stored = server.object(&format!("{REVISIONS}/{name}-{current}")).is_some();
    if gate.rule.action != GateAction::Rollback || current.is_empty() || !is_stored {
        return Ok(());
    }
    let alive = || server.objects(PODS).filter(|pod| owner(pod) == text(object, "uid") && is_alive(pod));
    let of_current = alive().filter(|pod| revision(pod) == current).count();
    if (of_current, alive().count()) == (wanted, wanted) {
        return Ok(());
    }
    let what =
        format!("{name} has {of_current} of {wanted} Pods of {current}, and {} in all", alive().count());
    violated("gate-rolls-back", what)
}
