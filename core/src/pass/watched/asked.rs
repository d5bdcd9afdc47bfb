//! What the API server has said of the workload whose Pods are watched, and for how long that is believed.

use jiff::{SignedDuration, Timestamp};

use crate::workload::referent::Found;

/// How long it is believed that the workload is there. A watch would tell sooner, for a right and a cache more.
const THERE: SignedDuration = SignedDuration::from_mins(5);
/// How long anything else is believed at first: it is what somebody mends.
const AMISS: SignedDuration = SignedDuration::from_secs(10);
/// How long it is believed at most.
const STILL_AMISS: SignedDuration = SignedDuration::from_mins(2);
/// How long it is believed where Pods are there that the workload must have made.
const DOUBTFUL: SignedDuration = SignedDuration::from_secs(1);

/// What the API server has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) found: Found,
    at: Timestamp,
    /// How long it is believed.
    rest: SignedDuration,
}

impl Asked {
    /// What it says now. What it says again is believed for longer.
    pub(super) fn now(found: Found, before: Option<&Self>, now: Timestamp) -> Self {
        let rest = match before {
            _ if found == Found::There => THERE,
            Some(before) if before.found == found => {
                before.rest.checked_mul(2).unwrap_or(STILL_AMISS).min(STILL_AMISS)
            }
            _ => AMISS,
        };
        Self { found, at: now, rest }
    }

    /// Whether that is believed.
    pub(super) fn is_believed(&self, has_pods: bool, now: Timestamp) -> bool {
        let is_doubtful = has_pods && self.found == Found::NotThere;
        let rest = if is_doubtful { DOUBTFUL.min(self.rest) } else { self.rest };
        now.duration_since(self.at) < rest
    }

    /// When the API server is to be asked again.
    pub(super) fn again(&self) -> Timestamp {
        self.at.checked_add(self.rest).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_is_amiss_is_asked_about_ever_more_rarely_and_at_once_where_pods_say_otherwise() {
        let (mut asked, mut second, mut rests) = (Asked::now(Found::NotThere, None, at(0)), 0, Vec::new());
        for _ in 0..6 {
            rests.push(asked.again().as_second() - second);
            second = asked.again().as_second();
            assert!(asked.is_believed(false, at(second - 1)) && !asked.is_believed(false, at(second)));
            assert!(!asked.is_believed(true, at(second - 8)), "Pods are there that it must have made");
            asked = Asked::now(Found::NotThere, Some(&asked), at(second));
        }
        assert_eq!(rests, [10, 20, 40, 80, 120, 120]);
        let there = Asked::now(Found::There, Some(&asked), at(second));
        assert!(there.is_believed(true, at(second + 299)));
        let gone = Asked::now(Found::NotThere, Some(&there), at(second));
        assert_eq!(gone.again(), at(second + 10));
    }
}
