//! The end of a Pod: its deletion, and why nothing more will be known of the Pod.

use std::cmp::Reverse;

/// Why no more evidence of a Pod will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// The kubelet reported the end of the Pod.
    Over,
    /// The Pod is gone from the API without the kubelet's last word.
    Gone,
    /// The kubelet was silent for too long after the deletion.
    Silent,
}

/// The deletion of a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Second in which the deletion was asked for; the earliest that was seen.
    pub began: i64,
    /// Seconds of grace in force: those of the first deletion, or of the Pod's spec where that was not seen.
    pub grace: i64,
    /// Somebody deleted the Pod with a grace of 0 while it was still running.
    pub forced: bool,
    /// False if only the kubelet's last deletion was seen: then the stop began at `began` or before.
    pub exact: bool,
    /// Its grace is shorter than that of the Pod's spec: it may have shortened a deletion that had begun before.
    /// One that is shortened after the new grace is over begins anew, as far as its timestamp tells.
    pub shortened: bool,
}

impl Stop {
    /// Both of two sightings of the same deletion.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        // A later deletion may come in the same second, and can only shorten the grace: the longest is the
        // first.
        let key = |stop: Self| (!stop.exact, stop.began, Reverse(stop.grace));
        let first = if key(other) < key(self) { other } else { self };
        Self { forced: self.forced || other.forced, ..first }
    }

    /// The second in which the grace period ends, or after its end where the stop is not exact.
    pub fn deadline(self) -> i64 {
        self.began.saturating_add(self.grace)
    }
}
