//! Which of several operators works: the one that holds the Lease.
//!
//! As `client-go/tools/leaderelection` has it: whoever does not hold the Lease judges its age by how long it has seen
//! it unchanged on its own clock, never by the times that another machine wrote into it.

use std::time::Duration;

use crate::mutation::{Mutation, mutated};

/// How long a Lease is good for after it was last renewed: so long nobody counts when an operator dies without a word.
/// Renewed each second it lasts for six more at least, so that a request of a pass may still take all its time.
pub const LEASE_DURATION: Duration = Duration::from_secs(7);
/// How often the holder renews it, and the others look at it.
pub const RETRY_PERIOD: Duration = Duration::from_secs(1);
/// How long one look at the Lease may take, or one renewal: a holder has begun three before its Lease ends.
pub const PATIENCE: Duration = Duration::from_secs(2);

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

/// Another's Lease: a version of it, and when that ends by one's own clock, from when the version was first seen.
#[derive(Clone, Debug)]
struct Seen {
    version: String,
    ends: Duration,
}

/// One who would hold the Lease.
#[derive(Clone, Debug)]
pub struct Candidate {
    identity: String,
    /// Another's Lease, as it was seen last.
    seen: Option<Seen>,
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
            Some(seen) if seen.version == version => {
                if now >= seen.ends {
                    return Claim::Take;
                }
            }
            _ => {
                let halved = if mutated(Mutation::LeaseTakenEarly) { 2 } else { 1 };
                let ends = now.saturating_add(duration / halved);
                self.seen = Some(Seen { version: version.to_owned(), ends });
            }
        }
        Claim::Wait
    }

    /// When to look at the Lease again after a look that began at this time: after a period, or already when another's
    /// Lease ends that is not renewed.
    pub fn next_look(&self, began: Duration) -> Duration {
        let next = began.saturating_add(RETRY_PERIOD);
        let ends = self.seen.as_ref().map(|seen| seen.ends);
        ends.filter(|ends| *ends > began).map_or(next, |ends| ends.min(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Lease, by its holder and version.
    type Shown<'a> = Option<(&'a str, &'a str)>;

    /// What a candidate `me` does about Leases that it sees at these seconds.
    fn check(sights: &[(u64, Shown<'_>, Claim)]) {
        let mut candidate = Candidate::new("me".to_owned());
        for (second, shown, expect) in sights {
            let lease =
                shown.map(|(holder, version)| ObservedLease { holder, version, duration: LEASE_DURATION });
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
            (106, Some(("other", "1")), Claim::Wait),
            (107, Some(("other", "1")), Claim::Take),
        ]);
        check(&[
            (0, Some(("other", "1")), Claim::Wait),
            (6, Some(("other", "2")), Claim::Wait),
            (12, Some(("other", "2")), Claim::Wait),
            (13, Some(("other", "2")), Claim::Take),
        ]);
    }

    #[test]
    fn a_lease_that_was_lost_to_another_is_waited_for_anew() {
        check(&[
            (0, Some(("me", "1")), Claim::Renew),
            (40, Some(("other", "5")), Claim::Wait),
            (46, Some(("other", "5")), Claim::Wait),
            (47, Some(("other", "5")), Claim::Take),
        ]);
    }

    #[test]
    fn one_looks_each_second_and_just_when_anothers_lease_ends() {
        let mut candidate = Candidate::new("me".to_owned());
        let at = Duration::from_millis;
        let check =
            |candidate: &Candidate, began, expect| assert_eq!(candidate.next_look(at(began)), at(expect));
        check(&candidate, 0, 1000);
        let lease = ObservedLease { holder: "other", version: "1", duration: LEASE_DURATION };
        candidate.claim(Some(lease), at(300));
        check(&candidate, 200, 1200);
        check(&candidate, 6200, 7200);
        check(&candidate, 6800, 7300);
        // It is over, and could not be taken: another was faster, or there was no answer.
        check(&candidate, 7300, 8300);
    }
}
