//! How long inference waits for evidence that may still come.

use jiff::SignedDuration;

/// How long after a run's end was seen other evidence of the run may still come: its runner's record, or an
/// Event.
const SETTLEMENT: SignedDuration = SignedDuration::from_secs(10);

/// How long to wait for other evidence of a run whose end was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Until no more evidence can come: what is found is counted, and never changes.
    Settle,
    /// Not at all: nothing is counted, and somebody asks what is known now.
    Now,
}

impl Patience {
    /// The time from when a run's end was seen until the run is settled.
    pub(super) fn settlement(self) -> SignedDuration {
        match self {
            Self::Settle => SETTLEMENT,
            Self::Now => SignedDuration::ZERO,
        }
    }
}
