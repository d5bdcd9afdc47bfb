//! Which of several operators works: the one that holds the Lease.
//!
//! As `client-go/tools/leaderelection` has it: whoever does not hold the Lease judges its age by how long it has seen
//! it unchanged on its own clock, never by the times that another machine wrote into it.

use std::time::Duration;

use crate::mutation::{Mutation, mutated};

/// How long a Lease is good for after it was last renewed: so long nobody counts when an operator dies without a word.
pub const LEASE_DURATION: Duration = Duration::from_secs(10);
/// How often the holder renews it, and the others look at it.
pub const RETRY_PERIOD: Duration = Duration::from_secs(2);

/// A Lease as the API server shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedLease<'a> {
    /// Who holds it; empty if it was given back.
    pub holder: &'a str,
    /// Its resourceVersion, which every renewal changes.
    pub version: &'a str,
    /// How long it is good for, by its holder's word.
    pub duration: Duration,
}

/// What to do about a Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody holds it: write it as ours.
    Take,
    /// It is ours: renew it.
    Renew,
    /// It is another's.
    Wait,
}

/// One who would hold the Lease.
#[derive(Clone, Debug)]
pub struct Candidate {
    identity: String,
    /// The version that was seen last, and since when it has not changed.
    seen: Option<(String, Duration)>,
}

impl Candidate {
    /// A candidate whose `identity` no other process has, or has ever had.
    pub fn new(identity: String) -> Self {
        Self { identity, seen: None }
    }

    /// Who it is.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// What to do about the Lease as it is seen at `now`, a time on this machine's monotonic clock. None means that
    /// there is no Lease yet.
    pub fn claim(&mut self, lease: Option<ObservedLease<'_>>, now: Duration) -> Claim {
        let Some(ObservedLease { holder, version, duration }) = lease else { return Claim::Take };
        if holder == self.identity {
            return Claim::Renew;
        }
        if holder.is_empty() {
            return Claim::Take;
        }
        match &self.seen {
            Some((known, since)) if known == version => {
                let halved = if mutated(Mutation::LeaseTakenEarly) { 2 } else { 1 };
                if now.saturating_sub(*since) >= duration / halved {
                    return Claim::Take;
                }
            }
            _ => self.seen = Some((version.to_owned(), now)),
        }
        Claim::Wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Lease, by its holder and version.
    type Seen<'a> = Option<(&'a str, &'a str)>;

    /// What a candidate `me` does about Leases that it sees at these seconds.
    fn check(sights: &[(u64, Seen<'_>, Claim)]) {
        let mut candidate = Candidate::new("me".to_owned());
        for (second, seen, expect) in sights {
            let lease =
                seen.map(|(holder, version)| ObservedLease { holder, version, duration: LEASE_DURATION });
            assert_eq!(candidate.claim(lease, Duration::from_secs(*second)), *expect, "second {second}");
        }
    }

    #[test]
    fn a_lease_that_nobody_holds_is_taken_and_ones_own_is_renewed() {
        check(&[(0, None, Claim::Take), (2, Some(("me", "1")), Claim::Renew)]);
        check(&[(0, Some(("", "7")), Claim::Take)]);
    }

    #[test]
    fn anothers_lease_is_taken_only_after_it_was_seen_unchanged_for_as_long_as_it_is_good_for() {
        check(&[
            (100, Some(("other", "1")), Claim::Wait),
            (109, Some(("other", "1")), Claim::Wait),
            (110, Some(("other", "1")), Claim::Take),
        ]);
        check(&[
            (0, Some(("other", "1")), Claim::Wait),
            (9, Some(("other", "2")), Claim::Wait),
            (18, Some(("other", "2")), Claim::Wait),
            (19, Some(("other", "2")), Claim::Take),
        ]);
    }

    #[test]
    fn a_lease_that_was_lost_to_another_is_waited_for_anew() {
        check(&[
            (0, Some(("me", "1")), Claim::Renew),
            (40, Some(("other", "5")), Claim::Wait),
            (49, Some(("other", "5")), Claim::Wait),
            (50, Some(("other", "5")), Claim::Take),
        ]);
    }
}
