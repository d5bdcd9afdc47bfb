//! The series of workloads.

use std::collections::BTreeMap;
use std::sync::Arc;

use hooked_core::desired::Desired;
use hooked_core::ledger::{DURATION_BUCKETS, GRACE_BUCKETS, Ledger};
use hooked_core::status::ReplicaCounts;
use hooked_core::tally::PodSet;
use hooked_crd::HookKind;
use prometheus::proto::{MetricFamily, MetricType};
use serde::Serialize;

use super::exposition::Family;

/// What was committed of a workload, as far as metrics show it.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkloadMetrics {
    pub(crate) counts: ReplicaCounts,
    pub(crate) ledger: Arc<Ledger>,
    /// Hooks of the template, and hooks that run now.
    pub(crate) running: BTreeMap<(Arc<str>, HookKind), i64>,
    pub(crate) invalid: bool,
}

impl WorkloadMetrics {
    /// Hooks of the template are shown also while none of them runs.
    pub(crate) fn of(counts: ReplicaCounts, ledger: &Ledger, desired: &Desired, pods: &PodSet) -> Self {
        let idle = desired.shape.hooks().map(|hook| ((hook.container, hook.kind), 0));
        let mut running: BTreeMap<_, _> = idle.collect();
        running.extend(pods.running_counts().iter().map(|(key, count)| (key.clone(), *count)));
        Self { counts, ledger: Arc::new(ledger.clone()), running, invalid: false }
    }
}

struct Families {
    runs: Family,
    durations: Family,
    running: Family,
    kills: Family,
    grace: Family,
    replicas: Family,
    invalid: Family,
}

/// The families of all workloads.
pub(super) fn families<'a>(
    workloads: impl Iterator<Item = (&'a str, &'a str, &'a WorkloadMetrics)>,
) -> Vec<MetricFamily> {
    let mut families = Families {
        runs: Family::new("hooked_hook_runs_total", "Settled hook runs, by outcome.", MetricType::COUNTER),
        durations: Family::new(
            "hooked_hook_duration_seconds",
            "How long hook runs took, in seconds; from source Kubelet it is the middle of what is possible.",
            MetricType::HISTOGRAM,
        ),
        running: Family::new("hooked_hooks_running", "Hooks that run now.", MetricType::GAUGE),
        kills: Family::new(
            "hooked_container_kills_total",
            "Killed containers, by first cause.",
            MetricType::COUNTER,
        ),
        grace: Family::new(
            "hooked_grace_period_used_ratio",
            "Time from a Pod's deletion to a container's end over the grace period in force; above 1 it was exceeded.",
            MetricType::HISTOGRAM,
        ),
        replicas: Family::new("hooked_workload_replicas", "Pods of a workload, by state.", MetricType::GAUGE),
        invalid: Family::new(
            "hooked_workload_invalid",
            "1 if the workload cannot be carried out until it is changed.",
            MetricType::GAUGE,
        ),
    };
    for (namespace, workload, metrics) in workloads {
        families.add(namespace, workload, metrics);
    }
    let Families { runs, durations, running, kills, grace, replicas, invalid } = families;
    [runs, durations, running, kills, grace, replicas, invalid]
        .into_iter()
        .filter_map(Family::finish)
        .collect()
}

impl Families {
    fn add(&mut self, namespace: &str, workload: &str, metrics: &WorkloadMetrics) {
        let base = [("namespace", namespace), ("workload", workload)];
        let WorkloadMetrics { counts, ledger, running, invalid } = metrics;
        self.invalid.gauge(&base, i64::from(*invalid));
        let ReplicaCounts { desired, ready, available, updated, terminating, alive: _, unavailable: _ } =
            counts;
        let states = [
            ("desired", desired),
            ("ready", ready),
            ("available", available),
            ("updated", updated),
            ("terminating", terminating),
        ];
        for (state, pods) in states {
            self.replicas.gauge(&[base[0], base[1], ("state", state)], i64::from(*pods));
        }
        for ((container, hook), count) in running {
            let hook = text(hook);
            self.running.gauge(&[base[0], base[1], ("container", container), ("hook", &hook)], *count);
        }
        self.add_runs(base, ledger);
        self.add_kills(base, ledger);
    }

    fn add_runs(&mut self, base: [(&str, &str); 2], ledger: &Ledger) {
        for (key, count) in &ledger.runs {
            let (hook, handler, outcome, source) =
                (text(&key.hook), text(&key.handler), text(&key.outcome), text(&key.source));
            let labels = [
                base[0],
                base[1],
                ("container", &*key.container),
                ("hook", &hook),
                ("handler", &handler),
                ("outcome", &outcome),
                ("source", &source),
            ];
            self.runs.counter(&labels, *count);
        }
        for (key, durations) in &ledger.durations {
            let (hook, handler, source) = (text(&key.hook), text(&key.handler), text(&key.source));
            let labels = [
                base[0],
                base[1],
                ("container", &*key.container),
                ("hook", &hook),
                ("handler", &handler),
                ("source", &source),
            ];
            self.durations.histogram(&labels, &durations.histogram, DURATION_BUCKETS);
        }
    }

    fn add_kills(&mut self, base: [(&str, &str); 2], ledger: &Ledger) {
        for (key, kills) in &ledger.kills {
            let reason = text(&key.reason);
            let labels = [base[0], base[1], ("container", &*key.container), ("reason", &reason)];
            self.kills.counter(&labels, kills.count);
        }
        for (container, shares) in &ledger.grace_used {
            let labels = [base[0], base[1], ("container", container)];
            self.grace.histogram(&labels, &shares.histogram, GRACE_BUCKETS);
        }
    }
}

/// A name as the API writes it, so that metrics and status speak of the same thing.
fn text(name: &impl Serialize) -> String {
    match serde_json::to_value(name) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use hooked_core::ledger::{KillCount, KillKey};
    use hooked_crd::KillReason;

    use super::*;

    #[test]
    fn a_workloads_series_carry_the_names_of_the_api() {
        let mut ledger = Ledger::default();
        let key = KillKey { container: "web".into(), reason: KillReason::OomKilled };
        ledger.kills.insert(key, KillCount { count: 3, ..KillCount::default() });
        let metrics = WorkloadMetrics { ledger: Arc::new(ledger), ..WorkloadMetrics::default() };
        let text = prometheus::TextEncoder::new()
            .encode_to_string(&families([("shop", "web", &metrics)].into_iter()))
            .unwrap();
        let expect = r#"hooked_container_kills_total{namespace="shop",workload="web",container="web",reason="OOMKilled"} 3"#;
        assert!(text.contains(expect), "{text}");
        assert!(
            text.contains(r#"hooked_workload_replicas{namespace="shop",workload="web",state="desired"} 0"#),
            "{text}"
        );
    }
}
