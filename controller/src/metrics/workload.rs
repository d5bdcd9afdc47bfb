//! The series of workloads.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Instant;

use hooked_core::accounting::ledger::{DURATION_BUCKETS, GRACE_BUCKETS};
use hooked_core::status::{ReplicaCounts, Series};

use super::exposition::{Head, Lines};

/// A workload's series, by namespace and name.
pub(super) type Workloads = BTreeMap<(String, String), Entry>;

/// What is shown of a workload, and since when it is gone.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) series: Series,
    pub(super) gone_since: Option<Instant>,
}

/// The bounds of histograms, as they are written.
static DURATION_BOUNDS: LazyLock<Vec<String>> = LazyLock::new(|| texts(DURATION_BUCKETS));
static GRACE_BOUNDS: LazyLock<Vec<String>> = LazyLock::new(|| texts(GRACE_BUCKETS));

/// A family, and how what it shows of a workload is written.
pub(super) struct Family {
    head: Head,
    write: fn(&mut Lines<'_>, &Workload<'_>),
}

/// A workload whose series are written.
#[derive(Clone, Copy)]
pub(super) struct Workload<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) series: &'a Series,
}

/// The families of all workloads.
pub(super) const FAMILIES: [Family; 12] = [
    Family::new("hooked_hook_runs_total", "Settled hook runs, by outcome.", "counter", runs),
    Family::new(
        "hooked_hook_duration_seconds",
        "How long hook runs took, in seconds; from source Kubelet it is the middle of what is possible.",
        "histogram",
        durations,
    ),
    Family::new("hooked_hooks_running", "Hooks that run now.", "gauge", running),
    Family::new(
        "hooked_hook_oldest_start_timestamp_seconds",
        "When the run began that goes on for longest; absent while the hook does not run.",
        "gauge",
        oldest,
    ),
    Family::new("hooked_container_kills_total", "Killed containers, by first cause.", "counter", kills),
    Family::new(
        "hooked_grace_period_used_ratio",
        "Time from a Pod's deletion to a container's end over the grace period in force; above 1 it was exceeded.",
        "histogram",
        grace_used,
    ),
    Family::new("hooked_workload_replicas", "Pods of a workload, by state.", "gauge", replicas),
    Family::new(
        "hooked_workload_invalid",
        "1 if the workload cannot be carried out until it is changed.",
        "gauge",
        |lines, of| of.begin(lines).gauge(i64::from(of.series.invalid)),
    ),
    Family::new(
        "hooked_workload_measured",
        "0 while something that spec.hooks asks for is not in force.",
        "gauge",
        |lines, of| of.begin(lines).gauge(i64::from(!of.series.unmeasured)),
    ),
    Family::new(
        "hooked_workload_replica_failure",
        "1 while Pods cannot be created, deleted or changed.",
        "gauge",
        |lines, of| of.begin(lines).gauge(i64::from(of.series.failing)),
    ),
    Family::new(
        "hooked_rollout_gate_closed",
        "1 if the rollout has stopped, or goes back, because hooks of the new revision fail.",
        "gauge",
        |lines, of| of.begin(lines).gauge(i64::from(of.series.gate_closed)),
    ),
    Family::new(
        "hooked_workload_due_timestamp_seconds",
        "When the evidence of a workload's hooks is to be looked at again; in the past if the operator is late.",
        "gauge",
        |lines, of| of.series.due.into_iter().for_each(|due| of.begin(lines).moment(due)),
    ),
];

impl Family {
    const fn new(
        name: &'static str,
        help: &'static str,
        kind: &'static str,
        write: fn(&mut Lines<'_>, &Workload<'_>),
    ) -> Self {
        Self { head: Head { name, help, kind }, write }
    }

    /// Writes what the family shows of a workload.
    pub(super) fn write(&self, text: &mut Vec<u8>, has_head: &mut bool, of: &Workload<'_>) {
        (self.write)(&mut Lines::new(text, self.head, has_head), of);
    }
}

impl Workload<'_> {
    fn begin<'a, 'text>(&self, lines: &'a mut Lines<'text>) -> super::exposition::Series<'a, 'text> {
        lines.series(self.namespace, self.name)
    }
}

fn texts(bounds: &[f64]) -> Vec<String> {
    bounds.iter().map(f64::to_string).collect()
}

fn runs(lines: &mut Lines<'_>, of: &Workload<'_>) {
    for (key, count) in &of.series.runs {
        let series = of.begin(lines).label("container", &*key.container).label("hook", &key.hook);
        let series = series.label("handler", &key.handler).label("outcome", &key.outcome);
        series.label("source", &key.source).counter(*count);
    }
}

fn durations(lines: &mut Lines<'_>, of: &Workload<'_>) {
    for (key, durations) in &of.series.durations {
        let series = of.begin(lines).label("container", &*key.container).label("hook", &key.hook);
        let series = series.label("handler", &key.handler).label("source", &key.source);
        series.histogram(durations, &DURATION_BOUNDS);
    }
}

fn running(lines: &mut Lines<'_>, of: &Workload<'_>) {
    for ((container, hook), running) in &of.series.running {
        of.begin(lines).label("container", &**container).label("hook", hook).gauge(running.count);
    }
}

fn oldest(lines: &mut Lines<'_>, of: &Workload<'_>) {
    for ((container, hook), running) in &of.series.running {
        if let Some(start) = running.oldest_start {
            of.begin(lines).label("container", &**container).label("hook", hook).moment(start);
        }
    }
}

fn kills(lines: &mut Lines<'_>, of: &Workload<'_>) {
    for (key, count) in &of.series.kills {
        of.begin(lines).label("container", &*key.container).label("reason", &key.reason).counter(*count);
    }
}

fn grace_used(lines: &mut Lines<'_>, of: &Workload<'_>) {
    for (container, shares) in &of.series.grace_used {
        of.begin(lines).label("container", &**container).histogram(shares, &GRACE_BOUNDS);
    }
}

fn replicas(lines: &mut Lines<'_>, of: &Workload<'_>) {
    let ReplicaCounts { desired, ready, available, updated, terminating, alive: _, unavailable: _ } =
        &of.series.counts;
    let states = [
        ("desired", desired),
        ("ready", ready),
        ("available", available),
        ("updated", updated),
        ("terminating", terminating),
    ];
    for (state, pods) in states {
        of.begin(lines).label("state", state).gauge(i64::from(*pods));
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
        text(&series)
    }

    fn text(series: &Series) -> String {
        let (mut text, workload) = (Vec::new(), Workload { namespace: "shop", name: "web", series });
        for family in FAMILIES {
            family.write(&mut text, &mut false, &workload);
        }
        String::from_utf8(text).unwrap()
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
            let served = text(&series);
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
