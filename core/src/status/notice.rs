//! Which Events a workload gets, from what was committed and nothing else.

use std::collections::BTreeMap;

use hooked_crd::{HookTotals, KillReason, Outcome, Reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{how_it_ended, shortened};
use crate::accounting::ledger::Counted;
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
}

fn warning(reason: Reason, action: &'static str, note: String) -> Notice {
    Notice { is_warning: true, reason, action, note }
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
    Notice { is_warning: false, reason: Reason::RollbackDone, action: "Rollback", note }
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

/// That a workload leaves, with all that was counted of it: nothing else outlives it.
pub fn farewell(totals: &HookTotals) -> Notice {
    let HookTotals { succeeded, failed, timed_out, cancelled, skipped, unknown, kills } = totals;
    let note = format!(
        "hook runs: {succeeded} succeeded, {failed} failed, {timed_out} timed out, {cancelled} cancelled, \
         {skipped} skipped, {unknown} unknown; {kills} containers killed because of a hook"
    );
    Notice { is_warning: false, reason: Reason::HooksAccounted, action: "Delete", note }
}

/// That a workload leaves that could not be read, and so was not accounted for to its end.
pub fn farewell_unread(why: &str) -> Notice {
    let note = format!(
        "the workload leaves with totals that are incomplete, since it could not be read: {}",
        shortened(why, NOTE - 200)
    );
    warning(Reason::HooksNotAccounted, "Delete", note)
}

/// Only what is more than one is said: the API server counts how often the Event itself repeats.
fn times(count: usize) -> String {
    if count == 1 { String::new() } else { format!(" {count} times") }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::status::invalid;

    #[test]
    fn an_event_says_what_the_condition_says_as_far_as_the_server_takes_it() {
        fn check(message: &str, expect: &str) {
            let conditions = invalid(&[], 1, message, Timestamp::UNIX_EPOCH);
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
