//! Which Pods to make, remove and let go.

mod cancel;
mod evacuate;
mod refresh;
mod release;
mod rollout;

use std::sync::Arc;

use jiff::Timestamp;

use crate::lifecycle::MAX_ORDINAL;
use crate::workload::snapshot::{Leaving, Snapshot};
use crate::workload::template::pod_name;
use crate::workload::{Life, PodFact};

pub use evacuate::evacuate;
pub use rollout::{Blocked, Rollout};

/// The most Pods created in one pass: the status is written in between, as a ReplicaSet's is (burstReplicas).
pub const BURST: usize = 500;

/// A Pod to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPod {
    /// Its number.
    pub ordinal: u64,
    /// Its name.
    pub name: String,
}

/// A Pod to act on: only this very one, and no other of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRef {
    /// Its number.
    pub ordinal: u64,
    /// Its name.
    pub name: Arc<str>,
    /// Its UID.
    pub uid: Arc<str>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Pods to create, of the desired revision.
    pub create: Vec<NewPod>,
    /// Pods to delete.
    pub delete: Vec<PodRef>,
    /// Pods that our finalizer lets go.
    pub release: Vec<PodRef>,
    /// Pods that lose finalizer and owner and live on.
    pub abandon: Vec<PodRef>,
    /// Pods whose running hooks are to be stopped.
    pub cancel: Vec<PodRef>,
    /// Pods that are to be told where the operator is reached now.
    pub refresh: Vec<PodRef>,
    /// Where the rollout stands.
    pub rollout: Rollout,
    /// Nothing is left to do and the workload may go.
    pub let_go: bool,
    /// When a Pod will have become available.
    pub wake: Option<Timestamp>,
}

impl Plan {
    fn idle(rollout: Rollout) -> Self {
        Self {
            create: Vec::new(),
            delete: Vec::new(),
            release: Vec::new(),
            abandon: Vec::new(),
            cancel: Vec::new(),
            refresh: Vec::new(),
            rollout,
            let_go: false,
            wake: None,
        }
    }
}

/// Decides what is to be done.
pub fn plan(snapshot: &Snapshot<'_>) -> Plan {
    let release = release::releasable(snapshot);
    let mut plan = match snapshot.leaving {
        Some(leaving) => leave(snapshot, leaving),
        None => stay(snapshot),
    };
    plan.release = release;
    plan.cancel = cancel::cancellable(snapshot.pods);
    let (refresh, more) = refresh::outdated(snapshot);
    plan.refresh = refresh;
    if more {
        plan.wake = Some(snapshot.now);
    }
    plan
}

/// Every Pod is stopped, or abandoned; the workload goes when nothing is left to count.
fn leave(snapshot: &Snapshot<'_>, leaving: Leaving) -> Plan {
    let mut plan = Plan::idle(Rollout::Blocked(Blocked::Leaving));
    let known = snapshot.pods.iter();
    match leaving {
        Leaving::WithPods => {
            plan.delete =
                known.filter(|fact| fact.life != Life::Terminating).filter_map(PodRef::of).collect();
            plan.let_go = snapshot.pods.is_empty();
        }
        Leaving::WithoutPods => {
            plan.abandon = known.filter_map(PodRef::of).collect();
            plan.let_go = snapshot.pods.has_no_pods();
        }
    }
    plan
}

fn stay(snapshot: &Snapshot<'_>) -> Plan {
    let rollout = rollout::rollout(snapshot);
    let mut create = unconfirmed(snapshot);
    let mut delete = Vec::new();
    if let Rollout::Step { create: more, delete: victims } = &rollout {
        create.extend(numbered(snapshot, (*more).min(BURST)));
        delete =
            victims.iter().filter_map(|ordinal| snapshot.pods.get(*ordinal)).filter_map(PodRef::of).collect();
    }
    let wake = next_available(snapshot);
    Plan { create, delete, wake, ..Plan::idle(rollout) }
}

/// Creates whose reply was lost are sent again: the name is the same, so there cannot be two.
fn unconfirmed(snapshot: &Snapshot<'_>) -> Vec<NewPod> {
    let made = snapshot.desired.made_revision(snapshot.admitted);
    let pods = snapshot.pods.unconfirmed().filter(|fact| Some(&*fact.revision) == made);
    pods.map(|fact| NewPod { ordinal: fact.ordinal, name: fact.name.to_string() }).collect()
}

/// Numbers that no Pod has had: above the highest one counted and the highest one present.
fn numbered<'a>(snapshot: &'a Snapshot<'_>, pods: usize) -> impl Iterator<Item = NewPod> + 'a {
    let used = snapshot.committed.high_water.max(snapshot.pods.highest_ordinal());
    let used = used.max(snapshot.pods.numbered_above());
    let (owner, revision) = (snapshot.owner, &snapshot.desired.revision);
    (used.saturating_add(1)..=MAX_ORDINAL)
        .take(pods)
        .map(|ordinal| NewPod { ordinal, name: pod_name(&owner.name, &owner.uid, revision, ordinal) })
}

fn next_available(snapshot: &Snapshot<'_>) -> Option<Timestamp> {
    let (min_ready, now) = (snapshot.desired.min_ready_seconds, snapshot.now.as_second());
    let next =
        snapshot.pods.revisions().filter_map(|(_, tally)| tally.next_available(min_ready, now)).min()?;
    Timestamp::from_second(next).ok()
}

impl PodRef {
    /// None for a Pod of which nobody knows whether it is there: without its UID any other could be meant.
    fn of(fact: &PodFact) -> Option<Self> {
        let named = Self { ordinal: fact.ordinal, name: Arc::clone(&fact.name), uid: Arc::clone(&fact.uid) };
        (!fact.uid.is_empty()).then_some(named)
    }
}

#[cfg(test)]
mod tests {
    use hooked_crd::HookedWorkloadSpec;

    use super::*;
    use crate::accounting::ledger::Ledger;
    use crate::lifecycle::evidence::PodEvidence;
    use crate::workload::desired::{Desired, PodHooks};
    use crate::workload::tally::PodSet;
    use crate::workload::template::Owner;

    fn desired() -> Desired {
        let spec =
            serde_json::json!({"selector": {}, "replicas": 2, "template": {"spec": {"containers": []}}});
        let spec: HookedWorkloadSpec = serde_json::from_value(spec).unwrap();
        Desired::from_spec(&spec, 0).unwrap()
    }

    fn revision() -> String {
        desired().revision
    }

    fn check(pods: &PodSet, high_water: u64, leaving: Option<Leaving>, expect: &Plan) {
        assert_eq!(&decide(&desired(), pods, high_water, true, leaving), expect);
    }

    fn decide(
        desired: &Desired,
        pods: &PodSet,
        high_water: u64,
        admitted: bool,
        leaving: Option<Leaving>,
    ) -> Plan {
        let owner = &Owner { name: "web".to_owned(), uid: "w".to_owned() };
        let committed = &Ledger { high_water, ..Ledger::default() };
        let (live, now) = (None, Timestamp::UNIX_EPOCH);
        plan(&Snapshot { owner, desired, pods, committed, admitted, leaving, live, now })
    }

    /// Three old Pods that serve and a new one that does not yet, of a workload that was paused in a rollout.
    fn check_paused(strategy: &serde_json::Value, replicas: u32, deleted: &[u64]) {
        let spec = serde_json::json!({
            "selector": {}, "replicas": replicas, "strategy": strategy, "template": {"spec": {"containers": []}},
        });
        let desired = Desired::from_spec(&serde_json::from_value(spec).unwrap(), 0).unwrap();
        let (template, hooks) = (desired.template.clone(), PodHooks::default());
        let desired = desired.held_at("new".to_owned(), template, hooks).unwrap();
        let mut pods = PodSet::default();
        for (ordinal, revision, ready) in
            [(1, "old", Some(0)), (2, "old", Some(0)), (3, "old", Some(0)), (4, "new", None)]
        {
            let mut fact = PodFact::unseen(ordinal, "web", &format!("u-{ordinal}"), revision, true);
            (fact.seen, fact.ready_since) = (true, ready);
            pods.observe(fact, PodEvidence::default(), Timestamp::UNIX_EPOCH);
        }
        let plan = decide(&desired, &pods, 4, true, None);
        let ordinals: Vec<u64> = plan.delete.iter().map(|pod| pod.ordinal).collect();
        assert_eq!((ordinals.as_slice(), plan.create.len()), (deleted, 0), "{strategy} {replicas}");
    }

    #[test]
    fn a_workload_that_is_paused_in_a_rollout_keeps_its_surge_and_loses_what_does_not_serve_first() {
        let rolling = |surge| serde_json::json!({"rollingUpdate": {"maxSurge": surge, "maxUnavailable": 0}});
        check_paused(&rolling(1), 3, &[]);
        check_paused(&rolling(1), 2, &[4]);
        check_paused(&rolling(1), 1, &[4, 3]);
        check_paused(&rolling(1), 0, &[4, 3, 2, 1]);
        check_paused(&serde_json::json!({"type": "Recreate"}), 3, &[4]);
    }

    /// Two Pods are wanted and available, at the revision at which the workload is held.
    fn check_done(desired: &Desired, expect: &Rollout) {
        let mut pods = PodSet::default();
        for ordinal in [1, 2] {
            let mut fact = PodFact::unseen(ordinal, "web", &format!("u-{ordinal}"), &desired.revision, true);
            (fact.seen, fact.ready_since) = (true, Some(0));
            pods.observe(fact, PodEvidence::default(), Timestamp::UNIX_EPOCH);
        }
        assert_eq!(&decide(desired, &pods, 2, true, None).rollout, expect, "{desired:?}");
    }

    #[test]
    fn a_rollout_is_not_done_while_a_workload_is_held_at_another_template_than_it_asks_for() {
        let held_at = |revision: &str| {
            let (template, hooks) = (desired().template, PodHooks::default());
            desired().held_at(revision.to_owned(), template, hooks).unwrap()
        };
        check_done(&held_at("old"), &Rollout::Blocked(Blocked::Paused));
        check_done(&held_at(&revision()), &Rollout::Done);
        check_done(&desired(), &Rollout::Done);
        check_done(&desired().without_revision(), &Rollout::Blocked(Blocked::Paused));
    }

    /// Two Pods are wanted; `pods` of the revision `old` are there, numbered from 1.
    fn check_refused(desired: &Desired, pods: u64, created: &[u64], deleted: &[u64], rollout: &Rollout) {
        let mut set = PodSet::default();
        for ordinal in 1..=pods {
            let mut fact =
                PodFact::unseen(ordinal, &format!("web-{ordinal}"), &format!("u-{ordinal}"), "old", true);
            (fact.seen, fact.ready_since) = (true, Some(0));
            set.observe(fact, PodEvidence::default(), Timestamp::UNIX_EPOCH);
        }
        let plan = decide(desired, &set, pods, false, None);
        let ordinals = (
            plan.create.iter().map(|pod| pod.ordinal).collect::<Vec<_>>(),
            plan.delete.iter().map(|pod| pod.ordinal).collect::<Vec<_>>(),
        );
        assert_eq!(ordinals, (created.to_vec(), deleted.to_vec()), "{pods} Pods");
        assert_eq!(&plan.rollout, rollout, "{pods} Pods");
        let names = created.iter().map(|ordinal| pod_name("web", "w", "old", *ordinal));
        assert!(names.eq(plan.create.into_iter().map(|pod| pod.name)), "of another revision");
    }

    #[test]
    fn a_workload_whose_template_is_refused_is_scaled_and_its_pods_replaced_at_the_revision_before() {
        let template = serde_json::json!({"spec": {"containers": []}});
        let held = desired().held_at("old".to_owned(), template, PodHooks::default()).unwrap();
        let step = |create, delete| Rollout::Step { create, delete };
        check_refused(&held, 0, &[1, 2], &[], &step(2, vec![]));
        check_refused(&held, 1, &[2], &[], &step(1, vec![]));
        check_refused(&held, 2, &[], &[], &Rollout::Blocked(Blocked::InvalidTemplate));
        check_refused(&held, 3, &[], &[3], &step(0, vec![3]));
    }

    #[test]
    fn a_refused_template_without_one_before_makes_no_pod_and_is_scaled_down() {
        let refused = Rollout::Blocked(Blocked::InvalidTemplate);
        for desired in [desired(), desired().without_revision()] {
            check_refused(&desired, 0, &[], &[], &refused);
            check_refused(&desired, 1, &[], &[], &refused);
            check_refused(&desired, 3, &[], &[3], &Rollout::Step { create: 0, delete: vec![3] });
        }
    }

    #[test]
    fn a_create_whose_reply_was_lost_is_sent_again_only_while_its_revision_is_made() {
        let check_sent = |desired: &Desired, admitted, expect: &[u64]| {
            let mut pods = PodSet::default();
            for ordinal in [1, 2] {
                pods.created(PodFact::unseen(ordinal, "web", "", &desired.revision, true));
            }
            let plan = decide(desired, &pods, 2, admitted, None);
            let sent: Vec<u64> = plan.create.iter().map(|pod| pod.ordinal).collect();
            assert_eq!(sent, expect);
        };
        check_sent(&desired(), true, &[1, 2]);
        check_sent(&desired(), false, &[]);
        check_sent(&desired().without_revision(), true, &[]);
    }

    #[test]
    fn no_pod_is_asked_for_whose_number_could_not_be_kept() {
        let none = Plan::idle(Rollout::Step { create: 2, delete: Vec::new() });
        check(&PodSet::default(), MAX_ORDINAL, None, &none);
        check(&PodSet::default(), u64::MAX, None, &none);
    }

    #[test]
    fn an_operator_numbers_pods_above_those_that_the_one_before_may_still_be_making() {
        let mut pods = PodSet::default();
        pods.begin_numbering(507);
        pods.begin_numbering(0);
        let made = |ordinal| NewPod { ordinal, name: pod_name("web", "w", &revision(), ordinal) };
        let rollout = Rollout::Step { create: 2, delete: Vec::new() };
        check(&pods, 7, None, &Plan { create: vec![made(508), made(509)], ..Plan::idle(rollout) });
    }

    #[test]
    fn a_pod_of_unknown_uid_is_neither_deleted_nor_abandoned_and_the_workload_waits_for_it() {
        let mut pods = PodSet::default();
        pods.created(PodFact::unseen(1, "web-1", "", "old", true));
        for leaving in [Leaving::WithPods, Leaving::WithoutPods] {
            check(&pods, 1, Some(leaving), &Plan::idle(Rollout::Blocked(Blocked::Leaving)));
        }
    }
}
