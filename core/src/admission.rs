//! What the API server says to Pods of a revision, and for how long that is believed.

use jiff::{SignedDuration, Timestamp};

use crate::accounting::ledger::Unrunnable;
use crate::lifecycle::LiveEndpoint;
use crate::workload::revision::{Measuring, PodSource, Revision};
use crate::workload::template::{InjectError, Offer, Runner};

/// How long an answer is believed that came of a refusal of the runner: a quota, a policy or the API server itself may
/// be changed meanwhile, and nothing tells us.
const BELIEVED: SignedDuration = SignedDuration::from_mins(10);
/// How long it is believed that a service account has no pull Secrets: a controller may be about to give some to a new
/// one.
const NO_SECRETS_BELIEVED: SignedDuration = SignedDuration::from_mins(1);
/// How long a refusal of the template is believed; a changed template is asked about at once.
const REFUSAL_BELIEVED: SignedDuration = SignedDuration::from_secs(30);

/// How Pods of a revision are made, once the API server has said that it takes them.
#[derive(Clone, Debug, PartialEq)]
pub enum Making {
    /// As written.
    AsWritten,
    /// With this runner, and over the live channel if `live`, wherever that is at the time.
    WithRunner {
        /// The runner.
        runner: Runner,
        /// Whether it reports over the live channel.
        live: bool,
    },
    /// As written though the runner was asked for, for this reason.
    Observed(String),
    /// As written though the API server takes them with the runner: it cannot run in them, as one has shown.
    CannotRun(Unrunnable),
}

/// What the API server says to Pods of a revision.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It takes them.
    Taken(Making),
    /// It refuses them whatever we do, in these words.
    Malformed(String),
}

/// What the API server says to Pods of a revision, and on what that rests.
#[derive(Clone, Debug)]
pub struct Admission {
    /// What it says.
    pub verdict: Verdict,
    /// What there was of the runner for these Pods; none if they need none.
    basis: Option<Result<Offer, InjectError>>,
    /// When it is to be asked again; none if nothing was refused.
    pub until: Option<Timestamp>,
}

impl Admission {
    /// One that holds for as long as the operator lives.
    pub fn lasting(making: Making) -> Self {
        Self { verdict: Verdict::Taken(making), basis: None, until: None }
    }

    /// A refusal of the template at that time.
    pub fn malformed(words: String, now: Timestamp) -> Self {
        let until = now.checked_add(REFUSAL_BELIEVED).ok();
        Self { verdict: Verdict::Malformed(words), basis: None, until }
    }

    /// One that rests on what there was of the runner.
    #[must_use]
    pub fn of(self, basis: Option<Result<Offer, InjectError>>) -> Self {
        Self { basis, ..self }
    }

    /// One that came of a refusal at that time, or that could not be asked for again. What is to be asked again earlier
    /// stays so.
    #[must_use]
    pub fn for_now(self, now: Timestamp) -> Self {
        let believed =
            if matches!(self.verdict, Verdict::Malformed(_)) { REFUSAL_BELIEVED } else { BELIEVED };
        self.at_most(believed, now)
    }

    /// One that names the pull Secrets which a service account has at that time, if it `has_any`. A list that was empty
    /// when it `was_asked_before` is believed for as long as any other.
    #[must_use]
    pub fn of_account(self, has_any: bool, was_asked_before: bool, now: Timestamp) -> Self {
        let believed = if has_any || was_asked_before { BELIEVED } else { NO_SECRETS_BELIEVED };
        self.at_most(believed, now)
    }

    fn at_most(self, believed: SignedDuration, now: Timestamp) -> Self {
        let earlier = self.until.filter(|until| *until > now);
        let until = earlier.into_iter().chain(now.checked_add(believed).ok()).min();
        Self { until, ..self }
    }

    /// One that a refusal of a real Pod has called into question at that time: it is asked for again.
    pub(crate) fn doubt(&mut self, now: Timestamp) {
        self.until = Some(now);
    }

    /// The same where a Pod of the revision may have shown that the runner cannot run.
    #[must_use]
    pub fn as_shown(self, shown: Option<&Unrunnable>) -> Self {
        match (&self.verdict, shown) {
            (Verdict::Taken(Making::WithRunner { .. }), Some(shown)) => {
                Self { verdict: Verdict::Taken(Making::CannotRun(shown.clone())), ..self }
            }
            _ => self,
        }
    }

    /// Pods of `revision`, whose runners reach the operator at `endpoint`. What is refused is made as it is written: a
    /// create says why.
    pub fn source(&self, revision: &Revision, endpoint: Option<LiveEndpoint>) -> PodSource {
        match &self.verdict {
            Verdict::Taken(making) => making.source(revision, endpoint),
            Verdict::Malformed(_) => revision.as_written(Measuring::Observed),
        }
    }

    /// Whether it need not be asked for again, where there is `now_offered` of the runner.
    pub fn holds(&self, now_offered: Option<&Result<Offer, InjectError>>, now: Timestamp) -> bool {
        let is_over = self.until.is_some_and(|until| until <= now);
        !is_over && self.basis.as_ref() == now_offered
    }
}

impl Making {
    /// Pods of `revision`, made so, whose runners reach the operator at `endpoint`.
    pub fn source(&self, revision: &Revision, endpoint: Option<LiveEndpoint>) -> PodSource {
        match self {
            Self::AsWritten => revision.as_written(Measuring::Observed),
            Self::WithRunner { runner, live } => {
                let live = endpoint.filter(|_| *live);
                revision.with_runner(&Runner { live, ..runner.clone() })
            }
            Self::Observed(reason) => revision.as_written(Measuring::Unavailable(reason.clone())),
            Self::CannotRun(shown) => revision.as_written(Measuring::CannotRun(shown.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::Inability;
    use crate::workload::template::Delivery;

    fn offered(delivery: Delivery) -> Offer {
        Offer { image: "hooked".to_owned(), pull_secret: None, deliveries: vec![delivery] }
    }

    fn observed() -> Admission {
        let observed = Making::Observed("a policy forbids it".to_owned());
        Admission::lasting(observed).of(Some(Ok(offered(Delivery::ImageVolume))))
    }

    fn check(admission: &Admission, delivery: Delivery, second: i64, expect: bool) {
        let now = Timestamp::from_second(second).unwrap();
        let offered = Some(Ok(offered(delivery)));
        assert_eq!(admission.holds(offered.as_ref(), now), expect, "{delivery:?} after {second} s");
    }

    #[test]
    fn a_refusal_of_the_runner_is_believed_for_ten_minutes() {
        let refused = observed().for_now(Timestamp::UNIX_EPOCH);
        assert_eq!(refused.until, Timestamp::from_second(600).ok());
        check(&refused, Delivery::ImageVolume, 599, true);
        check(&refused, Delivery::ImageVolume, 600, false);
        // Nobody could be asked: the old one goes on for as long again.
        let now = Timestamp::from_second(600).unwrap();
        check(&refused.for_now(now), Delivery::ImageVolume, 1199, true);
    }

    #[test]
    fn a_refusal_of_the_template_is_believed_and_asked_about_again() {
        let refused = Admission::malformed("spec.template.spec: no".to_owned(), Timestamp::UNIX_EPOCH);
        let refused = refused.of(Some(Ok(offered(Delivery::ImageVolume))));
        check(&refused, Delivery::ImageVolume, 29, true);
        check(&refused, Delivery::ImageVolume, 30, false);
    }

    #[test]
    fn what_is_to_be_asked_again_soon_is_not_put_off() {
        let at = |admission: &Admission| admission.until.unwrap().as_second();
        let now = Timestamp::from_second(1000).unwrap();
        let refused = Admission::malformed("no".to_owned(), Timestamp::from_second(990).unwrap());
        assert_eq!((at(&refused), at(&refused.clone().for_now(now))), (1020, 1020));
        let later = Timestamp::from_second(1020).unwrap();
        assert_eq!(at(&refused.for_now(later)), 1050, "a refusal of the template is asked about soon");
        let of_account = |has_any, before| observed().of_account(has_any, before, now);
        assert_eq!(at(&of_account(false, false)), 1060);
        assert_eq!(at(&of_account(false, false).for_now(now)), 1060);
        for (has_any, before) in [(true, false), (true, true), (false, true)] {
            assert_eq!(at(&of_account(has_any, before)), 1600, "{has_any} {before}");
        }
    }

    #[test]
    fn an_answer_is_asked_for_again_when_the_offer_is_another() {
        for admission in [observed(), observed().for_now(Timestamp::UNIX_EPOCH)] {
            check(&admission, Delivery::InitContainer, 1, false);
            check(&admission, Delivery::ImageVolume, 1, true);
            let misfit = Some(Err(InjectError::OtherSystem("windows".to_owned())));
            assert!(!admission.holds(misfit.as_ref(), Timestamp::UNIX_EPOCH));
            assert!(admission.of(misfit.clone()).holds(misfit.as_ref(), Timestamp::UNIX_EPOCH));
        }
    }

    #[test]
    fn pods_whose_runner_cannot_run_are_made_without_it_whatever_the_server_takes() {
        let shown = Unrunnable { inability: Inability::Forbidden, node: None, last: 0 };
        let runner = Runner::new("hooked".to_owned(), Delivery::ImageVolume);
        let taken = Admission::lasting(Making::WithRunner { runner, live: true });
        let verdict = |admission: Admission| admission.as_shown(Some(&shown)).verdict;
        assert_eq!(verdict(taken.clone()), Verdict::Taken(Making::CannotRun(shown.clone())));
        assert_eq!(taken.clone().as_shown(None).verdict, taken.verdict);
        assert_eq!(verdict(observed()), observed().verdict);
        let refused = Admission::malformed("no".to_owned(), Timestamp::UNIX_EPOCH);
        assert_eq!(verdict(refused.clone()), refused.verdict);
    }

    #[test]
    fn what_was_taken_holds_for_ever_and_so_does_what_needs_no_runner() {
        check(&observed(), Delivery::ImageVolume, 1_000_000, true);
        let as_written = Admission::lasting(Making::AsWritten);
        assert!(as_written.holds(None, Timestamp::from_second(1_000_000).unwrap()));
    }
}
