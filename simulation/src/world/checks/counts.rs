//! What is counted: never less than before, nothing twice, and only what happened, as it happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use hooked_core::accounting::ledger::Ledger;
use hooked_crd::{HookKind, HookRunStatus, HookedWorkloadStatus, Outcome, Source};
use serde::Deserialize;
use serde_json::Value;

use super::gate::gate_is_exact;
use super::numbers::kind;
use super::paused::nothing_is_rolled_out;
use super::watched::watches;
use super::{Book, Check, Checks, RunId, text, violated};
use crate::ApiServer;
use crate::kubelet::{HookRun, Instance, Nodes, RunEnd};

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
            as_often_as_it_happened(run, book, nodes)?;
            book.watching.as_ref().map_or(Ok(()), |watching| watching.is_since(run))?;
            as_it_happened(run, nodes)?;
        }
        if !book.is_blurred {
            book.unshown = unshown(&ledger, book)?;
            let is_foreign = |uid: &str| made.get(uid).is_some_and(|made| made.revision.is_empty());
            book.none_is_guessed(&ledger, nodes, is_foreign)?;
        }
        let failures = (!book.is_blurred).then_some(&failures);
        gate_is_exact(object, &book.ledger, &ledger, failures, server)?;
        if let Some(watching) = &mut book.watching {
            watching.note_begun(&ledger);
        }
        book.ledger = ledger;
        Ok(())
    }
}

/// No run that another workload has counted is shown, be the Pod another's by now. What is watched is counted by each
/// that watches.
fn counted_by_one(books: &BTreeMap<String, Book>, object: &Value) -> Check {
    let status = HookedWorkloadStatus::deserialize(&object["status"]).unwrap_or_default();
    let uid = text(object, "uid");
    if watches(object) {
        return Ok(());
    }
    for run in &status.recent_runs {
        let Some(id) = id(run) else { continue };
        let others = || books.iter().filter(|(other, book)| *other != uid && book.watching.is_none());
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
        .then(|| (run.pod_uid.clone(), run.container.clone(), instance, run.hook, run.execution))
}

fn describe(run: &HookRunStatus) -> String {
    let HookRunStatus { pod, container, restart_count, hook, outcome, source, message, .. } = run;
    let instance = restart_count + 1;
    format!("{hook:?} of {container}'s instance {instance} in {pod}: {outcome:?} by {source:?} ({message})")
}

/// Whether the outcome is that of the run that happened, or nobody's.
fn as_it_happened(run: &HookRunStatus, nodes: &Nodes) -> Check {
    let instance = u32::try_from(run.restart_count).unwrap_or_default() + 1;
    let of_hook = || {
        let runs = nodes.truth().runs_of(&run.pod_uid);
        runs.filter(|real| real.container == run.container && kind(real.hook) == run.hook)
    };
    let by_runner = run.source == Source::Runner;
    // The runner numbers executions; the kubelet runs a hook of an instance again, and shows the last.
    let nth = usize::try_from(run.execution).unwrap_or_default().saturating_sub(1);
    let numbered = of_hook().nth(nth).filter(|real| by_runner && real.instance == instance);
    let really = numbered.or_else(|| of_hook().filter(|real| real.instance == instance).last());
    let end = really.map(|real| real.end.map(|(_, end)| end));
    if !by_runner && has_neighbour(&run.pod_uid, &run.container, instance, nodes) {
        return Ok(());
    }
    let is_true = match (run.outcome, end) {
        (Outcome::Unknown, _)
        | (Outcome::Skipped, None)
        | (Outcome::Succeeded, Some(Some(RunEnd::Succeeded)))
        | (Outcome::Failed, Some(Some(RunEnd::Failed | RunEnd::LostWithProgram)))
        | (Outcome::TimedOut, Some(Some(RunEnd::TimedOut | RunEnd::CutOff))) => true,
        // Of a program that ends by itself just before the deadline nobody can tell whether it was asked to, and of a
        // kubelet that is restarted in that moment nobody can tell whether it had cut off the hook.
        (Outcome::TimedOut, Some(Some(RunEnd::LostWithProgram | RunEnd::LostWithKubelet)))
            if really.is_some_and(ends_near_its_deadline) =>
        {
            true
        }
        // A kubelet that is restarted takes the hook with it, and may have forgotten why it ran. Of a program that ends
        // by itself when the grace period would have been over nobody can tell that from a hook that was cut off then.
        (Outcome::TimedOut, Some(Some(RunEnd::LostWithKubelet)))
            if really.is_some_and(|run| its_container_ends_near_its_deadline(run, nodes)) =>
        {
            true
        }
        // A kubelet that is restarted while it stops a container because of a probe or a failed hook forgets that, and
        // takes the Events with it that are not sent: the container is shown as Running, and may end by itself later.
        (Outcome::Skipped, Some(Some(RunEnd::LostWithKubelet))) if run.hook == HookKind::PreStop => {
            !by_runner && is_forgiven(&run.pod_uid, &run.container, instance, nodes)
        }
        // Nobody has told that the hook had begun, or that it failed, and its container is shown as Running.
        (Outcome::Succeeded, Some(Some(end))) if run.hook == HookKind::PostStart => {
            let cut_off = end == RunEnd::LostWithKubelet;
            !by_runner && (cut_off || is_forgiven(&run.pod_uid, &run.container, instance, nodes))
        }
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

/// Seconds by which the beginning of a stop is not known.
const UNCERTAIN: i64 = 3;

fn ends_near_its_deadline(run: &HookRun) -> bool {
    let (Some(deadline), Some((end, _))) = (run.deadline, run.end) else { return false };
    end.as_second().saturating_add(UNCERTAIN) >= deadline.as_second()
}

fn its_container_ends_near_its_deadline(run: &HookRun, nodes: &Nodes) -> bool {
    let mut instances = nodes.truth().instances_of(&run.pod_uid);
    let its = instances.find(|it| it.container == run.container && it.instance == run.instance);
    let end = its.and_then(|its| its.end);
    let (Some(deadline), Some((end, _))) = (run.deadline, end) else { return false };
    end.as_second().abs_diff(deadline.as_second()) <= UNCERTAIN.unsigned_abs()
}

/// Whether a kubelet that was restarted has forgotten that it was to stop an instance.
fn is_forgiven(pod: &str, container: &str, instance: u32, nodes: &Nodes) -> bool {
    let mut instances = nodes.truth().instances_of(pod);
    instances.any(|it| it.container == container && it.instance == instance && it.is_forgiven)
}

/// No more runs of a hook in an instance are counted than there were, however they are numbered.
fn as_often_as_it_happened(run: &HookRunStatus, book: &Book, nodes: &Nodes) -> Check {
    let instance = u32::try_from(run.restart_count).unwrap_or_default() + 1;
    let counted = book.counted_of(&run.pod_uid, &run.container, instance, run.hook).count();
    let runs = nodes.truth().runs_of(&run.pod_uid).filter(|real| {
        real.container == run.container && real.instance == instance && kind(real.hook) == run.hook
    });
    if counted <= runs.count().max(1) {
        return Ok(());
    }
    violated("counted-once", format!("{} is one of {counted}", describe(run)))
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
    /// As what the runs of a hook in an instance were counted.
    pub(super) fn counted_of<'a>(
        &'a self,
        pod: &'a str,
        container: &'a str,
        instance: u32,
        hook: HookKind,
    ) -> impl Iterator<Item = Outcome> + 'a {
        let from = (pod.to_owned(), container.to_owned(), instance, hook, i64::MIN);
        let to = (pod.to_owned(), container.to_owned(), instance, hook, i64::MAX);
        self.counted.range(from..=to).map(|(_, outcome)| *outcome)
    }
}
