//! What becomes of a report, and why one is refused: a closed set, so that it can be a metric's label.

/// Declares [`Refusal`] with its labels and lists all of [`ReportResult`], so that a new refusal cannot be
/// left out.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)+) => {
        /// Why a report is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Refusal {
            $($(#[$doc])* $name,)+
        }

        impl Refusal {
            /// The refusal as a word of the protocol and as a metric's label.
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)+
                }
            }
        }

        impl ReportResult {
            /// Every result.
            pub const ALL: &'static [Self] =
                &[Self::Taken, Self::Duplicate, $(Self::Refused(Refusal::$name),)+];
        }
    };
}

/// What has become of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportResult {
    /// The report was news.
    Taken,
    /// The report held nothing new.
    Duplicate,
    /// The report was refused.
    Refused(Refusal),
}

refusals! {
    /// The report is not in the form that the protocol asks for.
    Malformed = "malformed",
    /// The report is longer than any report can be.
    Oversized = "oversized",
    /// The report took too long to come.
    Slow = "slow",
    /// The token is none of the cluster's, or is meant for another audience.
    Unauthenticated = "unauthenticated",
    /// The token has expired.
    Expired = "expired",
    /// The token is good, but its Pod has no such run.
    Foreign = "foreign",
    /// Too many reports or connections come at once.
    RateLimited = "rate_limited",
    /// The token cannot be checked now.
    Unverifiable = "unverifiable",
}

impl Refusal {
    /// Whether the same report may be accepted later.
    pub(crate) fn is_passing(self) -> bool {
        matches!(self, Self::Slow | Self::Foreign | Self::RateLimited | Self::Unverifiable)
    }
}

impl ReportResult {
    /// The result as a metric's label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Duplicate => "duplicate",
            Self::Refused(refusal) => refusal.label(),
        }
    }
}

impl From<Refusal> for ReportResult {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
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
        let results: Vec<_> = ReportResult::ALL.iter().map(|result| result.label()).collect();
        assert_eq!([&["taken", "duplicate"][..], &labels[..]].concat(), results);
    }
}
