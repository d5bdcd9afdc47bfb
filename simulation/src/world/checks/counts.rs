//! What is counted: never less than before, nothing twice, and only what happened, as it happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use hooked_core::accounting::ledger::Ledger;
use hooked_crd::{HookRunStatus, HookedWorkloadStatus, Outcome, Source};
use serde::Deserialize;
use serde_json::Value;

use super::gate::gate_is_exact;
use super::numbers::kind;
use super::paused::nothing_is_rolled_out;
use super::{Book, Check, Checks, RunId, text, violated};
use crate::ApiServer;
use crate::kubelet::{Instance, Nodes, RunEnd};

/// The most runs that a status shows.
const SHOWN: usize = 50;

impl Checks {
    /// Looks at a status that was written.
    pub(super) fn counts_hold(
        &mut self,
        object: &Value,
        before: Option<&Arc<Value>>,
        server: &ApiServer,
        nodes: &Nodes,
    ) -> Check {
        let Self { books, made, .. } = self;
        counted_by_one(books, object)?;
        let Some(book) = books.get_mut(text(object, "uid")) else { return Ok(()) };
        let Ok(ledger) = Ledger::load(object["status"].get("ledger")) else {
            return violated("ledger", "what is committed cannot be read");
        };
        never_less(&book.ledger, &ledger)?;
        nothing_is_rolled_out(object, &book.ledger, &ledger, server)?;
        let runs = |object: &Value| {
            HookedWorkloadStatus::deserialize(&object["status"])
                .map(|status| status.recent_runs)
                .unwrap_or_default()
        };
        let before = before.filter(|before| text(before, "uid") == text(object, "uid"));
        let known: Vec<RunId> =
            before.map(|before| runs(before)).unwrap_or_default().iter().filter_map(id).collect();
        let shown = runs(object);
        book.is_blurred |= shown.len() >= SHOWN;
        let mut failures: BTreeMap<String, u32> = BTreeMap::new();
        for run in &shown {
            let Some(id) = id(run).filter(|id| !known.contains(id)) else { continue };
            if let (Outcome::Failed | Outcome::TimedOut, Some(pod)) = (run.outcome, made.get(&run.pod_uid)) {
                *failures.entry(pod.revision.clone()).or_default() += 1;
            }
            if let Some(outcome) = book.counted.insert(id, run.outcome) {
                return violated(
                    "counted-once",
                    format!("{} was counted as {outcome:?} before", describe(run)),
                );
            }
            as_it_happened(run, nodes)?;
        }
        if !book.is_blurred {
            book.unshown = unshown(&ledger, book)?;
        }
        let failures = (!book.is_blurred).then_some(&failures);
        gate_is_exact(object, &book.ledger, &ledger, failures, server)?;
        book.ledger = ledger;
        Ok(())
    }
}

/// No run that another workload has counted is shown, be the Pod another's by now.
fn counted_by_one(books: &BTreeMap<String, Book>, object: &Value) -> Check {
    let status = HookedWorkloadStatus::deserialize(&object["status"]).unwrap_or_default();
    let uid = text(object, "uid");
    for run in &status.recent_runs {
        let Some(id) = id(run) else { continue };
        let others = || books.iter().filter(|(other, _)| *other != uid);
        if let Some((other, _)) = others().find(|(_, book)| book.counted.contains_key(&id)) {
            return violated("counted-once", format!("{} was counted by {other}", describe(run)));
        }
    }
    Ok(())
}

/// How many runs are counted as Unknown of which nothing is shown. Every other one is shown by the write that
/// counts it.
fn unshown(ledger: &Ledger, book: &Book) -> Result<u64, super::Violation> {
    let unknown = |outcome: Outcome| outcome == Outcome::Unknown;
    let counted = |is_unknown: bool| -> u64 {
        ledger.runs.iter().filter(|(key, _)| unknown(key.outcome) == is_unknown).map(|(_, count)| count).sum()
    };
    let shown = |is_unknown: bool| {
        book.counted.values().filter(|outcome| unknown(**outcome) == is_unknown).count() as u64
    };
    if counted(false) != shown(false) || counted(true) < shown(true) {
        let (counted, shown) = (counted(false) + counted(true), shown(false) + shown(true));
        violated("counted-once", format!("{counted} runs are counted, and {shown} were seen to be"))?;
    }
    Ok(counted(true) - shown(true))
}

fn never_less(before: &Ledger, after: &Ledger) -> Check {
    for (key, count) in &before.runs {
        if after.runs.get(key).is_none_or(|now| now < count) {
            return violated("counts-grow", format!("{key:?} was {count}"));
        }
    }
    for (key, count) in &before.kills {
        if after.kills.get(key).is_none_or(|now| now.count < count.count) {
            return violated("counts-grow", format!("{key:?} was {}", count.count));
        }
    }
    if after.high_water < before.high_water {
        return violated("numbers-grow", format!("{} after {}", after.high_water, before.high_water));
    }
    Ok(())
}

/// Which run it is, if it is settled.
fn id(run: &HookRunStatus) -> Option<RunId> {
    let instance = u32::try_from(run.restart_count).ok()? + 1;
    (run.outcome != Outcome::Running)
        .then(|| (run.pod_uid.clone(), run.container.clone(), instance, run.hook))
}

fn describe(run: &HookRunStatus) -> String {
    let HookRunStatus { pod, container, restart_count, hook, outcome, source, message, .. } = run;
    let instance = restart_count + 1;
    format!("{hook:?} of {container}'s instance {instance} in {pod}: {outcome:?} by {source:?} ({message})")
}

/// Whether the outcome is that of the run that happened, or nobody's.
fn as_it_happened(run: &HookRunStatus, nodes: &Nodes) -> Check {
    let instance = u32::try_from(run.restart_count).unwrap_or_default() + 1;
    let mut runs = nodes.truth().runs_of(&run.pod_uid);
    let really = runs.find(|real| {
        real.container == run.container && real.instance == instance && kind(real.hook) == run.hook
    });
    let end = really.map(|real| real.end.map(|(_, end)| end));
    let by_runner = run.source == Source::Runner;
    if !by_runner && has_neighbour(&run.pod_uid, &run.container, instance, nodes) {
        return Ok(());
    }
    let is_true = match (run.outcome, end) {
        (Outcome::Unknown, _)
        | (Outcome::Skipped, None)
        | (Outcome::Succeeded, Some(Some(RunEnd::Succeeded)))
        | (Outcome::Failed, Some(Some(RunEnd::Failed | RunEnd::LostWithProgram)))
        | (Outcome::TimedOut, Some(Some(RunEnd::TimedOut | RunEnd::CutOff))) => true,
        // In the second of the deadline nobody but the runner can tell which came first.
        (Outcome::Failed, Some(Some(RunEnd::TimedOut | RunEnd::CutOff)))
        | (Outcome::TimedOut, Some(Some(RunEnd::Failed | RunEnd::LostWithProgram))) => !by_runner,
        _ => false,
    };
    if is_true {
        return Ok(());
    }
    violated("as-it-happened", format!("{} and really {end:?}", describe(run)))
}

/// Whether another instance of the container ended or began in the same second or the one beside: the
/// kubelet's Events know whole seconds and no instances.
fn has_neighbour(pod: &str, container: &str, instance: u32, nodes: &Nodes) -> bool {
    let own = |known: &&Instance| known.container == container;
    let (these, others): (Vec<_>, Vec<_>) =
        nodes.truth().instances_of(pod).filter(own).partition(|it| it.instance == instance);
    let is_beside = |one: &Instance, other: &Instance| {
        one.end.is_some_and(|(end, _)| (other.started.as_second() - end.as_second()).abs() <= 1)
    };
    these.iter().any(|this| others.iter().any(|other| is_beside(this, other) || is_beside(other, this)))
}

impl Book {
    /// Whether a run was counted, and as what.
    pub(super) fn outcome(&self, id: &RunId) -> Option<Outcome> {
        self.counted.get(id).copied()
    }
}
