//! Runs of one hook of one container that go on, over all Pods.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::hooks::HookRun;

/// How many runs go on, and since when.
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
    use crate::hooks::HookRunId;

    /// A run that began so many seconds after the epoch.
    fn run(start: Option<i64>) -> HookRun {
        HookRun {
            id: HookRunId {
                pod_uid: "u".into(),
                container: "web".into(),
                hook: HookKind::PreStop,
                start: 1,
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
