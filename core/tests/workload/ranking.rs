//! Which Pods go first, beside `ActivePodsWithRanks` of Kubernetes.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hooked_core::accounting::ledger::{Sizes, Total};
use hooked_core::lifecycle::ObservedPod;
use hooked_core::workload::fill::{Floor, surplus};
use hooked_core::workload::replicas::{PodFact, Replicas};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

/// A Pod, as far as its place in the order depends on it.
#[derive(Clone, Debug)]
struct Ranked {
    revision: &'static str,
    node: &'static str,
    phase: &'static str,
    /// Since when it is ready; 0 if it is not.
    ready: i64,
    cost: &'static str,
    restarts: u32,
    sidecar_restarts: u32,
    /// Restarts of a container that is no sidecar, and so is none of the matter.
    init_restarts: u32,
    created: i64,
}

/// One that serves, as all others do.
const PLAIN: Ranked = Ranked {
    revision: "a",
    node: "n",
    phase: "Running",
    ready: 50,
    cost: "",
    restarts: 0,
    sidecar_restarts: 0,
    init_restarts: 0,
    created: 10,
};

fn time(second: i64) -> String {
    Timestamp::from_second(second).unwrap().to_string()
}

impl Ranked {
    fn observed(&self, number: u64) -> ObservedPod {
        let status = |name: &str, restarts: u32| json!({"name": name, "restartCount": restarts});
        let ready = if self.ready > 0 { "True" } else { "False" };
        let pod = json!({
            "metadata": {
                "name": format!("web-{number}"), "uid": format!("u-{number}"),
                "creationTimestamp": time(self.created),
                "labels": {"hooked.dev/revision": self.revision, "hooked.dev/ordinal": number.to_string()},
                "annotations": {"controller.kubernetes.io/pod-deletion-cost": self.cost},
            },
            "spec": {
                "nodeName": (!self.node.is_empty()).then_some(self.node),
                "containers": [{"name": "web"}],
                "initContainers": [{"name": "side", "restartPolicy": "Always"}, {"name": "init"}],
            },
            "status": {
                "phase": self.phase,
                "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": time(self.ready)}],
                "containerStatuses": [status("web", self.restarts)],
                "initContainerStatuses": [
                    status("side", self.sidecar_restarts), status("init", self.init_restarts),
                ],
            },
        });
        serde_json::from_value(pod).unwrap()
    }

    /// Step 4 reads the annotation so.
    fn cost(&self) -> i64 {
        self.cost.parse().unwrap_or(0)
    }
}

/// Those Pods, as a watch has shown them.
fn replicas<'a>(pods: impl Iterator<Item = (u64, &'a Ranked)>) -> Replicas {
    let mut replicas = Replicas::default();
    for (number, pod) in pods {
        replicas.observe(PodFact::of(&pod.observed(number), Timestamp::UNIX_EPOCH));
    }
    replicas
}

/// The numbers of so many Pods of revision `a`, in the order in which they go.
fn first(replicas: &mut Replicas, first: usize) -> Vec<u64> {
    let sizes: Vec<(Arc<str>, u32)> = ["a", "b"]
        .map(|revision| {
            let all = replicas.revision(revision).alive();
            let stay = if revision == "a" { all.saturating_sub(first) } else { all };
            (Arc::from(revision), u32::try_from(stay).unwrap())
        })
        .into();
    let sizes = Sizes::new(sizes, Total::default());
    surplus(&sizes, replicas, &Floor::NONE, 100).iter().map(|pod| pod.number).collect()
}

/// The numbers of so many of these Pods, in the order in which they go.
fn order(pods: &[Ranked], count: usize) -> Vec<u64> {
    first(&mut replicas((1..).zip(pods)), count)
}

/// Of two Pods, the one with this change goes before the one without it.
fn check(step: &str, changed: impl Fn(&mut Ranked, &mut Ranked)) {
    let (mut first, mut second) = (PLAIN, PLAIN);
    changed(&mut first, &mut second);
    assert_eq!(order(&[first.clone(), second.clone()], 1), [1], "{step}");
    assert_eq!(order(&[second, first], 1), [2], "{step}");
}

#[test]
fn each_step_of_the_order_decides_and_outweighs_those_after_it() {
    check("1: unassigned before assigned", |one, other| {
        *one = Ranked { node: "", ready: 0, phase: "Pending", cost: "9", created: 1, ..PLAIN };
        *other = Ranked { ready: 0, phase: "Pending", cost: "1", restarts: 9, ..PLAIN };
    });
    check("2: pending before unknown", |one, other| {
        (one.phase, one.ready, one.cost) = ("Pending", 0, "9");
        (other.phase, other.ready, other.restarts) = ("Unknown", 0, 9);
    });
    check("2: unknown before running", |one, other| {
        (one.phase, one.ready, one.cost) = ("Unknown", 0, "9");
        (other.ready, other.restarts) = (0, 9);
    });
    check("3: not ready before ready", |one, other| {
        (one.ready, one.cost, one.created) = (0, "9", 1);
        (other.cost, other.restarts) = ("1", 9);
    });
    check("4: lower cost before higher", |one, other| {
        (one.cost, one.ready, one.created) = ("-1", 1, 1);
        (other.cost, other.restarts) = ("", 9);
    });
    check("6: ready for less time before ready for longer", |one, other| {
        (one.ready, one.created) = (60, 1);
        other.restarts = 9;
    });
    check("7: more restarts before fewer", |one, other| {
        (one.restarts, one.created) = (2, 1);
        (other.restarts, other.sidecar_restarts) = (1, 9);
    });
    check("7: more restarts of a sidecar before fewer", |one, other| {
        (one.sidecar_restarts, one.created) = (2, 1);
        (other.sidecar_restarts, other.init_restarts) = (1, 9);
    });
    check("8: newer before older", |one, _| one.created = 11);
}

#[test]
fn pods_of_the_workload_on_one_node_go_before_one_that_is_alone() {
    let alone = Ranked { node: "m", ready: 60, restarts: 9, created: 20, ..PLAIN };
    let other = |pod: Ranked| Ranked { revision: "b", ..pod };
    assert_eq!(order(&[alone.clone(), PLAIN, PLAIN], 2), [3, 2]);
    // Those of other revisions are on the node too, if they are wanted.
    assert_eq!(order(&[alone.clone(), PLAIN, other(PLAIN)], 1), [2]);
    let ended = Ranked { phase: "Failed", ready: 0, ..other(PLAIN) };
    assert_eq!(order(&[alone.clone(), PLAIN, ended], 1), [1]);
    // Only those of one cost are compared so.
    assert_eq!(order(&[Ranked { cost: "-1", ..alone }, PLAIN, other(PLAIN)], 1), [1]);
}

/// `ActivePodsWithRanks.Less` of `kubernetes/pkg/controller/controller_utils.go` without `Now`, and in its words.
fn less(i: &Ranked, j: &Ranked, rank: &BTreeMap<&str, usize>) -> bool {
    let ordinal =
        |pod: &Ranked| ["Pending", "Unknown", "Running"].iter().position(|known| *known == pod.phase);
    let is_ready = |pod: &Ranked| pod.ready > 0;
    // 1. Unassigned < assigned
    if i.node != j.node && (i.node.is_empty() || j.node.is_empty()) {
        return i.node.is_empty();
    }
    // 2. PodPending < PodUnknown < PodRunning
    if ordinal(i) != ordinal(j) {
        return ordinal(i) < ordinal(j);
    }
    // 3. Not ready < ready
    if is_ready(i) != is_ready(j) {
        return !is_ready(i);
    }
    // 4. lower pod-deletion-cost < higher pod-deletion cost
    if i.cost() != j.cost() {
        return i.cost() < j.cost();
    }
    // 5. Doubled up < not doubled up
    if rank.get(i.node) != rank.get(j.node) {
        return rank.get(i.node) > rank.get(j.node);
    }
    // 6. Been ready for empty time < less time < more time
    if is_ready(i) && is_ready(j) && i.ready != j.ready {
        return i.ready > j.ready;
    }
    // 7. Pods with containers with higher restart counts < lower restart counts
    if i.restarts != j.restarts {
        return i.restarts > j.restarts;
    }
    if i.sidecar_restarts != j.sidecar_restarts {
        return i.sidecar_restarts > j.sidecar_restarts;
    }
    // 8. Empty creation time pods < newer pods < older pods
    if i.created != j.created {
        return i.created > j.created;
    }
    false
}

fn ranked() -> impl Strategy<Value = Ranked> {
    let bound = (
        prop::sample::select(vec!["n", "m", "o"]),
        prop_oneof![3 => (Just("Running"), 1_i64..4), 1 => (
            prop::sample::select(vec!["Pending", "Unknown", "Running"]), Just(0),
        )],
    );
    let place = prop_oneof![5 => bound, 1 => Just(("", ("Pending", 0)))];
    let cost = prop::sample::select(vec!["", "", "1", "-2", "nothing"]);
    let restarts = (0_u32..2, 0_u32..2, 0_u32..2);
    let of = (prop::sample::select(vec!["a", "a", "b"]), place, cost, restarts, 1_i64..4);
    of.prop_map(|(revision, (node, (phase, ready)), cost, restarts, created)| Ranked {
        revision,
        node,
        phase,
        ready,
        cost,
        restarts: restarts.0,
        sidecar_restarts: restarts.1,
        init_restarts: restarts.2,
        created,
    })
}

/// What becomes of a Pod while others go.
#[derive(Clone, Debug)]
enum Turn {
    /// The watch shows it so.
    Shown(Ranked),
    /// This operator deletes it.
    Deleted,
    /// It is gone.
    Gone,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![6 => ranked().prop_map(Turn::Shown), 1 => Just(Turn::Deleted), 1 => Just(Turn::Gone)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: super::cases(), ..ProptestConfig::default() })]

    #[test]
    fn pods_go_in_the_order_of_a_replica_set(
        pods in prop::collection::vec(ranked(), 1..20), first in 1_usize..20
    ) {
        let mut rank = BTreeMap::new();
        for pod in &pods {
            *rank.entry(pod.node).or_default() += 1;
        }
        let all = order(&pods, pods.len());
        prop_assert_eq!(all.len(), pods.iter().filter(|pod| pod.revision == "a").count());
        let pod = |number: u64| &pods[usize::try_from(number).unwrap() - 1];
        for pair in all.windows(2) {
            prop_assert!(!less(pod(pair[1]), pod(pair[0]), &rank), "{:?}", pair);
        }
        // Where fewer go, it is those that go first.
        let fewer = order(&pods, first);
        prop_assert_eq!(fewer.as_slice(), &all[..first.min(all.len())]);
        prop_assert_eq!(all.first().cmp(&fewer.first()), Ordering::Equal);
    }

    #[test]
    fn the_order_is_the_same_whatever_has_happened_since_it_was_made(
        turns in prop::collection::vec((1_u64..12, turn(), 0_usize..6), 1..60)
    ) {
        let (mut kept, mut pods, mut deleted) = (Replicas::default(), BTreeMap::new(), BTreeSet::new());
        for (number, turn, count) in turns {
            match turn {
                Turn::Shown(pod) if !deleted.contains(&number) => {
                    kept.observe(PodFact::of(&pod.observed(number), Timestamp::UNIX_EPOCH));
                    pods.insert(number, pod);
                }
                // The event is older than the delete.
                Turn::Shown(pod) => kept.observe(PodFact::of(&pod.observed(number), Timestamp::UNIX_EPOCH)),
                Turn::Deleted => {
                    kept.deleted(number);
                    deleted.extend(pods.remove(&number).map(|_| number));
                }
                Turn::Gone => {
                    kept.observe_gone(number);
                    pods.remove(&number);
                    deleted.remove(&number);
                }
            }
            let mut anew = replicas(pods.iter().map(|(number, pod)| (*number, pod)));
            prop_assert_eq!(first(&mut kept, count), first(&mut anew, count));
        }
    }
}
