//! The status of a workload whose Pods others make: what is seen of the Pods and known of their hooks.

use hooked_crd::{HookedWorkloadStatus, Reason, Referent, RevisionStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::basis::HooksBasis;
use super::counted::counted;
use super::counts::ReplicaCounts;
use super::healthy::hooks_healthy;
use super::others::some_of;
use super::saying::{Saying, dated, is_ours, say};
use super::shortened::{WORDS, shortened};
use crate::accounting::ledger::{Counted, LedgerError};
use crate::names::condition;
use crate::workload::referent::Found;
use crate::workload::replicas::Replicas;

/// What a status is made from.
#[derive(Debug)]
pub struct WatchedBasis<'a> {
    /// The status before.
    pub previous: &'a HookedWorkloadStatus,
    /// The generation of the spec that was acted upon.
    pub generation: i64,
    /// The workload whose Pods are watched.
    pub referent: &'a Referent,
    /// What the API server says of the workload.
    pub found: &'a Found,
    /// Its Pods.
    pub replicas: &'a Replicas,
    /// The revision of the youngest Pod, as its labels say; empty where there is none.
    pub youngest: &'a str,
    /// What is known of their hooks.
    pub hooks: HooksBasis<'a>,
    /// What this pass has counted.
    pub counted: &'a Counted,
    /// Whether `spec.hooks` asks for more than can be had of Pods that others make: runner, policies, a finalizer.
    pub asks_for_more: bool,
    /// Runs kept in `status.recentRuns`.
    pub history_limit: usize,
    /// Other workloads that watch the same Pods: their names.
    pub overlapping: &'a [&'a str],
}

impl WatchedBasis<'_> {
    /// How many Pods there are in which state.
    pub(super) fn counts(&self) -> ReplicaCounts {
        ReplicaCounts::of_watched(self.replicas, self.youngest, self.hooks.now)
    }
}

/// The status to commit.
pub fn status_of_watched(basis: &WatchedBasis<'_>) -> Result<HookedWorkloadStatus, LedgerError> {
    let (previous, counts) = (basis.previous, basis.counts());
    let youngest = (!basis.youngest.is_empty()).then(|| basis.youngest.to_owned());
    let is_complete = counts.updated == counts.alive;
    Ok(HookedWorkloadStatus {
        observed_generation: Some(basis.generation),
        current_revision: youngest
            .clone()
            .filter(|_| is_complete)
            .or_else(|| previous.current_revision.clone()),
        update_revision: youngest.or_else(|| previous.update_revision.clone()),
        conditions: conditions(basis, &counts),
        revisions: revisions(basis),
        ..counted(basis.hooks, &counts, previous, basis.counted, basis.history_limit)?
    })
}

/// A row for each revision that has Pods, the youngest Pod's first. How many its controller wants is not known: those
/// that are there pass for wanted.
fn revisions(basis: &WatchedBasis<'_>) -> Vec<RevisionStatus> {
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let now = basis.hooks.now.as_second();
    let rows = basis.replicas.revisions().map(|(name, counts)| RevisionStatus {
        revision: name.to_string(),
        number: None,
        desired: count(counts.shown_alive()),
        replicas: count(counts.shown_alive()),
        ready: count(counts.shown_ready()),
        available: count(counts.shown_available(0, now)),
    });
    let mut rows: Vec<RevisionStatus> = rows.filter(|row| row.replicas > 0).collect();
    rows.sort_by_key(|row| (row.revision != basis.youngest, row.revision.clone()));
    rows
}

fn conditions(basis: &WatchedBasis<'_>, counts: &ReplicaCounts) -> Vec<Condition> {
    let [ready, reconciling, stalled] = whether_it_is_there(basis, counts);
    let sayings = vec![ready, hooks_healthy(basis.hooks), measured(basis), reconciling, stalled];
    let previous = &basis.previous.conditions;
    let mut conditions = dated(sayings, previous, basis.generation, basis.hooks.now);
    conditions.extend(previous.iter().filter(|known| !is_ours(known)).cloned());
    conditions
}

/// Whether the workload is there. Whatever is said, Pods that are seen are watched.
fn whether_it_is_there(basis: &WatchedBasis<'_>, counts: &ReplicaCounts) -> [Saying; 3] {
    let Referent { api_version, kind, name } = basis.referent;
    let seen = format!("{} of {} Pods ready", counts.ready, counts.alive);
    let rests = || say(condition::RECONCILING, "False", Reason::Reconciled, "the operator watches the Pods");
    let awaits = |reason, words: &str| {
        let message = shortened(words, WORDS);
        [
            say(
                condition::READY,
                if reason == Reason::ReferentUnchecked { "Unknown" } else { "False" },
                reason,
                message.clone(),
            ),
            say(condition::RECONCILING, "True", reason, message),
            overlap(basis.overlapping),
        ]
    };
    let stalls = |reason, words: &str| {
        let message = shortened(words, WORDS);
        let waits = "the operator can do no more until that is changed";
        [
            say(condition::READY, "False", reason, message.clone()),
            say(condition::RECONCILING, "False", reason, waits),
            say(condition::STALLED, "True", reason, message),
        ]
    };
    match basis.found {
        Found::There => {
            let message = format!("{seen}; the Pods of {kind} {name} are watched");
            [say(condition::READY, "True", Reason::Watching, message), rests(), overlap(basis.overlapping)]
        }
        Found::NotThere => awaits(
            Reason::ReferentNotFound,
            &format!(
                "{seen}; spec.workloadRef: there is no {kind} {name} of {api_version} in the namespace: create it, or \
                 create a HookedWorkload that names another"
            ),
        ),
        Found::Forbidden { resource } => stalls(
            Reason::ReferentForbidden,
            &format!(
                "{seen}; spec.workloadRef: the operator may not read {kind} {name}: grant the verb get on {resource} by \
                 a ClusterRole with the label hooked.dev/aggregate-to-controller: \"true\""
            ),
        ),
        Found::UnknownKind => stalls(
            Reason::ReferentKindUnknown,
            &format!(
                "{seen}; spec.workloadRef: the API server knows no namespaced kind {kind} of {api_version}: install it, \
                 or create a HookedWorkload that names another"
            ),
        ),
        Found::Unchecked(words) => awaits(
            Reason::ReferentUnchecked,
            &format!("{seen}; whether {kind} {name} is there could not be found out: {words}"),
        ),
    }
}

/// That others watch the same Pods.
fn overlap(others: &[&str]) -> Saying {
    if others.is_empty() {
        return say(condition::STALLED, "False", Reason::NotStalled, "not stalled");
    }
    let message = format!(
        "not stalled; HookedWorkload {} watches the same Pods, so each of their hooks is counted by each: delete all \
         but one",
        some_of(others)
    );
    say(condition::STALLED, "False", Reason::WatchOverlap, message)
}

fn measured(basis: &WatchedBasis<'_>) -> Saying {
    if basis.asks_for_more {
        let words = "Hooks are observed, not measured, no policy is in force, and Pods do not wait until their hooks are \
                     counted: the operator puts nothing into Pods that others make. Take measurement: Runner, \
                     evidence: Durable and policies out of spec.hooks";
        return say(condition::MEASURED, "False", Reason::RunnerUnavailable, words);
    }
    let words = "hooks are observed, as they are by default in Pods that others make";
    say(condition::MEASURED, "True", Reason::MeasuredAsAsked, words)
}

/// The condition that says that the workload is not there, if those before did not say so: what is told once.
pub fn newly_missing<'a>(previous: &[Condition], conditions: &'a [Condition]) -> Option<&'a Condition> {
    let says = |known: &&Condition| {
        known.type_ == condition::READY && known.reason == Reason::ReferentNotFound.as_str()
    };
    conditions.iter().find(says).filter(|_| !previous.iter().any(|known| says(&known)))
}
