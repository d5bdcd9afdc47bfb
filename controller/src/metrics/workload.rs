//! The series of workloads.

use hooked_core::accounting::ledger::{DURATION_BUCKETS, GRACE_BUCKETS};
use hooked_core::status::{ReplicaCounts, Series};
use prometheus::proto::{MetricFamily, MetricType};
use serde::Serialize;

use super::exposition::Family;

struct Families {
    runs: Family,
    durations: Family,
    running: Family,
    oldest: Family,
    kills: Family,
    grace: Family,
    replicas: Family,
    invalid: Family,
    measured: Family,
    failing: Family,
    gate: Family,
    due: Family,
}

/// The families of all workloads.
pub(super) fn families<'a>(
    workloads: impl Iterator<Item = (&'a str, &'a str, &'a Series)>,
) -> Vec<MetricFamily> {
    let mut families = Families::new();
    for (namespace, workload, metrics) in workloads {
        families.add(namespace, workload, metrics);
    }
    let Families { runs, durations, running, oldest, kills, grace, replicas, .. } = families;
    let Families { invalid, measured, failing, gate, due, .. } = families;
    [runs, durations, running, oldest, kills, grace, replicas, invalid, measured, failing, gate, due]
        .into_iter()
        .filter_map(Family::finish)
        .collect()
}

impl Families {
    fn new() -> Self {
        use MetricType::{COUNTER, GAUGE, HISTOGRAM};
        Self {
            runs: Family::new("hooked_hook_runs_total", "Settled hook runs, by outcome.", COUNTER),
            durations: Family::new(
                "hooked_hook_duration_seconds",
                "How long hook runs took, in seconds; from source Kubelet it is the middle of what is possible.",
                HISTOGRAM,
            ),
            running: Family::new("hooked_hooks_running", "Hooks that run now.", GAUGE),
            oldest: Family::new(
                "hooked_hook_oldest_start_timestamp_seconds",
                "When the run began that goes on for longest; absent while the hook does not run.",
                GAUGE,
            ),
            kills: Family::new("hooked_container_kills_total", "Killed containers, by first cause.", COUNTER),
            grace: Family::new(
                "hooked_grace_period_used_ratio",
                "Time from a Pod's deletion to a container's end over the grace period in force; above 1 it was exceeded.",
                HISTOGRAM,
            ),
            replicas: Family::new("hooked_workload_replicas", "Pods of a workload, by state.", GAUGE),
            invalid: Family::new(
                "hooked_workload_invalid",
                "1 if the workload cannot be carried out until it is changed.",
                GAUGE,
            ),
            measured: Family::new(
                "hooked_workload_measured",
                "0 while something that spec.hooks asks for is not in force.",
                GAUGE,
            ),
            failing: Family::new(
                "hooked_workload_replica_failure",
                "1 while Pods cannot be created, deleted or changed.",
                GAUGE,
            ),
            gate: Family::new(
                "hooked_rollout_gate_closed",
                "1 if the rollout has stopped, or goes back, because hooks of the new revision fail.",
                GAUGE,
            ),
            due: Family::new(
                "hooked_workload_due_timestamp_seconds",
                "When the evidence of a workload's hooks is to be looked at again; in the past if the operator is late.",
                GAUGE,
            ),
        }
    }

    fn add(&mut self, namespace: &str, workload: &str, metrics: &Series) {
        let base = [("namespace", namespace), ("workload", workload)];
        self.invalid.gauge(&base, i64::from(metrics.invalid));
        self.measured.gauge(&base, i64::from(!metrics.unmeasured));
        self.failing.gauge(&base, i64::from(metrics.failing));
        self.gate.gauge(&base, i64::from(metrics.gate_closed));
        if let Some(due) = metrics.due {
            self.due.moment(&base, due);
        }
        let ReplicaCounts { desired, ready, available, updated, terminating, alive: _, unavailable: _ } =
            &metrics.counts;
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
        for ((container, hook), running) in &metrics.running {
            let hook = text(hook);
            let labels = [base[0], base[1], ("container", &**container), ("hook", &hook)];
            self.running.gauge(&labels, running.count);
            if let Some(start) = running.oldest_start {
                self.oldest.moment(&labels, start);
            }
        }
        self.add_runs(base, metrics);
        self.add_kills(base, metrics);
    }

    fn add_runs(&mut self, base: [(&str, &str); 2], metrics: &Series) {
        for (key, count) in &metrics.runs {
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
        for (key, durations) in &metrics.durations {
            let (hook, handler, source) = (text(&key.hook), text(&key.handler), text(&key.source));
            let labels = [
                base[0],
                base[1],
                ("container", &*key.container),
                ("hook", &hook),
                ("handler", &handler),
                ("source", &source),
            ];
            self.durations.histogram(&labels, durations, DURATION_BUCKETS);
        }
    }

    fn add_kills(&mut self, base: [(&str, &str); 2], metrics: &Series) {
        for (key, count) in &metrics.kills {
            let reason = text(&key.reason);
            let labels = [base[0], base[1], ("container", &*key.container), ("reason", &reason)];
            self.kills.counter(&labels, *count);
        }
        for (container, shares) in &metrics.grace_used {
            self.grace.histogram(&[base[0], base[1], ("container", container)], shares, GRACE_BUCKETS);
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
    use hooked_core::accounting::Tracker;
    use hooked_core::accounting::ledger::{Counted, KillCount, KillKey, Ledger};
    use hooked_core::status::{Basis, Progress};
    use hooked_core::workload::desired::Desired;
    use hooked_core::workload::replicas::Replicas;
    use hooked_core::workload::revision::Measuring;
    use hooked_core::workload::rollout::Rollout;
    use hooked_core::workload::target::Target;
    use hooked_crd::{HookedWorkloadSpec, HookedWorkloadStatus, KillReason};
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    /// What is served of a workload with such hooks of whose containers three ran out of memory.
    fn served(measurement: &str, lifecycle: &serde_json::Value) -> String {
        served_if(measurement, lifecycle, false)
    }

    fn served_if(measurement: &str, lifecycle: &serde_json::Value, invalid: bool) -> String {
        let spec: HookedWorkloadSpec = serde_json::from_value(json!({
            "selector": {"matchLabels": {"app": "web"}},
            "hooks": {"measurement": measurement},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web", "lifecycle": lifecycle}]},
            },
        }))
        .unwrap();
        let desired = Desired::from_spec(&spec, 0).unwrap();
        let mut ledger = Ledger::default();
        let key = KillKey { container: "web".into(), reason: KillReason::OomKilled };
        ledger.kills.insert(key, KillCount { count: 3, ..KillCount::default() });
        let mut series = Series::of(
            &Basis {
                previous: &HookedWorkloadStatus::default(),
                generation: 1,
                collision_count: None,
                desired: &desired,
                target: &Target::Roll { to: desired.asked.name.clone() },
                revision: &desired.asked,
                measuring: &Measuring::Observed,
                replicas: &Replicas::default(),
                tracker: &Tracker::default(),
                ledger: &ledger,
                counted: &Counted::default(),
                rollout: Rollout::Going,
                progress: Progress::Unwatched,
                stored: &[],
                failure: None,
                overlapping: &[],
                live: None,
                now: Timestamp::UNIX_EPOCH,
            },
            invalid,
        );
        series.counts.desired = 0;
        prometheus::TextEncoder::new()
            .encode_to_string(&families([("shop", "web", &series)].into_iter()))
            .unwrap()
    }

    fn check(served: &str, series: &str) {
        assert!(served.lines().any(|line| line == series), "no line {series}\n{served}");
    }

    #[test]
    fn a_workloads_series_carry_the_names_of_the_api() {
        let served = served("Observe", &json!({}));
        check(
            &served,
            r#"hooked_container_kills_total{namespace="shop",workload="web",container="web",reason="OOMKilled"} 3"#,
        );
        check(&served, r#"hooked_workload_replicas{namespace="shop",workload="web",state="desired"} 0"#);
    }

    #[test]
    fn a_workload_whose_template_is_refused_is_served_as_invalid_with_what_goes_on_to_be_counted() {
        for (invalid, expect) in [(true, 1), (false, 0)] {
            let served = served_if("Observe", &json!({}), invalid);
            let labels = r#"namespace="shop",workload="web""#;
            check(&served, &format!("hooked_workload_invalid{{{labels}}} {expect}"));
            check(&served, &format!("hooked_workload_replica_failure{{{labels}}} 0"));
            let kills = r#"container="web",reason="OOMKilled""#;
            check(&served, &format!("hooked_container_kills_total{{{labels},{kills}}} 3"));
        }
    }

    #[test]
    fn what_is_asked_for_and_not_in_force_and_what_cannot_be_carried_out_are_served() {
        let (mut series, labels) = (Series::default(), r#"namespace="shop",workload="web""#);
        for (is, measured, failing) in [(false, 1, 0), (true, 0, 1)] {
            (series.unmeasured, series.failing) = (is, is);
            let families = families([("shop", "web", &series)].into_iter());
            let served = prometheus::TextEncoder::new().encode_to_string(&families).unwrap();
            check(&served, &format!("hooked_workload_measured{{{labels}}} {measured}"));
            check(&served, &format!("hooked_workload_replica_failure{{{labels}}} {failing}"));
        }
    }

    #[test]
    fn what_can_happen_to_a_template_is_served_as_0_before_it_happens() {
        let served = served("Observe", &json!({"preStop": {"httpGet": {"port": 80}}}));
        let run = r#"namespace="shop",workload="web",container="web",hook="PreStop""#;
        check(
            &served,
            &format!(
                r#"hooked_hook_runs_total{{{run},handler="HTTPGet",outcome="Failed",source="Kubelet"}} 0"#
            ),
        );
        check(&served, &format!("hooked_hooks_running{{{run}}} 0"));
        let container = r#"namespace="shop",workload="web",container="web""#;
        check(
            &served,
            &format!(r#"hooked_container_kills_total{{{container},reason="PreStopHookFailed"}} 0"#),
        );
        check(&served, &format!(r#"hooked_grace_period_used_ratio_bucket{{{container},le="0.8"}} 0"#));
        check(&served, &format!("hooked_grace_period_used_ratio_count{{{container}}} 0"));
        assert!(!served.contains("PostStart") && !served.contains("Runner"), "{served}");
    }
}
