//! All that `status` shows of a workload, as a value.

mod pod;

use std::collections::{BTreeMap, BTreeSet};

use hooked_crd::{HookRunStatus, HookedWorkload, HookedWorkloadStatus, Referent};
use kube::ResourceExt;
use serde::Serialize;

use crate::output::hide_output;
use crate::pods::wanted;
use crate::request::RequestError;

pub(crate) use pod::{ContainerRow, HookRow, PodRow};

/// A workload and its Pods.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Overview {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Of the spec as it is now.
    pub(crate) generation: i64,
    /// The workload of others whose Pods it watches, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) watched: Option<Referent>,
    /// How many Pods are wanted.
    pub(crate) desired: i32,
    pub(crate) paused: bool,
    /// Whether it is being deleted.
    pub(crate) deleting: bool,
    /// What the operator has committed, without its account book.
    pub(crate) status: HookedWorkloadStatus,
    /// The update revision first, then the current one, then others.
    pub(crate) revisions: Vec<RevisionRow>,
    /// Pods that are gone, and of which `recentRuns` still holds runs.
    pub(crate) gone: Vec<PodRow>,
    /// Where Pods cannot be listed: those that `recentRuns` tells of, there or gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) remembered: Vec<PodRow>,
    /// What is not shown, why, and what would show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

/// The Pods of one revision.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevisionRow {
    pub(crate) revision: String,
    pub(crate) role: Role,
    pub(crate) pods: usize,
    pub(crate) ready: usize,
    /// Those that are terminating, which the operator counts no longer.
    pub(crate) terminating: usize,
    /// Those that are shown, with trouble first.
    pub(crate) shown: Vec<PodRow>,
}

/// What a revision is to the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Role {
    /// Pods are being updated to it, or all are of it already.
    Update,
    /// It was the last to be rolled out completely.
    Current,
    /// It is neither.
    Old,
}

/// What of the Pods to show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// How many Pods; all if none.
    pub(crate) limit: Option<usize>,
    /// Whether to keep what hooks have printed.
    pub(crate) show_output: bool,
}

/// What troubles a Pod, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    HookFailed,
    NotReady,
    Leaving,
    None,
}

/// The overview of a workload whose Pods are `pods`.
pub(crate) fn overview<'a>(
    workload: &HookedWorkload,
    pods: impl Iterator<Item = &'a PodRow>,
    choice: Choice,
) -> Overview {
    let Choice { limit, show_output } = choice;
    let mut status = workload.status.clone().unwrap_or_default();
    status.ledger = None;
    hide_output(&mut status.recent_runs, show_output);
    let limit = limit.unwrap_or(usize::MAX);
    let mut pods: Vec<(Trouble, &PodRow)> =
        pods.map(|pod| (trouble(pod, &status.recent_runs), pod)).collect();
    pods.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| a.name.cmp(&b.name)));
    let revisions = revisions(&pods, limit, &status, show_output);
    let present: BTreeSet<&str> = pods.iter().map(|(_, pod)| pod.uid.as_str()).collect();
    let gone = gone(&status.recent_runs, &present, limit);
    Overview {
        namespace: workload.namespace().unwrap_or_default(),
        name: workload.name_any(),
        generation: workload.metadata.generation.unwrap_or_default(),
        watched: workload.spec.workload_ref.clone(),
        desired: wanted(workload),
        paused: workload.spec.paused.unwrap_or(false),
        deleting: workload.metadata.deletion_timestamp.is_some(),
        revisions,
        gone,
        remembered: Vec::new(),
        notes: Vec::new(),
        status,
    }
}

/// The overview of a workload whose Pods cannot be listed: what the workload itself tells.
pub(crate) fn without_pods(workload: &HookedWorkload, choice: Choice, error: &RequestError) -> Overview {
    let mut all = overview(workload, std::iter::empty(), choice);
    // Of one that is not seen nobody knows whether it is gone.
    all.remembered = std::mem::take(&mut all.gone);
    all.remembered.iter_mut().for_each(PodRow::unseen);
    all.notes.push(format!("Pods are not shown: {error}"));
    all
}

fn trouble(pod: &PodRow, recorded: &[HookRunStatus]) -> Trouble {
    // Of 10,000 Pods few have recorded runs: the others are judged without a copy of each.
    let is_recorded = recorded.iter().any(|run| run.pod_uid == pod.uid);
    let failed = if is_recorded { pod.with_runs(recorded).has_failed_hook() } else { pod.has_failed_hook() };
    match (failed, pod.terminating, pod.ready) {
        (true, ..) => Trouble::HookFailed,
        (_, true, _) => Trouble::Leaving,
        (_, _, false) => Trouble::NotReady,
        _ => Trouble::None,
    }
}

/// Pods by their revisions; of all of them the first `limit` are shown.
fn revisions(
    pods: &[(Trouble, &PodRow)],
    limit: usize,
    status: &HookedWorkloadStatus,
    show_output: bool,
) -> Vec<RevisionRow> {
    let mut rows: BTreeMap<(Role, &str), RevisionRow> = BTreeMap::new();
    for (index, (_, pod)) in pods.iter().enumerate() {
        let role = role(&pod.revision, status);
        let row = rows.entry((role, &pod.revision)).or_insert_with(|| RevisionRow {
            revision: pod.revision.clone(),
            role,
            pods: 0,
            ready: 0,
            terminating: 0,
            shown: Vec::new(),
        });
        row.pods += 1;
        row.ready += usize::from(pod.ready);
        row.terminating += usize::from(pod.terminating);
        if index < limit {
            let mut pod = pod.with_runs(&status.recent_runs);
            hide_output(pod.runs_mut(), show_output);
            row.shown.push(pod);
        }
    }
    rows.into_values().collect()
}

/// What a revision is to a workload with this status.
pub(crate) fn role(revision: &str, status: &HookedWorkloadStatus) -> Role {
    if status.update_revision.as_deref() == Some(revision) {
        Role::Update
    } else if status.current_revision.as_deref() == Some(revision) {
        Role::Current
    } else {
        Role::Old
    }
}

/// Pods that are only known from runs, newest first.
fn gone(recorded: &[HookRunStatus], present: &BTreeSet<&str>, limit: usize) -> Vec<PodRow> {
    let mut rows: Vec<PodRow> = Vec::new();
    for run in recorded.iter().filter(|run| !present.contains(run.pod_uid.as_str())) {
        if rows.iter().any(|row| row.uid == run.pod_uid) {
            continue;
        }
        rows.push(PodRow::gone(run, recorded));
    }
    rows.truncate(limit);
    rows
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::{pod, run, running, waiting, workload};

    fn all() -> Choice {
        Choice { limit: None, show_output: false }
    }

    /// Each revision with the Pods that are shown, and those that are gone.
    fn shape(overview: &Overview) -> Vec<(String, usize, Vec<String>)> {
        let names = |pods: &[PodRow]| pods.iter().map(|pod| pod.name.clone()).collect();
        let revisions = overview
            .revisions
            .iter()
            .map(|row| (format!("{:?} {}", row.role, row.revision), row.pods, names(&row.shown)));
        revisions.chain([("gone".to_owned(), overview.gone.len(), names(&overview.gone))]).collect()
    }

    fn check(choice: Choice, expect: &[(&str, usize, &[&str])]) {
        let deleted = json!({"deletionTimestamp": "2026-11-22T10:05:20Z", "deletionGracePeriodSeconds": 30});
        let none = json!({});
        let pods = [
            pod("web-b", "new", &running(), &none),
            pod("web-a", "new", &running(), &none),
            pod("web-c", "new", &waiting(), &none),
            pod("web-d", "old", &running(), &deleted),
            pod("web-e", "old", &json!({"phase": "Pending"}), &none),
        ];
        let workload = workload(&json!({"updateRevision": "new", "currentRevision": "old", "recentRuns": [
            run("web-c", "PostStart", "Failed", &none), run("web-z", "PreStop", "Succeeded", &none),
        ]}));
        let overview = overview(&workload, pods.iter(), choice);
        let expect: Vec<_> = expect
            .iter()
            .map(|(name, pods, shown)| {
                ((*name).to_owned(), *pods, shown.iter().map(|name| (*name).to_owned()).collect())
            })
            .collect();
        assert_eq!(shape(&overview), expect);
    }

    #[test]
    fn pods_stand_under_their_revision_with_trouble_first() {
        check(
            all(),
            &[
                ("Update new", 3, &["web-c", "web-a", "web-b"]),
                ("Current old", 2, &["web-e", "web-d"]),
                ("gone", 1, &["web-z"]),
            ],
        );
    }

    #[test]
    fn where_not_all_are_shown_those_with_trouble_are() {
        let choice = Choice { limit: Some(2), show_output: false };
        check(
            choice,
            &[("Update new", 3, &["web-c"]), ("Current old", 2, &["web-e"]), ("gone", 1, &["web-z"])],
        );
    }

    #[test]
    fn where_pods_cannot_be_listed_those_of_runs_are_neither_there_nor_gone() {
        let workload = workload(&json!({"recentRuns": [run("web-z", "PreStop", "Succeeded", &json!({}))]}));
        let refused = RequestError::Forbidden {
            verb: "list",
            resource: "pods",
            place: "namespace shop".to_owned(),
            role: "view",
        };
        let overview = without_pods(&workload, all(), &refused);
        assert_eq!(shape(&overview), [("gone".to_owned(), 0, Vec::new())]);
        assert_eq!((&*overview.remembered[0].name, &*overview.remembered[0].state), ("web-z", "not seen"));
        assert_eq!(
            overview.notes,
            [
                "Pods are not shown: you may not list pods in namespace shop: ask for a role that allows it, such as the \
              ClusterRole view"
            ]
        );
        assert!(!serde_json::to_string(&overview).unwrap().contains("secret"));
    }

    #[test]
    fn what_a_hook_has_printed_is_shown_only_if_it_is_asked_for() {
        let workload = workload(
            &json!({"ledger": {"version": 1}, "recentRuns": [run("web-c", "PostStart", "Failed", &json!({}))]}),
        );
        let printed = |show_output| {
            let pods = [pod("web-c", "new", &waiting(), &json!({}))];
            let overview = overview(&workload, pods.iter(), Choice { limit: None, show_output });
            serde_json::to_string(&overview).unwrap()
        };
        assert!(!printed(false).contains("secret"));
        assert!(printed(true).contains("secret"));
        assert!(!printed(true).contains("ledger"));
    }
}
