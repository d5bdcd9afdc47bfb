//! Which Events a workload gets, from what was committed and nothing else.

use std::collections::BTreeMap;

use hooked_crd::{HookTotals, KillReason, Outcome, Reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{how_it_ended, newly_failing, shortened};
use crate::accounting::ledger::{Counted, Sizes};
use crate::workload::revision::{NoEarlier, Stored};

/// The most bytes of a note; the API server takes 1024.
const NOTE: usize = 1000;

/// An Event to be sent about a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether it is a Warning, and not Normal.
    pub is_warning: bool,
    /// Why, in one word.
    pub reason: Reason,
    /// What was done, in one word.
    pub action: &'static str,
    /// In words; no hook's or Pod's own, which may hold secrets.
    pub note: String,
    /// Whether its words matter each time: it is then an Event of its own, and not counted as one more of its reason.
    pub stands_alone: bool,
}

fn warning(reason: Reason, action: &'static str, note: String) -> Notice {
    Notice { is_warning: true, reason, action, note, stands_alone: false }
}

/// What a commit has to tell: each kind of thing that went wrong in one Event, since a thousand Pods that fail alike
/// are one line; a hook that hangs; and what the condition Stalled says for the first time: that the workload cannot be
/// carried out, or that its rollout has stopped.
pub fn notices(counted: &Counted, stuck: Option<&str>, stalled: Option<&Condition>) -> Vec<Notice> {
    let stuck = stuck.map(|why| warning(Reason::HookStuck, "RunHook", shortened(why, NOTE)));
    failures(counted).chain(kills(counted)).chain(stuck).chain(stalled.map(refused)).collect()
}

fn failures(counted: &Counted) -> impl Iterator<Item = Notice> {
    let mut failures: BTreeMap<(Reason, String), (usize, String)> = BTreeMap::new();
    for run in &counted.runs {
        let reason = match run.outcome {
            Outcome::Failed => Reason::HookFailed,
            Outcome::TimedOut => Reason::HookTimedOut,
            _ => continue,
        };
        let what = format!("{:?} of container {}", run.id.hook, run.id.container);
        let entry = failures.entry((reason, what)).or_default();
        *entry = (entry.0 + 1, format!("Pod {}: {}", run.pod, how_it_ended(run.outcome, run.exit_code)));
    }
    failures.into_iter().map(|((reason, what), (count, last))| {
        warning(reason, "RunHook", format!("{what} failed{}, last in {last}", times(count)))
    })
}

fn kills(counted: &Counted) -> impl Iterator<Item = Notice> {
    let mut kills: BTreeMap<(KillReason, &str), (usize, &str)> = BTreeMap::new();
    for kill in &counted.kills {
        let entry = kills.entry((kill.reason, &*kill.container)).or_insert((0, &*kill.pod));
        *entry = (entry.0 + 1, &kill.pod);
    }
    kills.into_iter().map(|((reason, container), (count, pod))| {
        let note = format!("container {container} was killed{}: {reason:?}, last in Pod {pod}", times(count));
        warning(Reason::ContainerKilled, "KillContainer", note)
    })
}

/// That a workload cannot be carried out, in the words of the condition `stalled`: whoever may read the Event may read
/// the condition too.
pub fn refused(stalled: &Condition) -> Notice {
    let reason = Reason::from_name(&stalled.reason).unwrap_or(Reason::Invalid);
    warning(reason, "CarryOut", shortened(&stalled.message, NOTE))
}

/// That a workload goes back to a revision, as its annotation asks.
pub fn rolled_back(to: &Stored) -> Notice {
    let note = format!("rolled back to revision {} ({})", to.number, to.revision);
    Notice { is_warning: false, reason: Reason::RollbackDone, action: "Rollback", note, stands_alone: false }
}

/// That a workload does not go back though its annotation asks for it, and is not asked any more.
pub fn no_rollback(why: &NoEarlier) -> Notice {
    let reason = match why {
        NoEarlier::None | NoEarlier::NotFound(_) => Reason::RollbackRevisionNotFound,
        NoEarlier::Unchanged { .. } => Reason::RollbackTemplateUnchanged,
        NoEarlier::Paused => Reason::RollbackRefused,
    };
    warning(reason, "Rollback", shortened(&why.to_string(), NOTE))
}

/// That a workload does not go back to a revision since the API server refuses it in these words.
pub fn refused_rollback(to: &Stored, words: &str) -> Notice {
    let note = format!("the API server refuses the template of revision {}: {words}", to.number);
    warning(Reason::RollbackRefused, "Rollback", shortened(&note, NOTE))
}

/// What a commit changes in the sizes of revisions, as a Deployment tells of each ReplicaSet. Without sizes before,
/// there are Pods of before there were any, or none: `is_new` says which.
pub fn scaled(before: Option<&Sizes>, after: Option<&Sizes>, is_new: bool) -> Vec<Notice> {
    let Some(after) = after.filter(|_| before.is_some() || is_new) else { return Vec::new() };
    let was = |revision: &str| before.map_or(0, |before| before.get(revision));
    let changes = after.iter().rev().map(|(revision, size)| (revision, was(revision), size));
    let changes = changes.filter(|(_, from, to)| from != to);
    let notice = |(revision, from, to)| {
        let direction = if from < to { "up" } else { "down" };
        let note = format!("Scaled {direction} revision {revision} from {from} to {to}");
        let reason = Reason::ScalingReplicaSet;
        Notice { is_warning: false, reason, action: "Scale", note, stands_alone: true }
    };
    changes.map(notice).collect()
}

/// What conditions say is not carried out, if those before did not say so.
pub fn failed(previous: &[Condition], conditions: &[Condition]) -> Vec<Notice> {
    let notice = |known: &Condition| {
        let reason = Reason::from_name(&known.reason).unwrap_or(Reason::FailedCreate);
        let action = match reason {
            Reason::FailedDelete => "Delete",
            Reason::FailedUpdate => "Update",
            _ => "Create",
        };
        Notice { stands_alone: true, ..warning(reason, action, shortened(&known.message, NOTE)) }
    };
    newly_failing(previous, conditions).into_iter().map(notice).collect()
}

/// That a workload leaves, with all that was counted of it: nothing else outlives it.
pub fn farewell(totals: &HookTotals) -> Notice {
    let HookTotals { succeeded, failed, timed_out, cancelled, skipped, unknown, kills } = totals;
    let note = format!(
        "hook runs: {succeeded} succeeded, {failed} failed, {timed_out} timed out, {cancelled} cancelled, \
         {skipped} skipped, {unknown} unknown; {kills} containers killed because of a hook"
    );
    let reason = Reason::HooksAccounted;
    Notice { is_warning: false, reason, action: "Delete", note, stands_alone: false }
}

/// That a workload leaves that could not be read, and so was not accounted for to its end.
pub fn farewell_unread(why: &str) -> Notice {
    let note = format!(
        "the workload leaves with totals that are incomplete, since it could not be read: {}",
        shortened(why, NOTE - 200)
    );
    warning(Reason::HooksNotAccounted, "Delete", note)
}

/// That a workload is left to the operator of the namespace `operator` by the one of the namespace `own`.
pub fn left_to(operator: &str, own: &str) -> Notice {
    let note = format!(
        "the operator in namespace {operator} makes the Pods and counts their hooks; the one in namespace {own} leaves \
         them alone. Have only one of them watch this namespace; if {operator} is gone for good, start the operator in \
         {own} with --take-over={operator}"
    );
    warning(Reason::LeftToAnotherOperator, "CarryOut", note)
}

/// Only what is more than one is said: the API server counts how often the Event itself repeats.
fn times(count: usize) -> String {
    if count == 1 { String::new() } else { format!(" {count} times") }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::accounting::ledger::Total;
    use crate::status::invalid;

    fn sizes(of: &[(&str, u32)]) -> Sizes {
        Sizes::new(of.iter().map(|(revision, size)| ((*revision).into(), *size)).collect(), Total::default())
    }

    #[test]
    fn a_change_of_size_is_told_once_as_a_deployment_tells_it() {
        fn check(before: Option<&[(&str, u32)]>, after: &[(&str, u32)], expect: &[&str]) {
            let told = scaled(before.map(sizes).as_ref(), Some(&sizes(after)), before.is_none());
            let told: Vec<&str> = told.iter().map(|notice| &*notice.note).collect();
            assert_eq!(told, expect, "{before:?} {after:?}");
        }
        let both = ["Scaled up revision new from 1 to 2", "Scaled down revision old from 3 to 2"];
        check(Some(&[("old", 3), ("new", 1)]), &[("old", 2), ("new", 2)], &both);
        check(None, &[("new", 3)], &["Scaled up revision new from 0 to 3"]);
        check(Some(&[("new", 3)]), &[("new", 3)], &[]);
        check(Some(&[("old", 0), ("new", 3)]), &[("new", 3)], &[]);
        check(Some(&[("new", 3)]), &[("new", 0)], &["Scaled down revision new from 3 to 0"]);
        // Pods that are older than sizes were not scaled when these were first written down.
        assert_eq!(scaled(None, Some(&sizes(&[("new", 3)])), false), []);
    }

    #[test]
    fn an_event_says_what_the_condition_says_as_far_as_the_server_takes_it() {
        fn check(message: &str, expect: &str) {
            let conditions = invalid(&[], 1, message, None, Timestamp::UNIX_EPOCH);
            let notice = refused(conditions.iter().find(|known| known.type_ == "Stalled").unwrap());
            assert_eq!((notice.reason, &*notice.note), (Reason::Invalid, expect));
            assert!(notice.is_warning && notice.note.len() <= 1024);
        }
        check("spec.template.spec: no", "spec.template.spec: no");
        check(&"a".repeat(1000), &"a".repeat(1000));
        check(&"a".repeat(1001), &format!("{}…", "a".repeat(1000)));
        // A character is not cut in two.
        check(&"€".repeat(400), &format!("{}…", "€".repeat(333)));
    }
}
