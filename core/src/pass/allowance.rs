//! How many Events about its sizes a workload may send: a rollout of thousands of Pods takes thousands of steps.

use jiff::{SignedDuration, Timestamp};

/// At once, as Kubernetes' own components let one object have (`EventCorrelator` of client-go).
const MOST: i32 = 25;
/// Then one each of these; those of Kubernetes wait for five minutes.
const EACH: SignedDuration = SignedDuration::from_secs(10);

/// How many Events may be sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowance {
    /// When the whole allowance is there again; none if nothing of it was ever taken.
    whole_at: Option<Timestamp>,
}

impl Allowance {
    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        let from = self.whole_at.map_or(now, |whole| whole.max(now));
        let Ok(whole_at) = from.checked_add(EACH) else { return false };
        if whole_at.duration_since(now) > EACH * MOST {
            return false;
        }
        self.whole_at = Some(whole_at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a hundred may be sent at that second.
    fn check(allowance: &mut Allowance, second: i64, expect: usize) {
        let now = Timestamp::from_second(second).unwrap();
        assert_eq!((0..100).filter(|_| allowance.take(now)).count(), expect, "second {second}");
    }

    #[test]
    fn some_are_sent_at_once_and_then_one_now_and_then() {
        let mut allowance = Allowance::default();
        check(&mut allowance, 1000, 25);
        check(&mut allowance, 1009, 0);
        check(&mut allowance, 1010, 1);
        check(&mut allowance, 1050, 4);
        check(&mut allowance, 9000, 25);
    }
}
