//! What must be once nothing goes wrong any more: what is wanted is there and said to be, every run is
//! counted, and nothing of ours is left behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use hooked_core::accounting::ledger::Sizes;
use hooked_core::workload::desired::Desired;
use hooked_crd::{HookedWorkload, Outcome};
use hooked_protocol::Hook;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::adoption::none_is_left_alone;
use super::gate::gate_is_obeyed;
use super::numbers::kind;
use super::{Check, Checks, is_alive, is_over, is_selected, owner, revision, text, violated};
use crate::ApiServer;
use crate::kubelet::{HookRun, Nodes, RunEnd};
use crate::world::plan::{MALFORMED, NEVER_READY};
use crate::world::user::{PODS, REVISIONS, WORKLOADS};

impl Checks {
    /// Looks at a world that is at rest.
    pub(in super::super) fn at_rest(&self, server: &ApiServer, nodes: &Nodes, now: Timestamp) -> Check {
        nothing_is_left(server)?;
        none_is_left_alone(server)?;
        self.others_are_counted(server, nodes)?;
        for object in server.objects(WORKLOADS) {
            self.is_as_wanted(object, server, now)?;
        }
        let mut uncounted: BTreeMap<&str, Vec<&HookRun>> = BTreeMap::new();
        for run in &nodes.truth().runs {
            if let Some(owner) = self.uncounted(run, server, nodes)? {
                uncounted.entry(owner).or_default().push(run);
            }
        }
        for (owner, runs) in uncounted {
            let unshown = self.books.get(owner).map_or(0, |book| book.unshown);
            if runs.len() as u64 > unshown {
                let HookRun { container, instance, hook, end, pod_uid, .. } = runs[0];
                let what =
                    format!("{hook:?} of {container}'s instance {instance} in {pod_uid} ended {end:?}");
                return violated(
                    "every-run-counts",
                    format!("{what}; {} such, {unshown} unknown", runs.len()),
                );
            }
        }
        Ok(())
    }

    fn is_as_wanted(&self, object: &Value, server: &ApiServer, now: Timestamp) -> Check {
        let name = text(object, "name");
        if object["metadata"]["deletionTimestamp"].is_string() {
            return violated("leaves", format!("{name} is deleted and still there"));
        }
        if !object["metadata"]["annotations"]["hooked.dev/rollback-to"].is_null() {
            return violated("wanted", format!("{name} is still asked to go back"));
        }
        let Ok(workload) = HookedWorkload::deserialize(object) else { return Ok(()) };
        let status = workload.status.clone().unwrap_or_default();
        let collisions = status.collision_count.unwrap_or(0);
        let Ok(desired) = Desired::from_spec(&workload.spec, collisions) else { return Ok(()) };
        let generation = workload.metadata.generation;
        if status.observed_generation != generation {
            let seen = status.observed_generation;
            return violated(
                "observed",
                format!("{name} is of generation {generation:?} and seen as {seen:?}"),
            );
        }
        let alive = pods_of(object, server).filter(|pod| is_alive(pod)).count();
        let terminating =
            pods_of(object, server).filter(|pod| pod["metadata"]["deletionTimestamp"].is_string());
        let is_kept = |pod: &&Arc<Value>| !is_selected(pod) && pod["metadata"]["deletionTimestamp"].is_null();
        if let Some(pod) = pods_of(object, server).find(is_kept) {
            return violated("free", format!("Pod {} is not selected and not set free", text(pod, "name")));
        }
        if let Some(pod) = terminating.into_iter().next() {
            return violated("nothing-left", format!("Pod {} is terminating for ever", text(pod, "name")));
        }
        let labels = &workload.spec.template.0["metadata"]["labels"];
        if labels[MALFORMED] != "yes" {
            self.sizes_are_filled(object, server)?;
        }
        if i32::try_from(alive) != Ok(status.replicas) {
            return violated("status", format!("{name} says {} replicas of {alive}", status.replicas));
        }
        let is_held = desired.paused || labels[MALFORMED] == "yes";
        let says = |type_: &str| {
            let known = status.conditions.iter().find(|known| known.type_ == type_);
            known.map(|known| (known.status.as_str(), known.reason.as_str()))
        };
        self.malformed_is_told(object, &desired, &says)?;
        let failure = says("ReplicaFailure").filter(|_| labels[MALFORMED] != "yes");
        if failure.is_some() {
            return violated("conditions", format!("{name} says {failure:?}, and nothing fails any more"));
        }
        if is_held {
            return Ok(());
        }
        if labels[NEVER_READY] == "yes" {
            return Ok(());
        }
        let gate = self.books.get(text(object, "uid")).and_then(|book| book.ledger.gate.as_ref());
        match gate.filter(|gate| gate.is_closed()) {
            Some(gate) => gate_is_obeyed(object, gate, desired.replicas as usize, &says, server),
            None => rollout_is_complete(object, server, &desired, &says, now),
        }
    }

    /// Whether a workload is said to be malformed that is.
    fn malformed_is_told<'a>(
        &self,
        object: &Value,
        desired: &Desired,
        says: &impl Fn(&str) -> Option<(&'a str, &'a str)>,
    ) -> Check {
        let is_malformed = object["spec"]["template"]["metadata"]["labels"][MALFORMED] == "yes";
        if !is_malformed || desired.paused || desired.replicas == 0 {
            return Ok(());
        }
        // What was taken for a refusal of Pods as such is asked again after ten minutes.
        let is_refused = says("ReplicaFailure") == Some(("True", "FailedCreate"));
        let is_stalled = says("Stalled").map(|(status, _)| status) == Some("True");
        if is_stalled || (is_refused && self.are_others_refused) {
            return Ok(());
        }
        let name = text(object, "name");
        violated("conditions", format!("{name} is malformed, and Stalled {:?}", says("Stalled")))
    }

    fn sizes_are_filled(&self, object: &Value, server: &ApiServer) -> Check {
        let Some(sizes) = self.books.get(text(object, "uid")).and_then(|book| book.ledger.sizes.as_ref())
        else {
            return violated("sizes", format!("{} has none", text(object, "name")));
        };
        for (known, size) in sizes.iter() {
            let alive = pods_of(object, server).filter(|pod| is_alive(pod) && revision(pod) == &**known);
            let alive = alive.count();
            let stored = format!("{REVISIONS}/{}-{known}", text(object, "name"));
            // Of one that somebody has deleted, none can be made while no rollout goes on.
            let can_be_made = object["spec"]["paused"] != true || server.object(&stored).is_some();
            if alive != size as usize && can_be_made {
                return violated("sizes", format!("{known} is to have {size} Pods and has {alive}"));
            }
        }
        told_by_revision(object, sizes, server)?;
        let unsized_pod = pods_of(object, server).find(|pod| is_alive(pod) && !sizes.has(revision(pod)));
        match unsized_pod {
            Some(pod) => violated("sizes", format!("{} is of a revision without a size", text(pod, "name"))),
            None => Ok(()),
        }
    }

    /// Whose run it is, if it is not shown as counted, somebody was to count it, and something was left to
    /// tell of it.
    fn uncounted(
        &self,
        run: &HookRun,
        server: &ApiServer,
        nodes: &Nodes,
    ) -> Result<Option<&str>, super::Violation> {
        let Some(made) = self.made.get(&run.pod_uid) else { return Ok(None) };
        let Some(book) = self.books.get(&made.owner).filter(|book| !book.is_blurred && !book.was_orphaned)
        else {
            return Ok(None);
        };
        let mark = made.not_ours.of(&run.container);
        let floor = if run.hook == Hook::PostStart { mark.post_start } else { mark.end };
        if run.instance <= floor {
            return Ok(None);
        }
        let HookRun { pod_uid, container, instance, .. } = run;
        let outcome = book.counted_of(pod_uid, container, *instance, kind(run.hook)).last();
        let is_lost = |end: RunEnd| matches!(end, RunEnd::LostWithNode | RunEnd::LostWithKubelet);
        if outcome == Some(Outcome::Skipped) && run.end.is_some_and(|(_, end)| !is_lost(end)) {
            let what = format!("{:?} of {container}'s instance {instance} in {pod_uid}", run.hook);
            violated("every-run-counts", format!("{what} ran, and was counted as skipped"))?;
        }
        let is_there = || server.objects(PODS).any(|pod| text(pod, "uid") == run.pod_uid);
        // A preStop that a restart of the kubelet has ended is counted with the end of its container, which lives on.
        let mut instances = nodes.truth().instances_of(pod_uid);
        let lives_on = instances.any(|it| {
            it.container == *container && it.instance == *instance && it.is_forgiven && it.end.is_none()
        });
        let goes_on = (run.end.is_none() || made.is_ignoring || lives_on) && is_there();
        let was_shown = || self.was_shown(&run.pod_uid, &run.container, run.instance);
        let was_told = (made.is_durable || was_shown()) && !self.is_untold(&run.pod_uid);
        let is_missing = outcome.is_none() && was_told && !goes_on;
        Ok(is_missing.then_some(made.owner.as_str()))
    }
}

fn pods_of<'a>(workload: &'a Value, server: &'a ApiServer) -> impl Iterator<Item = &'a Arc<Value>> {
    let uid = text(workload, "uid");
    server.objects(PODS).filter(move |pod| owner(pod) == uid)
}

/// Whether `status.revisions` has each revision that has or wants Pods, with its size and its Pods.
fn told_by_revision(object: &Value, sizes: &Sizes, server: &ApiServer) -> Check {
    let alive =
        |name: &str| pods_of(object, server).filter(|pod| is_alive(pod) && revision(pod) == name).count();
    let mut wanted: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (name, size) in sizes.iter().filter(|(name, size)| *size > 0 || alive(name) > 0) {
        wanted.insert(name.to_string(), (u64::from(size), alive(name) as u64));
    }
    let rows = object["status"]["revisions"].as_array().into_iter().flatten();
    let number = |row: &Value, field: &str| row[field].as_u64().unwrap_or_default();
    let told: BTreeMap<String, (u64, u64)> = rows
        .map(|row| {
            let name = row["revision"].as_str().unwrap_or_default().to_owned();
            (name, (number(row, "desired"), number(row, "replicas")))
        })
        .collect();
    if told == wanted {
        return Ok(());
    }
    violated("status", format!("{} says {told:?} of {wanted:?}", text(object, "name")))
}

fn nothing_is_left(server: &ApiServer) -> Check {
    let is_there =
        |uid: &Value| server.objects(WORKLOADS).any(|workload| workload["metadata"]["uid"] == *uid);
    for pod in server.objects(PODS) {
        let owner = &pod["metadata"]["ownerReferences"][0]["uid"];
        let finalizers = pod["metadata"]["finalizers"].as_array().into_iter().flatten();
        let has_ours = finalizers.into_iter().any(|one| one == "hooked.dev/accounting");
        if has_ours && !is_there(owner) {
            let state = if is_over(pod) { "ended" } else { "alive" };
            return violated(
                "nothing-left",
                format!("Pod {} of no workload is {state} and held", text(pod, "name")),
            );
        }
    }
    for revision in server.objects(REVISIONS) {
        let owner = &revision["metadata"]["labels"]["hooked.dev/workload-uid"];
        // What is set free stays, as the ReplicaSets of a Deployment do.
        let is_free = revision["metadata"]["ownerReferences"].as_array().is_none_or(Vec::is_empty);
        if !is_there(owner) && !is_free {
            return violated("nothing-left", format!("revision {} of no workload", text(revision, "name")));
        }
    }
    Ok(())
}

/// Whether all Pods are there of the revision that is asked for, and the conditions say so. `says` gives the status and
/// the reason of a condition.
fn rollout_is_complete<'a>(
    object: &Value,
    server: &ApiServer,
    desired: &Desired,
    says: &impl Fn(&str) -> Option<(&'a str, &'a str)>,
    now: Timestamp,
) -> Check {
    let name = text(object, "name");
    let alive = || pods_of(object, server).filter(|pod| is_alive(pod));
    // A revision is known by its content: it may have its name from a workload that has left it behind.
    let is_of_asked = |pod: &&Arc<Value>| {
        let stored = server.object(&format!("{REVISIONS}/{name}-{}", revision(pod)));
        revision(pod) == &*desired.asked.name
            // Another text for it, as a Deployment's template is with the server's defaults.
            || object["status"]["ledger"]["alias"][1] == *revision(pod)
            || match stored {
                Some(stored) => stored["data"] == desired.asked.data(),
                // Somebody has deleted it, and who has begun before that goes by its name.
                None => object["status"]["updateRevision"] == *revision(pod),
            }
    };
    let of_asked = alive().filter(is_of_asked).count();
    let (alive, wanted) = (alive().count(), desired.replicas as usize);
    let ready = says("Ready");
    if (alive, of_asked) != (wanted, wanted) {
        let progress = says("Progressing");
        let what =
            format!("{name} has {of_asked} of {wanted} Pods and {alive} in all; {ready:?} {progress:?}");
        return violated("wanted", what);
    }
    if ready.map(|(status, _)| status) != Some("True") {
        let said = &object["status"]["conditions"][0]["message"];
        let what = format!("{name} is complete at {now}, and Ready {ready:?}: {said}");
        return violated("conditions", what);
    }
    Ok(())
}
