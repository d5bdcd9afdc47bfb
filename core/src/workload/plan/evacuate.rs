//! Leaving without counting: what becomes of the Pods of a deleted workload that cannot be read.

use jiff::Timestamp;

use super::cancel::cancellable;
use super::{Blocked, Plan, PodRef, Rollout};
use crate::lifecycle::infer::SILENCE;
use crate::workload::snapshot::Leaving;
use crate::workload::tally::PodSet;
use crate::workload::{Life, PodFact};

/// Every Pod is stopped, or abandoned, and let go when nothing runs in it any more: what its hooks did can be written
/// down nowhere, so only its own time to stop is waited for.
pub fn evacuate(pods: &PodSet, leaving: Leaving, now: Timestamp) -> Plan {
    let mut plan = Plan::idle(Rollout::Blocked(Blocked::Leaving));
    match leaving {
        Leaving::WithPods => {
            let alive = pods.iter().filter(|fact| fact.life != Life::Terminating);
            plan.delete = alive.filter_map(PodRef::of).collect();
            let ended = pods.iter().filter(|fact| fact.has_finalizer && is_ended(pods, fact, now));
            plan.release = ended.filter_map(PodRef::of).collect();
        }
        Leaving::WithoutPods => plan.abandon = pods.iter().filter_map(PodRef::of).collect(),
    }
    plan.cancel = cancellable(pods);
    plan.let_go = pods.has_no_pods();
    plan
}

/// Whether nothing runs in it any more, or its kubelet was silent for too long to be waited for.
fn is_ended(pods: &PodSet, fact: &PodFact, now: Timestamp) -> bool {
    let never_ran = fact.life == Life::Terminating && fact.seen && !fact.bound;
    let stop = pods.evidence(fact.ordinal).and_then(|evidence| evidence.stop);
    let silent =
        stop.is_some_and(|stop| stop.deadline().saturating_add(SILENCE.as_secs()) <= now.as_second());
    fact.over || never_ran || silent || pods.is_releasable(fact.ordinal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::evidence::{PodEvidence, Stop};

    fn set(change: impl FnOnce(&mut PodFact), stop: Option<Stop>) -> PodSet {
        let mut fact = PodFact::unseen(1, "web-1", "u-1", "rev", true);
        (fact.seen, fact.bound) = (true, true);
        change(&mut fact);
        let mut pods = PodSet::default();
        pods.observe(fact, PodEvidence { stop, ..PodEvidence::default() }, Timestamp::UNIX_EPOCH);
        pods
    }

    fn check(pods: &PodSet, second: i64, deleted: usize, released: usize) {
        let plan = evacuate(pods, Leaving::WithPods, Timestamp::from_second(second).unwrap());
        assert_eq!((plan.delete.len(), plan.release.len(), plan.let_go), (deleted, released, false));
    }

    #[test]
    fn a_pod_is_deleted_and_let_go_only_when_it_has_ended_or_its_kubelet_is_silent() {
        check(&set(|_| {}, None), 0, 1, 0);
        check(&set(|fact| fact.over = true, None), 0, 1, 1);
        let going = |fact: &mut PodFact| fact.life = Life::Terminating;
        let stop = Stop { began: 100, grace: 30, forced: false, exact: true };
        check(&set(going, Some(stop)), 189, 0, 0);
        check(&set(going, Some(stop)), 190, 0, 1);
        let nowhere = |fact: &mut PodFact| (fact.life, fact.bound) = (Life::Terminating, false);
        check(&set(nowhere, None), 0, 0, 1);
    }

    #[test]
    fn orphans_are_abandoned_and_a_pod_of_unknown_uid_is_left_to_be_confirmed() {
        let mut pods = set(|_| {}, None);
        pods.created(PodFact::unseen(2, "web-2", "", "rev", true));
        let plan = evacuate(&pods, Leaving::WithoutPods, Timestamp::UNIX_EPOCH);
        assert_eq!((plan.abandon.len(), plan.delete.len(), plan.let_go), (1, 0, false));
        assert!(evacuate(&PodSet::default(), Leaving::WithPods, Timestamp::UNIX_EPOCH).let_go);
    }
}
