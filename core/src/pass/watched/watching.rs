//! What is remembered of a workload that watches Pods of others.

use std::sync::Arc;

use jiff::Timestamp;

use super::asked::Asked;
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
}

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
        let gone = NumberSet::EMPTY;
        Self { since, is_listed: false, has_counted_vanished: false, gone, youngest: None, found: None }
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
