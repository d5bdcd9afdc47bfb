//! What the runner keeps between runs: the executions of one hook of one container since the Pod began.
//!
//! The runner writes the state before the hook starts, with the new execution still open, and again when the hook has
//! ended. A runner that is killed between the two leaves the execution open for ever, which is the truth.

use std::fmt;

use crate::history::{Counts, Earlier, Past};
use crate::limits::MAX_PAST;
use crate::outcome::Outcome;
use crate::record::Numbering;

/// What a state begins with, so that no other file is taken for one.
const HEADER: &str = "hooked.dev/state/v1";

/// The executions of one hook of one container since the Pod began. Empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    counts: Counts,
    past: Past,
}

/// Why a text is not a state. The runner leaves such a text alone: a new state would give numbers a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The text is not in the form of this version, or was cut off.
    Form,
    /// The state's numbers contradict each other.
    Numbers,
    /// There are more executions than can be numbered.
    Exhausted,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "the state is not in the form of this version",
            Self::Numbers => "the state's numbers contradict each other",
            Self::Exhausted => "there are no numbers left for executions",
        })
    }
}

impl std::error::Error for StateError {}

impl State {
    /// Bytes that a state takes: always as many, so that a new one can be written over an old one.
    pub const BYTES: usize = 160;

    /// Reads what [`fmt::Display`] writes. A text of no bytes is the state before the first execution: its file was
    /// made and not yet written.
    ///
    /// # Errors
    /// [`StateError::Form`] and [`StateError::Numbers`], for a text that this program did not write as it is.
    pub fn parse(text: &str) -> Result<Self, StateError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let line = text.strip_suffix('\n').filter(|_| text.len() == Self::BYTES).ok_or(StateError::Form)?;
        let mut words =
            line.trim_end_matches(' ').strip_prefix(HEADER).ok_or(StateError::Form)?.split(' ').skip(1);
        let mut counts = [0; 5];
        for count in &mut counts {
            *count = words.next().and_then(|word| word.parse().ok()).ok_or(StateError::Form)?;
        }
        let past = words.next().map_or(Some(Past::default()), Past::from_letters).ok_or(StateError::Form)?;
        let state = Self { counts: Counts::from_array(counts), past };
        match words.next() {
            Some(_) => Err(StateError::Form),
            None if state.adds_up() => Ok(state),
            None => Err(StateError::Numbers),
        }
    }

    fn adds_up(&self) -> bool {
        self.counts.add_up()
            && u64::try_from(self.past.len()) == Ok(u64::from(self.counts.started).min(MAX_PAST as u64))
    }

    /// One more execution, still open. Returns its number.
    ///
    /// # Errors
    /// [`StateError::Exhausted`], after four thousand million executions.
    pub fn begin(&mut self) -> Result<u32, StateError> {
        self.counts.started = self.counts.started.checked_add(1).ok_or(StateError::Exhausted)?;
        self.past.push(Earlier::Open);
        Ok(self.counts.started)
    }

    /// Notes that the execution has ended. Changes nothing if it had ended before, or was never begun.
    pub fn end(&mut self, execution: u32, outcome: Outcome) {
        if execution == 0
            || execution > self.counts.started
            || self.counts.ended() >= u64::from(self.counts.started)
        {
            return;
        }
        if let Some(earlier) = self.position(execution).and_then(|position| self.past.0.get_mut(position)) {
            if *earlier != Earlier::Open {
                return;
            }
            *earlier = Earlier::Ended(outcome);
        }
        *self.counts.of(outcome) += 1;
    }

    /// How the latest execution went; `None` if there was none.
    pub fn latest(&self) -> Option<Earlier> {
        self.past.0.last().copied()
    }

    /// Where the execution stands among the latest; `None` if it is older than those.
    fn position(&self, execution: u32) -> Option<usize> {
        let behind = usize::try_from(self.counts.started.checked_sub(execution)?).ok()?;
        self.past.len().checked_sub(behind + 1)
    }

    /// The numbering that a record of that execution carries.
    pub fn numbering(&self, execution: u32) -> Numbering {
        let before = self.position(execution).unwrap_or(0);
        let past = Past(self.past.0.iter().copied().take(before).collect());
        Numbering { execution, counts: self.counts, past }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [started, succeeded, failed, timed_out, cancelled] = self.counts.to_array();
        let line = format!("{HEADER} {started} {succeeded} {failed} {timed_out} {cancelled} {}", self.past);
        writeln!(f, "{line:<width$}", width = Self::BYTES - 1)
    }
}
