//! What the API server has said to Pods of a revision, and for how long that is believed.

use hooked_core::workload::desired::Desired;
use hooked_core::workload::template::{Delivery, Runner};
use jiff::{SignedDuration, Timestamp};

use crate::context::Context;

/// How long a verdict is believed that came of a refusal: a quota, a policy or the API server itself may be changed
/// meanwhile, and nothing tells us.
const BELIEVED: SignedDuration = SignedDuration::from_mins(10);

/// How Pods of a revision are made, once the API server has said that it takes them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Vetted {
    /// As written.
    AsWritten,
    /// With this runner, and over the live channel if `live`, wherever it is at that time.
    WithRunner { runner: Runner, live: bool },
    /// As written though the runner was asked for.
    Observed(String),
}

impl Vetted {
    pub(crate) fn apply(self, context: &Context, desired: Desired) -> Desired {
        match self {
            Self::AsWritten => desired,
            Self::WithRunner { runner, live } => {
                let live = context.live.endpoint().filter(|_| live);
                desired.with_runner(&Runner { live, ..runner })
            }
            Self::Observed(reason) => desired.observed_because(reason),
        }
    }
}

/// How Pods are made, and on what that rests.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) vetted: Vetted,
    /// How the runner was to come into the Pods that the server was asked about; none if it was asked about none.
    delivery: Option<Delivery>,
    /// When it is to be asked again; none if nothing was refused.
    pub(crate) until: Option<Timestamp>,
}

impl Verdict {
    /// One that holds for as long as the operator lives.
    pub(crate) fn lasting(vetted: Vetted) -> Self {
        Self { vetted, delivery: None, until: None }
    }

    /// One of Pods with a runner that comes in this way.
    pub(crate) fn with(self, delivery: Delivery) -> Self {
        Self { delivery: Some(delivery), ..self }
    }

    /// One that came of a refusal at that time, or that could not be asked for again.
    pub(crate) fn for_now(self, now: Timestamp) -> Self {
        Self { until: now.checked_add(BELIEVED).ok(), ..self }
    }

    /// Whether it need not be asked for again, where the runner comes into Pods as `detected`, if that is known.
    pub(crate) fn holds(&self, detected: Option<Delivery>, now: Timestamp) -> bool {
        let is_over = self.until.is_some_and(|until| until <= now);
        let comes_otherwise = self.delivery.zip(detected).is_some_and(|(asked, detected)| asked != detected);
        !is_over && !comes_otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed() -> Verdict {
        Verdict::lasting(Vetted::Observed("a policy forbids it".to_owned())).with(Delivery::ImageVolume)
    }

    fn check(verdict: &Verdict, detected: Option<Delivery>, second: i64, expect: bool) {
        let now = Timestamp::from_second(second).unwrap();
        assert_eq!(verdict.holds(detected, now), expect, "{detected:?} after {second} s: {verdict:?}");
    }

    #[test]
    fn a_verdict_of_a_refusal_is_believed_for_ten_minutes_and_a_pass_comes_then() {
        let refused = observed().for_now(Timestamp::UNIX_EPOCH);
        assert_eq!(refused.until, Timestamp::from_second(600).ok());
        check(&refused, Some(Delivery::ImageVolume), 599, true);
        check(&refused, Some(Delivery::ImageVolume), 600, false);
        // Nobody could be asked: the old one goes on for as long again.
        let now = Timestamp::from_second(600).unwrap();
        check(&refused.for_now(now), Some(Delivery::ImageVolume), 1199, true);
    }

    #[test]
    fn a_verdict_is_asked_for_again_when_the_runner_comes_into_pods_in_another_way() {
        for verdict in [observed(), observed().for_now(Timestamp::UNIX_EPOCH)] {
            check(&verdict, Some(Delivery::InitContainer), 1, false);
            check(&verdict, Some(Delivery::ImageVolume), 1, true);
            check(&verdict, None, 1, true);
        }
    }

    #[test]
    fn what_was_taken_holds_for_ever_and_what_needs_no_runner_however_it_comes() {
        check(&observed(), Some(Delivery::ImageVolume), 1_000_000, true);
        let as_written = Verdict::lasting(Vetted::AsWritten);
        for detected in [None, Some(Delivery::ImageVolume), Some(Delivery::InitContainer)] {
            check(&as_written, detected, 1_000_000, true);
        }
    }
}
