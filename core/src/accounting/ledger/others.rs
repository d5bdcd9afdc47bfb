//! Containers of templates long gone share one row, so that a status has a bound whatever names a pipeline makes up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Distribution, Ledger};
use crate::lifecycle::PodShape;

/// Containers that are told apart besides those of the template and of present Pods.
const MOST: usize = 64;
/// The name under which the others are counted together; no container can have it.
const OTHERS: &str = "(others)";

impl Ledger {
    /// Counts containers together that neither `shape` nor any present Pod has, if there are too many of them.
    pub fn fold_old_containers(&mut self, shape: &PodShape) {
        let present: BTreeSet<Arc<str>> =
            self.marks.containers().into_iter().chain(shape.containers.keys().cloned()).collect();
        let old: BTreeSet<Arc<str>> = self
            .containers()
            .filter(|name| !present.contains(*name) && &***name != OTHERS)
            .cloned()
            .collect();
        if old.len() > MOST {
            self.fold(&old);
        }
    }

    fn containers(&self) -> impl Iterator<Item = &Arc<str>> {
        let runs = self.runs.keys().map(|key| &key.container);
        let kills = self.kills.keys().map(|key| &key.container);
        let durations = self.durations.keys().map(|key| &key.container);
        runs.chain(kills).chain(durations).chain(self.grace_used.keys())
    }

    fn fold(&mut self, old: &BTreeSet<Arc<str>>) {
        let others: Arc<str> = OTHERS.into();
        let name = |container: &mut Arc<str>| {
            if old.contains(container) {
                *container = Arc::clone(&others);
            }
        };
        for (mut key, count) in std::mem::take(&mut self.runs) {
            name(&mut key.container);
            *self.runs.entry(key).or_default() += count;
        }
        for (mut key, kills) in std::mem::take(&mut self.kills) {
            name(&mut key.container);
            self.kills.entry(key).or_default().add(kills);
        }
        for (mut key, durations) in std::mem::take(&mut self.durations) {
            name(&mut key.container);
            add(&mut self.durations, key, &durations);
        }
        for (mut container, shares) in std::mem::take(&mut self.grace_used) {
            name(&mut container);
            add(&mut self.grace_used, container, &shares);
        }
        self.last.retain(|(container, _), _| !old.contains(container));
    }
}

fn add<K: Ord>(all: &mut BTreeMap<K, Distribution>, key: K, more: &Distribution) {
    all.entry(key).or_default().merge(more);
}

#[cfg(test)]
mod tests {
    use hooked_crd::{HandlerKind, HookKind, Outcome, Source};

    use super::*;
    use crate::accounting::ledger::{DURATION_BUCKETS, DurationKey, RunKey};

    fn count(ledger: &mut Ledger, container: String) {
        let (container, hook): (Arc<str>, _) = (container.into(), HookKind::PreStop);
        let (handler, source) = (HandlerKind::Exec, Source::Runner);
        let key =
            RunKey { container: Arc::clone(&container), hook, handler, outcome: Outcome::Succeeded, source };
        *ledger.runs.entry(key).or_default() += 1;
        let key = DurationKey { container, hook, handler, source };
        ledger.durations.entry(key).or_default().observe(1.0, DURATION_BUCKETS);
    }

    #[test]
    fn names_made_for_each_deployment_do_not_make_the_status_grow() {
        let spec = serde_json::json!({"containers": [{"name": "app-9999"}]});
        let shape = PodShape::of(&serde_json::from_value(spec).unwrap());
        let mut ledger = Ledger::default();
        for nth in 0..10_000 {
            count(&mut ledger, format!("app-{nth}"));
            ledger.fold_old_containers(&shape);
        }
        assert_eq!(ledger.runs.values().sum::<u64>(), 10_000, "what is counted stays counted");
        let durations = ledger.durations.values().map(|known| known.histogram.count);
        assert_eq!(durations.sum::<u64>(), 10_000);
        assert!(ledger.runs.keys().any(|key| &*key.container == "app-9999"));
        let size = ledger.store().unwrap().to_string().len();
        assert!(size < 64 * 1024, "{size} bytes");
    }
}
