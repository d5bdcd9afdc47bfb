//! What is remembered of a workload that watches Pods of others.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::asked::Asked;
use crate::accounting::ledger::Unrunnable;
use crate::lifecycle::{ObservedPod, PodShape};
use crate::number_set::NumberSet;

/// What is remembered of a workload that watches Pods of others.
#[derive(Debug)]
pub struct Watching {
    /// When the workload was created, by the API server's clock.
    since: Option<Timestamp>,
    /// Whether a list has shown all Pods that there are.
    is_listed: bool,
    /// Whether what went while nobody looked is counted.
    has_counted_vanished: bool,
    /// Numbers of Pods that are gone and may be marked.
    gone: NumberSet,
    youngest: Option<Youngest>,
    /// What the API server has said of the workload that is named.
    pub(super) found: Option<Asked>,
    /// How often Pods of a revision were deleted since the hook-runner cannot run in them, and until when no more are.
    deletions: BTreeMap<Arc<str>, (u32, Timestamp)>,
}

/// How long no more of them are deleted after the first time; twice as long after each that follows.
const REST: SignedDuration = SignedDuration::from_secs(60);
/// The longest power of two by which that grows: to about an hour.
const MOST_DOUBLINGS: u32 = 6;

/// The youngest Pod that was seen.
#[derive(Debug)]
struct Youngest {
    created: Option<Timestamp>,
    revision: Arc<str>,
    shape: PodShape,
}

impl Watching {
    /// A workload that was created then.
    pub(crate) fn since(since: Option<Timestamp>) -> Self {
        Self {
            since,
            is_listed: false,
            has_counted_vanished: false,
            gone: NumberSet::EMPTY,
            youngest: None,
            found: None,
            deletions: BTreeMap::new(),
        }
    }

    /// Whether Pods of the revision that are there are to be deleted since the hook-runner cannot run in them: ever
    /// more rarely, should an injector not hear of that, or others go on making such Pods.
    pub(in super::super) fn may_delete(&mut self, revision: &Arc<str>, now: Timestamp) -> bool {
        let times = match self.deletions.get(revision) {
            Some((_, until)) if now < *until => return false,
            Some((times, _)) => *times,
            None => 0,
        };
        let rest = REST * (1 << times.min(MOST_DOUBLINGS));
        let until = now.checked_add(rest).unwrap_or(Timestamp::MAX);
        self.deletions.insert(Arc::clone(revision), (times + 1, until));
        if self.deletions.len() > Unrunnable::MOST_OF_OTHERS {
            let first = self.deletions.iter().min_by_key(|(_, (_, until))| *until);
            let first = first.map(|(revision, _)| Arc::clone(revision));
            self.deletions.retain(|revision, _| first.as_ref() != Some(revision));
        }
        true
    }

    /// When more of them may be deleted.
    pub(super) fn next_deletion(&self, now: Timestamp) -> Option<Timestamp> {
        self.deletions.values().map(|(_, until)| *until).filter(|until| *until > now).min()
    }

    /// Whether a list has shown all Pods that there are.
    pub(crate) fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// A list has shown all Pods that there are.
    pub(crate) fn listed(&mut self) {
        self.is_listed = true;
    }

    /// The Pod with that number is gone.
    pub(in super::super) fn note_gone(&mut self, number: u64) {
        self.gone.insert(number);
    }

    /// The numbers of Pods that are gone, of which nothing is left to count. Those that are not marked, as `is_marked`
    /// says of what is committed, are not asked for again.
    pub(super) fn gone(
        &mut self,
        is_left: impl Fn(u64) -> bool,
        is_marked: impl Fn(u64) -> bool,
    ) -> Vec<u64> {
        let done: Vec<u64> = self.gone.iter().filter(|number| !is_left(*number)).collect();
        for number in done.iter().filter(|number| !is_marked(**number)) {
            self.gone.remove(*number);
        }
        done
    }

    /// Whether what went while nobody looked is counted.
    pub(super) fn has_counted_vanished(&self) -> bool {
        self.has_counted_vanished
    }

    /// What went while nobody looked is counted, and that is committed.
    pub(super) fn counted_vanished(&mut self) {
        self.has_counted_vanished = true;
    }

    /// Whether the Pod was created while it was watched. What ran in it before it was seen is not known, and counts
    /// all the same.
    pub(in super::super) fn is_since(&self, pod: &ObservedPod) -> bool {
        self.since.zip(pod.created).is_some_and(|(since, created)| created >= since)
    }

    /// Takes in a Pod that is seen.
    pub(in super::super) fn know_youngest(&mut self, pod: &ObservedPod) {
        if self.youngest.as_ref().is_none_or(|known| known.created < pod.created) {
            let shape = pod.shape();
            self.youngest = Some(Youngest { created: pod.created, revision: (&*pod.revision).into(), shape });
        }
    }

    /// The revision of the youngest Pod that was seen, as its labels say; empty where none was.
    pub(super) fn revision(&self) -> &str {
        self.youngest.as_ref().map_or("", |known| &known.revision)
    }

    /// The hooks and probes of the youngest Pod that was seen.
    pub(super) fn shape(&self) -> Option<&PodShape> {
        self.youngest.as_ref().map(|known| &known.shape)
    }

    /// When the API server is to be asked again about the workload that is named.
    pub(super) fn ask_again(&self) -> Option<Timestamp> {
        self.found.as_ref().map(Asked::again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_in_which_the_runner_cannot_run_are_deleted_ever_more_rarely() {
        let mut watching = Watching::since(None);
        let (revision, other): (Arc<str>, Arc<str>) = ("7f".into(), "8a".into());
        let at = |second| Timestamp::from_second(second).unwrap();
        let deleted = (0..20_000).filter(|second| watching.may_delete(&revision, at(*second)));
        let deleted: Vec<i64> = deleted.collect();
        assert_eq!(deleted, [0, 60, 180, 420, 900, 1860, 3780, 7620, 11_460, 15_300, 19_140]);
        assert!(watching.may_delete(&other, at(20_000)), "of another nothing is known");
    }
}
