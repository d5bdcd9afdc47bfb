//! Why a report is refused: a fixed set, so that it can be a metric's label.

/// Why a report is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not in the form that was agreed upon.
    Malformed,
    /// It is longer than any report can be.
    Oversized,
    /// It took too long to come.
    Slow,
    /// The token is none of the cluster's, or is for somebody else's ears.
    Unauthenticated,
    /// The token has expired.
    Expired,
    /// The token is good, and its Pod has no such run to tell of.
    Foreign,
    /// There are too many of them at once.
    RateLimited,
    /// The token cannot be checked now.
    Unverifiable,
}

/// Every value of the label `result`.
pub(crate) const RESULTS: [&str; 10] = [
    TAKEN,
    DUPLICATE,
    "malformed",
    "oversized",
    "slow",
    "unauthenticated",
    "expired",
    "foreign",
    "rate_limited",
    "unverifiable",
];
/// It said something new.
pub(super) const TAKEN: &str = "taken";
/// It said what was known.
pub(super) const DUPLICATE: &str = "duplicate";

impl Refusal {
    /// Whether the same report may be believed later.
    pub(super) fn is_passing(self) -> bool {
        matches!(self, Self::Slow | Self::Foreign | Self::RateLimited | Self::Unverifiable)
    }

    /// The label's value.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Oversized => "oversized",
            Self::Slow => "slow",
            Self::Unauthenticated => "unauthenticated",
            Self::Expired => "expired",
            Self::Foreign => "foreign",
            Self::RateLimited => "rate_limited",
            Self::Unverifiable => "unverifiable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_own_place_among_the_results() {
        use Refusal::{
            Expired, Foreign, Malformed, Oversized, RateLimited, Slow, Unauthenticated, Unverifiable,
        };
        let all = [Malformed, Oversized, Slow, Unauthenticated, Expired, Foreign, RateLimited, Unverifiable];
        let labels = all.map(Refusal::label);
        assert_eq!([&[TAKEN, DUPLICATE][..], &labels[..]].concat(), RESULTS);
    }
}
