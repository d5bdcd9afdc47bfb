//! The JSON of a record, and the checks that a record passes.

use serde::{Deserialize, Serialize};

use crate::history::{Counts, Past};
use crate::hook::Hook;
use crate::limits::{MAX_DURATION, MAX_MESSAGE, MAX_OUTPUT, MAX_SIGNAL, MAX_START};
use crate::outcome::{Exit, Outcome};
use crate::record::{Ending, Numbering, Record, RunId, is_container_name};

/// Whether the record was written before the hook started or after it ended.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    Started,
    Ended,
}

/// A record as JSON. Unknown fields are passed over, so that later versions may add some.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wire {
    run: String,
    container: String,
    hook: Hook,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    execution: Option<u32>,
    phase: Phase,
    start: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    took: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exit: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signal: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all: Option<[u32; 5]>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    past: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    output: String,
}

impl From<&Record> for Wire {
    fn from(record: &Record) -> Self {
        let Record { run, container, hook, start, numbering, ending } = record;
        let (exit, signal) = match ending.as_ref().and_then(|ending| ending.exit) {
            Some(Exit::Code(code)) => (Some(code), None),
            Some(Exit::Signal(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        Self {
            run: run.to_string(),
            container: container.clone(),
            hook: *hook,
            execution: numbering.as_ref().map(|numbering| numbering.execution),
            phase: if ending.is_some() { Phase::Ended } else { Phase::Started },
            start: *start,
            took: ending.as_ref().map(|ending| ending.duration),
            outcome: ending.as_ref().map(|ending| ending.outcome),
            exit,
            signal,
            attempts: ending.as_ref().map(|ending| ending.attempts),
            all: numbering.as_ref().map(|numbering| numbering.counts.to_array()),
            past: numbering.as_ref().map(|numbering| numbering.past.to_string()).unwrap_or_default(),
            message: ending.as_ref().map(|ending| ending.message.clone()).unwrap_or_default(),
            output: ending.as_ref().map(|ending| ending.output.clone()).unwrap_or_default(),
        }
    }
}

impl Wire {
    /// The record, if everything in it can be true.
    pub(crate) fn believe(self) -> Option<Record> {
        let numbering = self.numbering()?;
        let ending = self.ending()?;
        let run = RunId::from_hex(&self.run)?;
        (is_container_name(&self.container) && self.start <= MAX_START).then_some(Record {
            run,
            container: self.container,
            hook: self.hook,
            start: self.start,
            numbering,
            ending,
        })
    }

    /// The outer `None` is for what cannot be true.
    #[allow(clippy::option_option, reason = "absent and impossible are two things here")]
    fn numbering(&self) -> Option<Option<Numbering>> {
        let (execution, counts) = match (self.execution, self.all) {
            (None, None) if self.past.is_empty() => return Some(None),
            (Some(execution), Some(all)) => (execution, Counts::from_array(all)),
            _ => return None,
        };
        let past = Past::from_letters(&self.past)?;
        let told = u32::try_from(past.len()).ok()?;
        let possible = (1..=counts.started).contains(&execution) && counts.add_up() && told < execution;
        possible.then_some(Some(Numbering { execution, counts, past }))
    }

    #[allow(clippy::option_option, reason = "absent and impossible are two things here")]
    fn ending(&self) -> Option<Option<Ending>> {
        let exit = match (self.exit, self.signal) {
            (None, None) => None,
            (Some(code), None) => Some(Exit::Code(code)),
            (None, Some(signal)) if (1..=MAX_SIGNAL).contains(&signal) => Some(Exit::Signal(signal)),
            _ => return None,
        };
        let Phase::Ended = self.phase else {
            let nothing = exit.is_none()
                && self.outcome.is_none()
                && (self.took, self.attempts) == (None, None)
                && self.message.is_empty()
                && self.output.is_empty();
            return nothing.then_some(None);
        };
        let ending = Ending {
            outcome: self.outcome?,
            exit,
            duration: self.took.filter(|took| *took <= MAX_DURATION)?,
            attempts: self.attempts?,
            message: self.message.clone(),
            output: self.output.clone(),
        };
        ending.is_possible().then_some(Some(ending))
    }
}

impl Ending {
    /// Success is an exit with 0 and failure is none; what was never begun was cancelled and has no exit; what was
    /// written is within its limits.
    fn is_possible(&self) -> bool {
        let well = self.exit == Some(Exit::Code(0));
        let consistent = match self.outcome {
            Outcome::Succeeded => well,
            Outcome::Failed => !well,
            Outcome::TimedOut | Outcome::Cancelled => true,
        };
        let begun = self.attempts > 0 || (self.outcome == Outcome::Cancelled && self.exit.is_none());
        consistent && begun && self.message.len() <= MAX_MESSAGE && self.output.len() <= MAX_OUTPUT
    }
}
