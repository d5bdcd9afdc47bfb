//! What users ask for, and the Pods that there really are: the same for our code and for the model beside it.

use std::collections::BTreeSet;

/// A limit of a rolling update as users write it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    Pods(u32),
    Percent(u32),
}

/// A workload's spec. Revisions are numbered in the order in which they are first asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    pub(crate) replicas: u32,
    /// Surge and unavailable; none for Recreate.
    pub(crate) rolling: Option<(Limit, Limit)>,
    pub(crate) min_ready: i64,
    pub(crate) paused: bool,
    pub(crate) asked: usize,
}

/// A Pod as it really is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) number: u64,
    pub(crate) revision: usize,
    pub(crate) ready_since: Option<i64>,
    pub(crate) terminating: bool,
    /// Its phase is Failed.
    pub(crate) over: bool,
}

impl Pod {
    pub(crate) fn is_alive(&self) -> bool {
        !self.terminating && !self.over
    }

    pub(crate) fn is_available(&self, min_ready: i64, now: i64) -> bool {
        self.is_alive() && self.ready_since.is_some_and(|since| since + min_ready <= now)
    }
}

/// What happens to one Pod without anybody's asking the operator.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Accident {
    /// It becomes ready.
    Ready,
    /// It is no longer ready.
    Unready,
    /// It is gone, as if it had never been.
    Vanish,
    /// Somebody deletes it.
    Delete,
    /// Its node is out of memory: it has failed, and stays.
    Fail,
    /// It is terminating, and ends.
    End,
}

/// All Pods of a workload, and the second at which it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pods {
    pub(crate) all: Vec<Pod>,
    pub(crate) now: i64,
    /// How many Pods that have not ended a quota lets in, if there is one.
    pub(crate) quota: Option<usize>,
    /// Revisions of which no Pod is ever ready.
    pub(crate) broken: BTreeSet<usize>,
    made: u64,
}

/// Of the Pods of each revision that are alive, in order of their age: since when they are ready.
pub(crate) type Sight = Vec<Vec<Option<i64>>>;

impl Pods {
    /// Whether the quota lets no Pod in.
    pub(crate) fn is_full(&self) -> bool {
        self.quota.is_some_and(|most| self.all.iter().filter(|pod| !pod.over).count() >= most)
    }

    /// Makes a Pod, unless the quota is full.
    pub(crate) fn make(&mut self, revision: usize) {
        if self.is_full() {
            return;
        }
        self.made += 1;
        let number = self.made;
        self.all.push(Pod { number, revision, ready_since: None, terminating: false, over: false });
    }

    pub(crate) fn delete(&mut self, number: u64) {
        for pod in self.all.iter_mut().filter(|pod| pod.number == number) {
            pod.terminating = true;
        }
    }

    /// Strikes the `nth` of those that it can strike, counted round: of the revision `of`, or of any other if
    /// that has none.
    pub(crate) fn strike(&mut self, accident: Accident, of: usize, nth: usize) {
        let can_be_struck = |pod: &Pod| match accident {
            Accident::Ready => {
                pod.is_alive() && pod.ready_since.is_none() && !self.broken.contains(&pod.revision)
            }
            Accident::Unready => pod.is_alive() && pod.ready_since.is_some(),
            Accident::Vanish | Accident::Delete | Accident::Fail => pod.is_alive(),
            Accident::End => pod.terminating,
        };
        let mut struck: Vec<usize> =
            (0..self.all.len()).filter(|index| can_be_struck(&self.all[*index])).collect();
        if struck.iter().any(|index| self.all[*index].revision == of) {
            struck.retain(|index| self.all[*index].revision == of);
        }
        // Worlds that are alike number their Pods of one revision alike, and perhaps those of several not.
        struck.sort_by_key(|index| (self.all[*index].revision, self.all[*index].number));
        let Some(&index) = nth.checked_rem(struck.len()).and_then(|nth| struck.get(nth)) else { return };
        let (now, pod) = (self.now, &mut self.all[index]);
        match accident {
            Accident::Ready => pod.ready_since = Some(now),
            Accident::Unready => pod.ready_since = None,
            Accident::Delete => pod.terminating = true,
            Accident::Fail => (pod.over, pod.ready_since) = (true, None),
            Accident::Vanish | Accident::End => drop(self.all.remove(index)),
        }
    }

    pub(crate) fn of(&self, revision: usize) -> impl Iterator<Item = &Pod> {
        self.all.iter().filter(move |pod| pod.revision == revision)
    }

    pub(crate) fn alive(&self) -> usize {
        self.all.iter().filter(|pod| pod.is_alive()).count()
    }

    pub(crate) fn available(&self, min_ready: i64) -> usize {
        self.all.iter().filter(|pod| pod.is_available(min_ready, self.now)).count()
    }

    pub(crate) fn sight(&self) -> Sight {
        let alive = || self.all.iter().filter(|pod| pod.is_alive());
        let revisions = alive().map(|pod| pod.revision + 1).max().unwrap_or(0);
        let of =
            |revision| alive().filter(|pod| pod.revision == revision).map(|pod| pod.ready_since).collect();
        (0..revisions).map(of).collect()
    }
}
