//! What revisions are to have, one step at a time.

mod held;
mod keep;
mod roll;
mod scale;

use std::collections::BTreeSet;
use std::sync::Arc;

use hooked_crd::HookedWorkloadSpec;
use serde_json::{Value, json};

use super::{Basis, resize};
use crate::accounting::ledger::{Sizes, Total};
use crate::workload::desired::Desired;
use crate::workload::fill::{Floor, missing, surplus};
use crate::workload::replicas::{PodFact, Replicas};
use crate::workload::target::{Target, Why};

/// A workload, the sizes that are committed of it, and its Pods.
struct Case {
    desired: Desired,
    target: Target,
    sizes: Option<Sizes>,
    made_for: Total,
    replicas: Replicas,
    joining: BTreeSet<Arc<str>>,
}

/// A workload that rolls out `new` with this strategy; its sizes were made for the Pods that it wants now.
fn workload(replicas: u32, strategy: &Value) -> Case {
    let template = json!({"spec": {"containers": []}});
    let spec = json!({"selector": {}, "replicas": replicas, "strategy": strategy, "template": template});
    let spec: HookedWorkloadSpec = serde_json::from_value(spec).unwrap();
    let mut desired = Desired::from_spec(&spec, 0).unwrap();
    desired.asked.name = "new".into();
    let target = Target::Roll { to: "new".into() };
    let mut case = Case {
        desired,
        target,
        sizes: None,
        made_for: Total::default(),
        replicas: Replicas::default(),
        joining: BTreeSet::new(),
    };
    case.made_for = case.basis().total();
    case
}

fn rolling(replicas: u32, surge: u32, unavailable: u32) -> Case {
    let numbers = json!({"maxSurge": surge, "maxUnavailable": unavailable});
    workload(replicas, &json!({"rollingUpdate": numbers}))
}

fn recreate(replicas: u32) -> Case {
    workload(replicas, &json!({"type": "Recreate"}))
}

impl Case {
    /// No rollout goes on, for this reason.
    fn held(self, at: Option<&str>, why: Why) -> Self {
        Self { target: Target::Hold { at: at.map(Arc::from), why }, ..self }
    }

    fn paused(self) -> Self {
        self.held(Some("new"), Why::Paused)
    }

    /// Its sizes were made for that many Pods, with the surge of the strategy that it had then.
    fn was(self, replicas: u32, surge: u32) -> Self {
        Self { made_for: Total { replicas, most: replicas + surge }, ..self }
    }

    /// Revisions, their sizes, and how many of their Pods serve, the oldest first. No Pod is missing.
    fn with(mut self, revisions: &[(&str, u32, u32)]) -> Self {
        for (revision, size, available) in revisions {
            self = self.pods(revision, *size, *available);
        }
        let sizes: Vec<_> = revisions.iter().map(|(revision, size, _)| (*revision, *size)).collect();
        self.sized(&sizes)
    }

    /// Sizes whatever Pods there are.
    fn sized(self, sizes: &[(&str, u32)]) -> Self {
        let of = sizes.iter().map(|(revision, size)| (Arc::from(*revision), *size)).collect();
        Self { sizes: Some(Sizes::new(of, self.made_for)), ..self }
    }

    /// Pods of a revision, of which the first `available` serve. Numbers go on.
    fn pods(mut self, revision: &str, pods: u32, available: u32) -> Self {
        for nth in 0..pods {
            let number = self.replicas.highest_number() + 1;
            let mut fact = PodFact::unseen(number, "web", &format!("u-{number}"), revision, true);
            (fact.seen, fact.bound, fact.ready_since) = (true, true, (nth < available).then_some(0));
            self.replicas.observe(fact);
        }
        self
    }

    fn basis(&self) -> Basis<'_> {
        let Self { desired, target, replicas, joining, .. } = self;
        Basis { desired, target, replicas, joining, now: 0 }
    }

    fn resized(&self) -> Sizes {
        resize(self.sizes.as_ref(), &self.basis())
    }

    /// The sizes that follow, without the revisions that are to have none.
    fn check(&self, expect: &[(&str, u32)]) {
        let sizes = self.resized();
        let named: Vec<_> =
            sizes.iter().filter(|(_, size)| *size > 0).map(|(name, size)| (&**name, size)).collect();
        assert_eq!(named, expect, "of {:?}, {:?}", self.sizes, self.target);
        assert_eq!(sizes.made_for, self.basis().total());
    }

    /// The Pods that are made and those that are deleted when the sizes that follow are committed.
    fn check_filled(mut self, made: &[(&str, usize)], deleted: &[u64]) {
        let sizes = self.resized();
        let missing = missing(&sizes, &self.replicas);
        let missing: Vec<_> = missing.iter().map(|(revision, pods)| (&**revision, *pods)).collect();
        let surplus = surplus(&sizes, &mut self.replicas, &Floor::of(&self.desired, 0), 32);
        let surplus: Vec<u64> = surplus.iter().map(|pod| pod.number).collect();
        assert_eq!((missing.as_slice(), surplus.as_slice()), (made, deleted), "{sizes:?}");
    }
}
