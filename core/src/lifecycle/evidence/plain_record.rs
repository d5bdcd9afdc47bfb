//! A run of a postStart hook that went well, as nearly all do, in the bytes that it takes to say so.

use hooked_protocol::{Ending, Exit, Hook, MAX_PAST, Numbering, Outcome, Record, RunId, State};

/// The record of a postStart run that succeeded and said nothing, as all runs of it before did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PlainRecord {
    run: RunId,
    /// Microseconds since 1970.
    start: u64,
    /// Microseconds.
    duration: u32,
    attempts: u8,
    /// Which execution it is; 0 if the runner could not number it.
    execution: u8,
    /// Which of the containers in the Pod's shape it is of.
    pub(super) place: u8,
}

impl PlainRecord {
    /// None if there is more to the record of a run in that container.
    pub(super) fn of(place: u8, container: &str, record: &Record) -> Option<Self> {
        let ending = record.ending.as_ref()?;
        let execution = record.numbering.as_ref().map_or(0, |numbering| numbering.execution);
        let plain = Self {
            run: record.run,
            start: record.start,
            duration: u32::try_from(ending.duration).ok()?,
            attempts: u8::try_from(ending.attempts).ok()?,
            execution: u8::try_from(execution).ok().filter(|number| usize::from(*number) <= MAX_PAST)?,
            place,
        };
        // Whatever is not said here is in the way of that.
        (plain.record(container) == *record).then_some(plain)
    }

    /// The whole second of the run's beginning.
    pub(super) fn second(self) -> i64 {
        i64::try_from(self.start / 1_000_000).unwrap_or(i64::MAX)
    }

    /// The record.
    pub(super) fn record(self, container: &str) -> Record {
        let Self { run, start, duration, attempts, execution, place: _ } = self;
        Record {
            run,
            container: container.to_owned(),
            hook: Hook::PostStart,
            start,
            numbering: (execution > 0).then(|| all_succeeded(execution.into())),
            ending: Some(Ending {
                outcome: Outcome::Succeeded,
                exit: Some(Exit::Code(0)),
                duration: duration.into(),
                attempts: attempts.into(),
                message: String::new(),
                output: String::new(),
            }),
        }
    }
}

/// How the runner numbers an execution when it has succeeded, and all before it.
fn all_succeeded(execution: u32) -> Numbering {
    let mut state = State::default();
    for number in 1..=execution {
        // There are numbers for more executions than these.
        state.begin().ok();
        state.end(number, Outcome::Succeeded);
    }
    state.numbering(execution)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUCCEEDED: PlainRecord = PlainRecord {
        run: RunId([7; 16]),
        start: 1_800_000_000_123_456,
        duration: 1_500,
        attempts: 1,
        execution: 3,
        place: 1,
    };

    /// Whether little is kept of the record once that is changed.
    fn check(change: impl FnOnce(&mut Record), is_plain: bool) {
        let mut record = SUCCEEDED.record("web");
        change(&mut record);
        let plain = PlainRecord::of(1, "web", &record);
        assert_eq!(plain.is_some(), is_plain, "{record:?}");
        assert!(plain.is_none_or(|plain| plain.record("web") == record));
    }

    fn check_ending(change: impl FnOnce(&mut Ending), is_plain: bool) {
        check(|record| change(record.ending.as_mut().unwrap()), is_plain);
    }

    #[test]
    fn of_a_run_that_succeeded_little_is_kept_and_nothing_lost() {
        check(|_| {}, true);
        check(|record| record.numbering = None, true);
        check(|record| record.numbering = Some(all_succeeded(64)), true);
        check(|record| record.start = u64::MAX, true);
        check_ending(|ending| ending.attempts = 2, true);
    }

    #[test]
    fn of_any_other_run_all_is_kept() {
        check(|record| record.ending = None, false);
        check(|record| record.hook = Hook::PreStop, false);
        check(|record| record.container = "logs".to_owned(), false);
        check(|record| record.numbering = Some(all_succeeded(65)), false);
        check(|record| record.numbering.as_mut().unwrap().counts.failed = 1, false);
        check_ending(|ending| ending.output = "said".to_owned(), false);
        check_ending(|ending| ending.message = "why".to_owned(), false);
        check_ending(|ending| ending.outcome = Outcome::Failed, false);
        check_ending(|ending| ending.exit = None, false);
        check_ending(|ending| ending.duration = u64::MAX, false);
    }

    #[test]
    fn an_execution_without_number_that_says_so_is_no_execution_that_is_not_numbered() {
        check(|record| record.numbering.as_mut().unwrap().execution = 0, false);
    }
}
