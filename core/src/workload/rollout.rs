//! Where a rollout stands, as the watch shows it.

use std::sync::Arc;

use super::desired::Desired;
use super::replicas::{Replicas, RevisionCounts};
use super::target::{Target, Why};
use crate::accounting::ledger::Sizes;

/// Where a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// Every wanted Pod is of the revision that is asked for and available, and there is no other.
    Complete,
    /// Something is to be done, or is awaited.
    Going,
    /// No rollout goes on, and each revision has the Pods that it is to have.
    Held,
    /// The workload is being deleted.
    Leaving,
}

/// Where the rollout stands at the second `now`.
pub fn rollout(desired: &Desired, target: &Target, sizes: &Sizes, replicas: &Replicas, now: i64) -> Rollout {
    if target.leaving().is_some() {
        return Rollout::Leaving;
    }
    let wanted = desired.replicas as usize;
    let alive: usize = replicas.revisions().map(|(_, counts)| counts.shown_alive()).sum();
    let is_rolled_out = |revision: &Arc<str>| {
        let counts = replicas.revision(revision);
        sizes.get(revision) == desired.replicas
            && counts.shown_available(desired.min_ready_seconds, now) == wanted
            && (counts.shown_alive(), alive) == (wanted, wanted)
    };
    let is_asked = target.revision() == Some(&desired.asked.name);
    let is_gated = target.held_by() == Some(&Why::Gated);
    match target {
        _ if is_asked && !is_gated && is_rolled_out(&desired.asked.name) => Rollout::Complete,
        // It is rolled back, which is not what is asked for.
        Target::Roll { to } if is_rolled_out(to) => Rollout::Held,
        Target::Hold { .. } if is_filled(sizes, replicas) => Rollout::Held,
        Target::Roll { .. } | Target::Hold { .. } => Rollout::Going,
    }
}

/// Whether each revision has the Pods that it is to have.
fn is_filled(sizes: &Sizes, replicas: &Replicas) -> bool {
    let is_full = |revision: &str| {
        let counts: &RevisionCounts = replicas.revision(revision);
        counts.shown_alive() == sizes.get(revision) as usize
    };
    let named = |(revision, _): (&Arc<str>, _)| is_full(revision);
    sizes.iter().all(|(revision, _)| is_full(revision)) && replicas.revisions().all(named)
}

#[cfg(test)]
mod tests {
    use hooked_crd::HookedWorkloadSpec;

    use super::*;
    use crate::accounting::ledger::Total;
    use crate::workload::replicas::PodFact;
    use crate::workload::target::Leaving;

    /// Two Pods of the revision that is asked for, `new`, are wanted.
    fn desired() -> Desired {
        let spec =
            serde_json::json!({"selector": {}, "replicas": 2, "template": {"spec": {"containers": []}}});
        let spec: HookedWorkloadSpec = serde_json::from_value(spec).unwrap();
        let mut desired = Desired::from_spec(&spec, 0).unwrap();
        desired.asked.name = "new".into();
        desired
    }

    /// Revisions with their sizes, and Pods as (revision, whether it serves).
    fn check(target: &Target, of: &[(&str, u32)], pods: &[(&str, bool)], expect: Rollout) {
        let of = of.iter().map(|(revision, size)| (Arc::from(*revision), *size)).collect();
        let sizes = Sizes::new(of, Total::default());
        let mut replicas = Replicas::default();
        for (number, (revision, serves)) in (1..).zip(pods) {
            let mut fact = PodFact::unseen(number, "web", &format!("u-{number}"), revision, true);
            (fact.seen, fact.ready_since) = (true, serves.then_some(0));
            replicas.observe(fact);
        }
        let is = rollout(&desired(), target, &sizes, &replicas, 0);
        assert_eq!(is, expect, "{target:?} {sizes:?} {pods:?}");
    }

    fn held(at: Option<&str>) -> Target {
        Target::Hold { at: at.map(Arc::from), why: Why::Paused }
    }

    #[test]
    fn a_rollout_is_complete_only_at_the_revision_that_is_asked_for() {
        let roll = Target::Roll { to: "new".into() };
        let (old, new) = ([("old", true), ("old", true)], [("new", true), ("new", true)]);
        check(&roll, &[("new", 2)], &new, Rollout::Complete);
        check(&held(Some("new")), &[("new", 2)], &new, Rollout::Complete);
        check(&held(Some("old")), &[("old", 2)], &old, Rollout::Held);
        check(&held(None), &[("old", 2)], &old, Rollout::Held);
        check(&held(None), &[("new", 2)], &new, Rollout::Held);
        check(&roll, &[("old", 2)], &old, Rollout::Going);
    }

    #[test]
    fn a_rollout_goes_on_while_any_pod_is_missing_or_too_much() {
        let roll = Target::Roll { to: "new".into() };
        check(&roll, &[("new", 2)], &[("new", true), ("new", false)], Rollout::Going);
        check(&roll, &[("new", 2)], &[("new", true)], Rollout::Going);
        check(&roll, &[("new", 2)], &[("new", true), ("new", true), ("old", true)], Rollout::Going);
        check(&roll, &[("new", 1)], &[("new", true), ("new", true)], Rollout::Going);
        check(&held(Some("old")), &[("old", 2)], &[("old", false)], Rollout::Going);
        check(&held(Some("old")), &[("old", 1)], &[("old", false)], Rollout::Held);
        check(&held(Some("old")), &[("old", 1)], &[("old", false), ("new", true)], Rollout::Going);
    }

    #[test]
    fn a_rollout_whose_gate_is_closed_is_never_complete() {
        let gated = Target::Hold { at: Some("new".into()), why: Why::Gated };
        let (old, new) = ([("old", true), ("old", true)], [("new", true), ("new", true)]);
        check(&gated, &[("new", 2)], &new, Rollout::Held);
        let back = Target::Roll { to: "old".into() };
        check(&back, &[("old", 2)], &old, Rollout::Held);
        check(&back, &[("old", 1), ("new", 1)], &[("old", true), ("new", true)], Rollout::Going);
        check(&back, &[("new", 2)], &new, Rollout::Going);
    }

    #[test]
    fn a_workload_that_leaves_has_no_rollout() {
        let why = Why::Leaving(Leaving::WithPods);
        let leaving = Target::Hold { at: Some("new".into()), why };
        check(&leaving, &[("new", 2)], &[("new", true), ("new", true)], Rollout::Leaving);
    }
}
