//! Runs that go on, of all Pods of a workload.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hooked_crd::HookKind;
use jiff::Timestamp;

use crate::lifecycle::HookRun;
use crate::number_set::NumberSet;

/// The hooks that run now.
#[derive(Debug, Default)]
pub struct RunningHooks {
    of_pods: BTreeMap<u64, Vec<HookRun>>,
    /// The Pods in which a postStart hook runs.
    in_post_start: NumberSet,
    /// When they are overdue, and in which Pod.
    overdue: BTreeSet<(Timestamp, u64)>,
    by_hook: BTreeMap<(Arc<str>, HookKind), RunningTally>,
}

impl RunningHooks {
    /// Replaces those of a Pod.
    pub(super) fn replace(&mut self, number: u64, running: Vec<HookRun>) {
        for run in self.of_pods.remove(&number).iter().flatten() {
            let key = (Arc::clone(&run.id.container), run.id.hook);
            if self.by_hook.get_mut(&key).is_some_and(|tally| tally.remove(run)) {
                self.by_hook.remove(&key);
            }
            if let Some(at) = run.overdue_at {
                self.overdue.remove(&(at, number));
            }
        }
        self.in_post_start.remove(number);
        for run in &running {
            if run.id.hook == HookKind::PostStart {
                self.in_post_start.insert(number);
            }
            let key = (Arc::clone(&run.id.container), run.id.hook);
            self.by_hook.entry(key).or_default().add(run);
            self.overdue.extend(run.overdue_at.map(|at| (at, number)));
        }
        if !running.is_empty() {
            self.of_pods.insert(number, running);
        }
    }

    /// All of them, of the Pods with the highest numbers first.
    pub fn iter(&self) -> impl Iterator<Item = &HookRun> {
        self.of_pods.values().rev().flatten()
    }

    /// The numbers of the Pods in which a postStart hook runs.
    pub(crate) fn in_post_start(&self) -> &NumberSet {
        &self.in_post_start
    }

    /// The one that has been overdue for longest at `now`.
    pub fn overdue(&self, now: Timestamp) -> Option<&HookRun> {
        let (at, number) = self.overdue.first().filter(|(at, _)| *at <= now)?;
        self.of_pods.get(number)?.iter().find(|run| run.overdue_at == Some(*at))
    }

    /// How many Pods have one that is overdue at `now`.
    pub fn overdue_pods(&self, now: Timestamp) -> usize {
        self.overdue.range(..=(now, u64::MAX)).count()
    }

    /// When the next one will be overdue that is not yet at `now`.
    pub fn next_overdue(&self, now: Timestamp) -> Option<Timestamp> {
        self.overdue.range((now, u64::MAX)..).map(|(at, _)| *at).find(|at| *at > now)
    }

    /// How many there are of each hook of each container that has any, and since when.
    pub fn by_hook(&self) -> &BTreeMap<(Arc<str>, HookKind), RunningTally> {
        &self.by_hook
    }
}

/// How many runs of one hook go on, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunningTally {
    count: u32,
    /// How many of them began when; those whose beginning is unknown are left out.
    starts: BTreeMap<Timestamp, u32>,
}

impl RunningTally {
    pub(super) fn add(&mut self, run: &HookRun) {
        self.count += 1;
        if let Some(start) = run.start_time {
            *self.starts.entry(start).or_default() += 1;
        }
    }

    /// Takes off a run that was added; true if it was the last.
    pub(super) fn remove(&mut self, run: &HookRun) -> bool {
        self.count -= 1;
        if let Some(start) = run.start_time
            && let Some(same) = self.starts.get_mut(&start)
        {
            *same -= 1;
            if *same == 0 {
                self.starts.remove(&start);
            }
        }
        self.count == 0
    }

    /// How many runs go on.
    pub fn count(&self) -> i64 {
        i64::from(self.count)
    }

    /// When the one that goes on for longest began; none if no beginning is known.
    pub fn oldest_start(&self) -> Option<Timestamp> {
        self.starts.first_key_value().map(|(start, _)| *start)
    }
}

#[cfg(test)]
mod tests {
    use hooked_crd::{HandlerKind, HookKind, Outcome, Source};

    use super::*;
    use crate::lifecycle::HookRunId;

    /// A run that began so many seconds after the epoch.
    fn run(start: Option<i64>) -> HookRun {
        HookRun {
            id: HookRunId {
                pod_uid: "u".into(),
                container: "web".into(),
                hook: HookKind::PreStop,
                instance: 1,
                execution: 1,
            },
            pod: "web-1".into(),
            node: None,
            handler: HandlerKind::Exec,
            outcome: Outcome::Running,
            source: Source::Kubelet,
            start_time: start.and_then(|second| Timestamp::from_second(second).ok()),
            duration: None,
            exit_code: None,
            attempts: None,
            message: String::new(),
            output: String::new(),
            overdue_at: None,
        }
    }

    #[test]
    fn the_oldest_start_is_that_of_a_run_that_still_goes_on() {
        let mut tally = RunningTally::default();
        for start in [Some(20), Some(10), Some(10), None] {
            tally.add(&run(start));
        }
        let mut check = |ended, last, oldest: Option<i64>| {
            assert_eq!(tally.remove(&run(ended)), last, "{ended:?}");
            assert_eq!(tally.oldest_start().map(Timestamp::as_second), oldest, "{ended:?}");
        };
        check(Some(10), false, Some(10));
        check(Some(10), false, Some(20));
        check(Some(20), false, None);
        check(None, true, None);
    }
}
