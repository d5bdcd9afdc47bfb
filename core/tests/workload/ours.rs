//! Our operator on the same Pods: sizes, and what they ask for. What must hold at every step is checked here.

use std::sync::Arc;

use hooked_core::accounting::ledger::Sizes;
use hooked_core::workload::desired::{Desired, Strategy};
use hooked_core::workload::fill::{Floor, missing, surplus};
use hooked_core::workload::replicas::{Life, PodFact, Replicas};
use hooked_core::workload::resize::{Basis, resize};
use hooked_core::workload::target::{Target, Why};
use serde_json::json;

use crate::spec::{Limit, Pods, Spec};

/// Names in whose order nothing follows: neither age nor size.
const NAMES: [&str; 8] = ["m", "x", "c", "t", "a", "z", "k", "q"];

#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) pods: Pods,
    sizes: Option<Sizes>,
    /// The revision that was rolled to last.
    at: Option<usize>,
    /// How many Pods are deleted at once.
    batch: usize,
}

fn name(revision: usize) -> &'static str {
    NAMES[revision]
}

fn number(name: &str) -> usize {
    NAMES.iter().position(|known| *known == name).unwrap()
}

fn desired(spec: &Spec) -> Desired {
    let limit = |limit| match limit {
        Limit::Pods(pods) => json!(pods),
        Limit::Percent(percent) => json!(format!("{percent}%")),
    };
    let strategy = match spec.rolling {
        None => json!({"type": "Recreate"}),
        Some((surge, unavailable)) => {
            json!({"rollingUpdate": {"maxSurge": limit(surge), "maxUnavailable": limit(unavailable)}})
        }
    };
    let whole = json!({
        "selector": {}, "replicas": spec.replicas, "minReadySeconds": spec.min_ready, "strategy": strategy,
        "template": {"spec": {"containers": []}},
    });
    let mut desired = Desired::from_spec(&serde_json::from_value(whole).unwrap(), 0).unwrap();
    desired.asked.name = name(spec.asked).into();
    desired
}

/// How many Pods a rollout may have at most, and how many must serve.
fn limits(desired: &Desired) -> (u32, u32) {
    match desired.strategy {
        Strategy::Recreate => (desired.replicas, 0),
        Strategy::RollingUpdate { surge, unavailable } => {
            (desired.replicas + surge, desired.replicas.saturating_sub(unavailable))
        }
    }
}

impl Ours {
    pub(crate) fn new(batch: usize) -> Self {
        Self { pods: Pods::default(), sizes: None, at: None, batch }
    }

    /// What the watch shows.
    fn replicas(&self) -> Replicas {
        let mut replicas = Replicas::default();
        for pod in &self.pods.all {
            let (uid, revision) = (format!("u-{}", pod.number), name(pod.revision));
            let mut fact = PodFact::unseen(pod.number, "web", &uid, revision, true);
            (fact.seen, fact.bound, fact.ready_since, fact.over) = (true, true, pod.ready_since, pod.over);
            fact.life = match (pod.terminating, pod.over) {
                (true, _) => Life::Terminating,
                (false, true) => Life::Ended,
                (false, false) => Life::Alive,
            };
            replicas.observe(fact);
        }
        replicas
    }

    /// Commits sizes; true if they are new.
    pub(crate) fn resize(&mut self, spec: &Spec) -> bool {
        let (desired, replicas, now) = (desired(spec), self.replicas(), self.pods.now);
        if !spec.paused {
            self.at = Some(spec.asked);
        }
        let at = self.at.map(|revision| Arc::from(name(revision)));
        let target = match at {
            Some(to) if !spec.paused => Target::Roll { to },
            at => Target::Hold { at, why: Why::Paused },
        };
        let joining = &std::collections::BTreeSet::new();
        let basis = Basis { desired: &desired, target: &target, replicas: &replicas, joining, now };
        let sizes = resize(self.sizes.as_ref(), &basis);
        let (most, _) = limits(&desired);
        let before = self.sizes.as_ref().map_or(most, Sizes::total);
        assert!(sizes.total() <= most.max(before), "{before} became {sizes:?}, at most {most}");
        let is_new = self.sizes.as_ref() != Some(&sizes);
        self.sizes = Some(sizes);
        is_new
    }

    /// Deletes one batch of what is too much; false if there was none.
    pub(crate) fn delete(&mut self, spec: &Spec) -> bool {
        let (desired, mut replicas, now) = (desired(spec), self.replicas(), self.pods.now);
        let sizes = self.sizes.clone().unwrap_or_default();
        let (_, must_serve) = limits(&desired);
        let available = self.pods.available(spec.min_ready);
        let batch = surplus(&sizes, &mut replicas, &Floor::of(&desired, now), self.batch);
        for pod in &batch {
            self.pods.delete(pod.number);
        }
        let left = self.pods.available(spec.min_ready);
        assert!(left == available || left >= must_serve as usize, "{left} of {must_serve} left: {batch:?}");
        !batch.is_empty()
    }

    /// Makes what is missing: each revision has its size, but for places that are taken by Pods which are too many and
    /// must serve. False if nothing was.
    pub(crate) fn create(&mut self, spec: &Spec) -> bool {
        let sizes = self.sizes.clone().unwrap_or_default();
        let before = self.pods.alive();
        for (revision, lacking) in missing(&sizes, &self.replicas()) {
            for _ in 0..lacking {
                self.pods.make(number(&revision));
            }
        }
        let (most, alive) = (limits(&desired(spec)).0 as usize, self.pods.alive());
        for (revision, size) in sizes.iter() {
            let pods = self.pods.of(number(revision)).filter(|pod| pod.is_alive()).count();
            let is_full = alive >= sizes.made_for.most as usize || self.pods.is_full();
            assert!(pods >= size as usize || is_full, "{revision} has {pods} Pods of {size}: {self:?}");
        }
        assert!(alive <= most.max(before), "{before} Pods became {alive}, at most {most}: {sizes:?}");
        alive != before
    }

    /// All is done: there are just the Pods that the sizes ask for, and no more than a rollout may have.
    pub(crate) fn is_filled(&self, spec: &Spec) {
        let total = self.sizes.as_ref().map_or(0, Sizes::total);
        let (most, _) = limits(&desired(spec));
        assert!(
            (self.pods.alive() == total as usize || self.pods.is_full()) && total <= most,
            "{} Pods, at most {most}: {self:?}",
            self.pods.alive()
        );
    }

    /// The sizes of the revisions that have one, the oldest first.
    pub(crate) fn sizes(&self) -> Vec<(usize, i64)> {
        let sizes = self.sizes.iter().flat_map(Sizes::iter).filter(|(_, size)| *size > 0);
        sizes.map(|(revision, size)| (number(revision), i64::from(size))).collect()
    }
}
