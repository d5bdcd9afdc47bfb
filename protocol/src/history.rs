//! A hook's executions so far: how many ended how, and the latest ones one by one.

use std::fmt;

use crate::limits::MAX_PAST;
use crate::outcome::Outcome;

/// How many executions were started, and how many of them ended how. An execution that was started and has not ended is
/// still running, or was killed together with its runner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counts {
    /// Executions begun.
    pub started: u32,
    /// Ended by themselves with 0.
    pub succeeded: u32,
    /// Ended otherwise.
    pub failed: u32,
    /// Ended by the policy's timeout.
    pub timed_out: u32,
    /// Ended because the operator asked for it.
    pub cancelled: u32,
}

impl Counts {
    /// Executions whose end is known.
    pub fn ended(&self) -> u64 {
        [self.succeeded, self.failed, self.timed_out, self.cancelled].into_iter().map(u64::from).sum()
    }

    /// Whether no more ended than were started.
    pub(crate) fn add_up(&self) -> bool {
        self.ended() <= u64::from(self.started)
    }

    pub(crate) fn of(&mut self, outcome: Outcome) -> &mut u32 {
        match outcome {
            Outcome::Succeeded => &mut self.succeeded,
            Outcome::Failed => &mut self.failed,
            Outcome::TimedOut => &mut self.timed_out,
            Outcome::Cancelled => &mut self.cancelled,
        }
    }

    pub(crate) fn to_array(self) -> [u32; 5] {
        let Self { started, succeeded, failed, timed_out, cancelled } = self;
        [started, succeeded, failed, timed_out, cancelled]
    }

    pub(crate) fn from_array([started, succeeded, failed, timed_out, cancelled]: [u32; 5]) -> Self {
        Self { started, succeeded, failed, timed_out, cancelled }
    }
}

/// What is known of an earlier execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Earlier {
    /// The execution ended with this outcome.
    Ended(Outcome),
    /// The execution was started, and its end is not recorded: it was still running then, or was killed with its
    /// runner.
    Open,
}

impl Earlier {
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Ended(Outcome::Succeeded) => 's',
            Self::Ended(Outcome::Failed) => 'f',
            Self::Ended(Outcome::TimedOut) => 't',
            Self::Ended(Outcome::Cancelled) => 'c',
            Self::Open => 'o',
        }
    }

    pub(crate) fn from_letter(letter: char) -> Option<Self> {
        Some(match letter {
            's' => Self::Ended(Outcome::Succeeded),
            'f' => Self::Ended(Outcome::Failed),
            't' => Self::Ended(Outcome::TimedOut),
            'c' => Self::Ended(Outcome::Cancelled),
            'o' => Self::Open,
            _ => return None,
        })
    }
}

/// Executions one by one, oldest first, as many of the latest as fit into [`MAX_PAST`].
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Past(pub(crate) Vec<Earlier>);

impl Past {
    /// Reads what [`fmt::Display`] writes, one letter an execution. `None` for another letter, or too many.
    pub(crate) fn from_letters(letters: &str) -> Option<Self> {
        (letters.len() <= MAX_PAST)
            .then(|| letters.chars().map(Earlier::from_letter).collect::<Option<_>>().map(Self))?
    }

    /// The number of executions in here.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no execution is in here.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The executions before number `execution`, with their numbers, oldest first.
    pub fn before(&self, execution: u32) -> impl Iterator<Item = (u32, Earlier)> + '_ {
        let many = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let first = execution.saturating_sub(many);
        (first..).zip(self.0.iter().copied()).filter(|(number, _)| *number > 0)
    }

    /// Adds an execution; the oldest one is dropped if there is no room.
    pub(crate) fn push(&mut self, latest: Earlier) {
        if self.0.len() >= MAX_PAST {
            self.0.remove(0);
        }
        self.0.push(latest);
    }
}

impl fmt::Display for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|earlier| fmt::Write::write_char(f, earlier.letter()))
    }
}
