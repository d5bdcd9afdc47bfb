//! A Deployment with each ReplicaSet of its own, after `pkg/controller/deployment/{sync,rolling,recreate}.go`
//! and `pkg/controller/replicaset/replica_set.go` of kubernetes v1.36. Nothing in here is ours: names are
//! those of the Go code.

use std::cmp::Reverse;

use crate::spec::{Limit, Pod, Pods, Spec};

/// A ReplicaSet with its annotations `desired-replicas` and `max-replicas`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplicaSet {
    pub(crate) revision: usize,
    pub(crate) replicas: i64,
    desired: i64,
    max: i64,
}

/// Every ReplicaSet in the order of creation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deployment {
    pub(crate) sets: Vec<ReplicaSet>,
    pub(crate) pods: Pods,
}

fn scaled(limit: Limit, replicas: i64, round_up: bool) -> i64 {
    match limit {
        Limit::Pods(pods) => pods.into(),
        Limit::Percent(percent) if round_up => (i64::from(percent) * replicas + 99) / 100,
        Limit::Percent(percent) => i64::from(percent) * replicas / 100,
    }
}

impl Spec {
    fn wanted(&self) -> i64 {
        self.replicas.into()
    }

    /// `ResolveFenceposts`.
    fn fenceposts(&self) -> (i64, i64) {
        let Some((surge, unavailable)) = self.rolling else { return (0, 0) };
        let (surge, unavailable) =
            (scaled(surge, self.wanted(), true), scaled(unavailable, self.wanted(), false));
        (surge, if surge == 0 && unavailable == 0 { 1 } else { unavailable })
    }

    fn max_surge(&self) -> i64 {
        self.fenceposts().0
    }

    fn max_unavailable(&self) -> i64 {
        self.fenceposts().1.min(self.wanted())
    }
}

impl Deployment {
    /// `syncDeployment`.
    pub(crate) fn sync(&mut self, spec: &Spec) {
        let is_scaling = self.active().iter().any(|set| self.sets[*set].desired != spec.wanted());
        if spec.paused || is_scaling {
            self.scale(spec);
        } else if spec.rolling.is_some() {
            self.rollout_rolling(spec);
        } else {
            self.rollout_recreate(spec);
        }
    }

    fn new_set(&self, spec: &Spec) -> Option<usize> {
        self.sets.iter().position(|set| set.revision == spec.asked)
    }

    /// `FilterActiveReplicaSets`, the oldest first.
    fn active(&self) -> Vec<usize> {
        (0..self.sets.len()).filter(|set| self.sets[*set].replicas > 0).collect()
    }

    fn active_old(&self, spec: &Spec) -> Vec<usize> {
        self.active().into_iter().filter(|set| self.sets[*set].revision != spec.asked).collect()
    }

    fn total(&self) -> i64 {
        self.sets.iter().map(|set| set.replicas).sum()
    }

    /// `status.availableReplicas`.
    fn available(&self, set: usize, spec: &Spec) -> i64 {
        let pods = self.pods.of(self.sets[set].revision);
        let available = pods.filter(|pod| pod.is_available(spec.min_ready, self.pods.now)).count();
        i64::try_from(available).unwrap()
    }

    /// `scaleReplicaSet`.
    fn set_scale(&mut self, set: usize, replicas: i64, force: bool, spec: &Spec) -> bool {
        let set = &mut self.sets[set];
        if !force && set.replicas == replicas {
            return false;
        }
        let scaled = set.replicas != replicas;
        (set.replicas, set.desired, set.max) = (replicas, spec.wanted(), spec.wanted() + spec.max_surge());
        scaled
    }

    /// `getNewReplicaSet`, with `NewRSNewReplicas`.
    fn create_new(&mut self, spec: &Spec) -> usize {
        let most = spec.wanted() + spec.max_surge();
        let replicas = match spec.rolling {
            Some(_) => (most - self.total()).clamp(0, spec.wanted()),
            None => spec.wanted(),
        };
        self.sets.push(ReplicaSet { revision: spec.asked, replicas, desired: spec.wanted(), max: most });
        self.sets.len() - 1
    }

    fn scale(&mut self, spec: &Spec) {
        let (new, active) = (self.new_set(spec), self.active());
        let active_or_latest = match active.as_slice() {
            [] => new.or(self.sets.len().checked_sub(1)),
            [only] => Some(*only),
            _ => None,
        };
        if let Some(set) = active_or_latest {
            self.set_scale(set, spec.wanted(), false, spec);
        } else if new.is_some_and(|new| self.is_saturated(new, spec)) {
            for old in self.active_old(spec) {
                self.set_scale(old, 0, false, spec);
            }
        } else if spec.rolling.is_some() && active.len() > 1 {
            self.scale_proportionally(active, spec);
        }
    }

    fn is_saturated(&self, new: usize, spec: &Spec) -> bool {
        let ReplicaSet { replicas, desired, .. } = self.sets[new];
        [replicas, desired, self.available(new, spec)].iter().all(|known| *known == spec.wanted())
    }

    fn scale_proportionally(&mut self, mut sets: Vec<usize>, spec: &Spec) {
        let allowed = if spec.wanted() > 0 { spec.wanted() + spec.max_surge() } else { 0 };
        let to_add = allowed - self.total();
        if to_add > 0 {
            sets.sort_by_key(|set| Reverse((self.sets[*set].replicas, *set)));
        } else if to_add < 0 {
            sets.sort_by_key(|set| (Reverse(self.sets[*set].replicas), *set));
        }
        let mut added = 0;
        let mut sizes = Vec::new();
        for set in sets {
            let proportion = self.proportion(set, to_add, added, spec);
            added += proportion;
            sizes.push((set, self.sets[set].replicas + proportion));
        }
        sizes[0].1 = (sizes[0].1 + to_add - added).max(0);
        for (set, size) in sizes {
            self.set_scale(set, size, true, spec);
        }
    }

    /// `GetReplicaSetProportion`, with `getReplicaSetFraction`.
    fn proportion(&self, set: usize, to_add: i64, added: i64, spec: &Spec) -> i64 {
        let ReplicaSet { replicas, max, .. } = self.sets[set];
        if replicas == 0 || to_add == 0 || to_add == added {
            return 0;
        }
        let fraction = if spec.wanted() == 0 {
            -replicas
        } else {
            #[allow(clippy::cast_precision_loss, reason = "as the Go code does it, with small numbers")]
            let size = (replicas * (spec.wanted() + spec.max_surge())) as f64 / max as f64;
            #[allow(clippy::cast_possible_truncation, reason = "small numbers")]
            let size = (size + 0.5) as i64;
            size - replicas
        };
        if to_add > 0 { fraction.min(to_add - added) } else { fraction.max(to_add - added) }
    }

    fn rollout_rolling(&mut self, spec: &Spec) {
        let new = self.new_set(spec).unwrap_or_else(|| self.create_new(spec));
        if !self.reconcile_new(new, spec) {
            self.reconcile_old(new, spec);
        }
    }

    fn reconcile_new(&mut self, new: usize, spec: &Spec) -> bool {
        let replicas = self.sets[new].replicas;
        if replicas >= spec.wanted() {
            return self.set_scale(new, spec.wanted(), false, spec);
        }
        let room = spec.wanted() + spec.max_surge() - self.total();
        room > 0 && self.set_scale(new, replicas + room.min(spec.wanted() - replicas), false, spec)
    }

    fn reconcile_old(&mut self, new: usize, spec: &Spec) {
        let min_available = spec.wanted() - spec.max_unavailable();
        let new_unavailable = self.sets[new].replicas - self.available(new, spec);
        let max_scaled_down = self.total() - min_available - new_unavailable;
        if self.active_old(spec).is_empty() || max_scaled_down <= 0 {
            return;
        }
        self.cleanup_unhealthy(max_scaled_down, spec);
        self.scale_down_old(min_available, spec);
    }

    fn cleanup_unhealthy(&mut self, max_cleanup: i64, spec: &Spec) {
        let mut cleaned = 0;
        for set in self.active_old(spec) {
            let replicas = self.sets[set].replicas;
            let count = (max_cleanup - cleaned).min(replicas - self.available(set, spec)).max(0);
            self.set_scale(set, replicas - count, false, spec);
            cleaned += count;
        }
    }

    fn scale_down_old(&mut self, min_available: i64, spec: &Spec) {
        let available: i64 = (0..self.sets.len()).map(|set| self.available(set, spec)).sum();
        let mut left = (available - min_available).max(0);
        for set in self.active_old(spec) {
            let replicas = self.sets[set].replicas;
            let count = replicas.min(left);
            self.set_scale(set, replicas - count, false, spec);
            left -= count;
        }
    }

    fn rollout_recreate(&mut self, spec: &Spec) {
        let old = self.active_old(spec);
        for set in &old {
            self.set_scale(*set, 0, false, spec);
        }
        // `oldPodsRunning`.
        let is_running = |pod: &Pod| pod.revision != spec.asked && !pod.over;
        if old.is_empty() && !self.pods.all.iter().any(is_running) {
            let new = self.new_set(spec).unwrap_or_else(|| self.create_new(spec));
            self.set_scale(new, spec.wanted(), false, spec);
        }
    }

    /// `manageReplicas` of each ReplicaSet, with `ActivePodsWithRanks`.
    pub(crate) fn sync_replica_sets(&mut self) {
        for ReplicaSet { revision, replicas, .. } in self.sets.clone() {
            let mut active: Vec<Pod> = self.pods.of(revision).filter(|pod| pod.is_alive()).cloned().collect();
            active.sort_by_key(|pod| {
                (pod.ready_since.is_some(), Reverse(pod.ready_since), Reverse(pod.number))
            });
            let (wanted, active_count) = (usize::try_from(replicas).unwrap(), active.len());
            for pod in active.into_iter().take(active_count.saturating_sub(wanted)) {
                self.pods.delete(pod.number);
            }
            for _ in active_count..wanted {
                self.pods.make(revision);
            }
        }
    }

    /// `MinAvailable`.
    pub(crate) fn must_serve(spec: &Spec) -> usize {
        let wanted = if spec.rolling.is_some() { spec.wanted() - spec.max_unavailable() } else { 0 };
        usize::try_from(wanted).unwrap()
    }

    /// The sizes of the revisions that have one, in the order of their creation.
    pub(crate) fn sizes(&self) -> Vec<(usize, i64)> {
        let active = self.sets.iter().filter(|set| set.replicas > 0);
        active.map(|set| (set.revision, set.replicas)).collect()
    }
}
