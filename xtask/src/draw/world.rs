//! A made-up world of workloads, and the series that an operator would serve of it at any moment: names and labels are
//! those of docs/metrics.md. Nothing is drawn by lot, so pictures and tests are the same everywhere.

use std::fmt::Write;

/// As the operator has them (`hooked_core::accounting::ledger`).
const DURATION_BOUNDS: [f64; 18] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
    600.0,
];
const GRACE_BOUNDS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0];
const RECONCILE_BOUNDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];

const NAMESPACES: [&str; 6] = ["bank", "shop", "search", "media", "billing", "platform"];
const NAMES: [&str; 10] =
    ["web", "api", "cart", "worker", "gateway", "ledger", "mailer", "indexer", "player", "session"];

/// How long a rollout takes, in seconds.
const ROLLOUT: f64 = 240.0;

/// How long a hook that hangs has been running at the end.
const HANGS: f64 = 840.0;

/// So many workloads, between two moments in seconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    pub(crate) workloads: u32,
    pub(crate) began: f64,
    pub(crate) ends: f64,
}

/// A moment of a world.
#[derive(Clone, Copy)]
struct Moment {
    now: f64,
    /// Since the world began.
    since: f64,
    /// When the hooks began that hang, which is near its end.
    hangs: f64,
}

/// A workload, with what is peculiar to it.
struct Workload {
    labels: String,
    replicas: f64,
    /// Seconds between two rollouts, and until the first.
    period: f64,
    offset: f64,
    /// The share of runs that fail, of each hook.
    failing: [f64; 2],
    /// The middle of how long a run takes, in seconds, and of the share of the grace period that stops use.
    takes: [f64; 2],
    grace: f64,
    trouble: Option<Trouble>,
}

/// What is wrong with a workload, besides hooks that fail.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    /// A preStop hook hangs.
    Hanging,
    Invalid,
    Unmeasured,
    Refused,
    GateClosed,
}

impl World {
    /// Calls `take` with every series at a moment: its name, its labels, and its value.
    pub(crate) fn at(&self, now: f64, mut take: impl FnMut(&str, &str, f64)) {
        let moment = Moment { now, since: now - self.began, hangs: self.ends - HANGS };
        for index in 0..self.workloads {
            Workload::numbered(index).at(moment, &mut take);
        }
        self.operator(moment, &mut take);
    }

    /// What others serve of it: alerts that fire, and the operator's container as the kubelet counts it.
    pub(crate) fn beside(&self, now: f64, mut take: impl FnMut(&str, &str, f64)) {
        let since = now - self.began;
        for workload in (0..self.workloads).map(Workload::numbered) {
            for (alert, more) in workload.alerts(since) {
                let labels =
                    format!("alertname=\"{alert}\",alertstate=\"firing\",severity=\"warning\"{more}");
                take("ALERTS", &format!("{labels},{}", workload.labels), 1.0);
            }
        }
        let (container, load) = ("container=\"controller\"", f64::from(self.workloads));
        let breath = (since / 700.0).sin() + 1.0;
        take("container_memory_working_set_bytes", container, 2e7 + load * (9e4 + 1e4 * breath));
        take(
            "container_cpu_usage_seconds_total",
            container,
            since * (0.002 + load * 2e-4) + load * 0.02 * breath,
        );
    }

    /// The operator's own series.
    fn operator(&self, Moment { now, since, .. }: Moment, take: &mut impl FnMut(&str, &str, f64)) {
        let load = f64::from(self.workloads);
        take("hooked_build_info", "version=\"0.1.0\"", 1.0);
        take("hooked_leader", "", 1.0);
        let wave = 1.0 + 0.3 * (since / 900.0).sin();
        let passes = (load * since / 25.0) + load * 4.0 * wave;
        histogram("hooked_reconcile_duration_seconds", "", &RECONCILE_BOUNDS, passes.floor(), 0.008, take);
        for (reason, each) in [("conflict", 420.0), ("commit", 19000.0), ("act", 27000.0), ("begin", 1e9)] {
            take(
                "hooked_reconcile_errors_total",
                &format!("reason=\"{reason}\""),
                (load * since / each / 20.0).floor(),
            );
        }
        for (result, each) in [("taken", 40.0), ("duplicate", 300.0), ("expired", 1e9), ("malformed", 1e9)] {
            take("hooked_live_reports_total", &format!("result=\"{result}\""), (load * since / each).floor());
        }
        take("hooked_live_connections", "", (load * 0.02 * (1.0 + (now / 180.0).sin())).round());
    }
}

impl Workload {
    fn numbered(index: u32) -> Self {
        let pick = |salt: u32| noise(index, salt);
        let number = |list: usize, turn: u32| (index / turn) as usize % list;
        let (namespace, name) = (NAMESPACES[number(6, 1)], NAMES[number(10, 6)]);
        let generation = index / 60;
        let name = if generation == 0 { name.to_owned() } else { format!("{name}-{generation}") };
        // One workload alone shows a bit of everything; of many, few have anything wrong.
        let ill = index == 0 || pick(1) < 0.06;
        Self {
            labels: format!("namespace=\"{namespace}\",workload=\"{name}\""),
            replicas: (2.0 + pick(2) * 10.0).floor(),
            period: 1500.0 + pick(3) * 3000.0,
            offset: pick(4) * 1500.0,
            failing: if ill { [0.18, 0.06] } else { [0.0, if pick(5) < 0.1 { 0.03 } else { 0.0 }] },
            takes: [0.2 * 12_f64.powf(pick(6)), 1.0 * 12_f64.powf(pick(7))],
            grace: 0.15 + 0.5 * pick(8).powi(2) + if ill { 0.15 } else { 0.0 },
            trouble: match pick(9) {
                _ if index == 0 => Some(Trouble::Hanging),
                lot if lot < 0.005 => Some(Trouble::Hanging),
                lot if lot < 0.015 => Some(Trouble::Invalid),
                lot if lot < 0.03 => Some(Trouble::Unmeasured),
                lot if lot < 0.04 => Some(Trouble::Refused),
                lot if lot < 0.05 => Some(Trouble::GateClosed),
                _ => None,
            },
        }
    }

    fn has(&self, trouble: Trouble) -> bool {
        self.trouble == Some(trouble)
    }

    /// How many Pods were replaced until then, in rollouts, and how far the one is that goes on, of 1.
    fn replaced(&self, since: f64) -> (f64, Option<f64>) {
        let into = since - self.offset;
        if into < 0.0 {
            return (0.0, None);
        }
        let done = (into / self.period).floor();
        let progress = (into - done * self.period) / ROLLOUT;
        (self.replicas * (done + progress.min(1.0)), (progress < 1.0).then_some(progress))
    }

    /// The alerts that fire, with the labels that they have besides the workload's.
    fn alerts(&self, since: f64) -> Vec<(&'static str, &'static str)> {
        let mut alerts = Vec::new();
        if self.failing[0] > 0.1 && since > 2000.0 {
            alerts.push(("HookedHookFailureRatioHigh", ",container=\"app\",hook=\"PostStart\""));
        }
        alerts.extend(self.trouble.map(|trouble| match trouble {
            Trouble::Hanging => ("HookedHookStuck", ",container=\"app\",hook=\"PreStop\""),
            Trouble::Invalid => ("HookedWorkloadInvalid", ""),
            Trouble::Unmeasured => ("HookedWorkloadNotMeasured", ""),
            Trouble::Refused => ("HookedReplicaFailure", ""),
            Trouble::GateClosed => ("HookedRolloutGateClosed", ""),
        }));
        alerts
    }

    fn at(&self, moment: Moment, take: &mut impl FnMut(&str, &str, f64)) {
        let Moment { now, since, .. } = moment;
        let (replaced, progress) = self.replaced(since);
        let labels = &*self.labels;
        self.replicas_at(progress, take);
        for (name, value) in [
            ("hooked_workload_invalid", self.has(Trouble::Invalid)),
            ("hooked_workload_measured", !self.has(Trouble::Unmeasured)),
            ("hooked_workload_replica_failure", self.has(Trouble::Refused)),
            ("hooked_rollout_gate_closed", self.has(Trouble::GateClosed)),
        ] {
            take(name, labels, f64::from(u8::from(value)));
        }
        take(
            "hooked_workload_due_timestamp_seconds",
            labels,
            now + if progress.is_some() { -0.4 } else { 20.0 },
        );
        let hooks = [("PostStart", replaced.floor()), ("PreStop", (replaced - 1.0).max(0.0).floor())];
        for (index, (hook, runs)) in hooks.into_iter().enumerate() {
            self.hook((index, hook), runs, progress.is_some(), moment, take);
        }
        let stops = hooks[1].1;
        let container = format!("{labels},container=\"app\"");
        histogram("hooked_grace_period_used_ratio", &container, &GRACE_BOUNDS, stops, self.grace, take);
        let failed = (replaced * self.failing[0]).floor();
        for (reason, kills) in [
            ("PostStartHookFailed", failed),
            ("PreStopHookFailed", 0.0),
            ("GracePeriodExceededInPreStop", (stops * (self.grace - 0.55).max(0.0)).floor()),
            ("OOMKilled", if self.failing[0] > 0.0 { ((since + self.offset) / 2400.0).floor() } else { 0.0 }),
            ("LivenessProbeFailed", 0.0),
        ] {
            take("hooked_container_kills_total", &format!("{container},reason=\"{reason}\""), kills);
        }
    }

    fn replicas_at(&self, progress: Option<f64>, take: &mut impl FnMut(&str, &str, f64)) {
        let all = self.replicas;
        let updated = (all * progress.unwrap_or(1.0)).floor();
        let away = f64::from(u8::from(progress.is_some()));
        for (state, value) in [
            ("desired", all),
            ("ready", all - away),
            ("available", all - away),
            ("updated", updated),
            ("terminating", away),
        ] {
            take("hooked_workload_replicas", &format!("{},state=\"{state}\"", self.labels), value);
        }
    }

    fn hook(
        &self,
        (index, hook): (usize, &str),
        runs: f64,
        replacing: bool,
        Moment { now, hangs, .. }: Moment,
        take: &mut impl FnMut(&str, &str, f64),
    ) {
        let labels = format!("{},container=\"app\",hook=\"{hook}\"", self.labels);
        let stuck = self.has(Trouble::Hanging) && index == 1 && now >= hangs;
        let running = replacing || stuck;
        take("hooked_hooks_running", &labels, f64::from(u8::from(running)));
        if running {
            let start = if stuck { hangs } else { now - self.takes[index].min(20.0) };
            take("hooked_hook_oldest_start_timestamp_seconds", &labels, start);
        }
        // A workload of which not all is in force is observed.
        let source = if self.has(Trouble::Unmeasured) { "Kubelet" } else { "Runner" };
        let labels = format!("{labels},handler=\"Exec\",source=\"{source}\"");
        let failed = (runs * self.failing[index]).floor();
        let slow = (runs * self.failing[index] / 4.0).floor();
        // Each is rounded by itself, so that none ever falls.
        let succeeded = (runs * (1.0 - 1.25 * self.failing[index])).floor();
        for (outcome, count) in [
            ("Succeeded", succeeded),
            ("Failed", failed),
            ("TimedOut", slow),
            ("Cancelled", 0.0),
            ("Skipped", 0.0),
            ("Unknown", 0.0),
        ] {
            take("hooked_hook_runs_total", &format!("{labels},outcome=\"{outcome}\""), count);
        }
        let settled = succeeded + failed + slow;
        histogram(
            "hooked_hook_duration_seconds",
            &labels,
            &DURATION_BOUNDS,
            settled,
            self.takes[index],
            take,
        );
    }
}

/// A histogram of `count` values around a middle: nine of ten lie between half of it and double.
fn histogram(
    name: &str,
    labels: &str,
    bounds: &[f64],
    count: f64,
    middle: f64,
    take: &mut impl FnMut(&str, &str, f64),
) {
    let bucket = format!("{name}_bucket");
    let comma = if labels.is_empty() { "" } else { "," };
    let mut text = String::new();
    for bound in bounds {
        let below = 1.0 / (1.0 + (-(bound / middle).ln() / 0.25).exp());
        text.clear();
        // Text takes whatever is written to it.
        write!(text, "{labels}{comma}le=\"{bound}\"").ok();
        take(&bucket, &text, (count * below).round());
    }
    take(&bucket, &format!("{labels}{comma}le=\"+Inf\""), count);
    take(&format!("{name}_sum"), labels, count * middle);
    take(&format!("{name}_count"), labels, count);
}

/// A number from 0 to 1 that looks like chance and is none.
fn noise(index: u32, salt: u32) -> f64 {
    let mut mixed = index.wrapping_mul(0x9E37_79B1) ^ salt.wrapping_mul(0x85EB_CA77);
    mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2C1B_3C6D);
    mixed = (mixed ^ (mixed >> 12)).wrapping_mul(0x297A_2D39);
    f64::from(mixed ^ (mixed >> 15)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::image;

    const WORLD: World = World { workloads: 30, began: 1e9, ends: 1e9 + 9000.0 };

    fn of_a_family(name: &str) -> &str {
        ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name)
    }

    #[test]
    fn what_is_served_has_the_names_and_labels_that_are_documented() {
        let documented =
            std::fs::read_to_string(image::workspace().unwrap().join("docs/metrics.md")).unwrap();
        let mut served = BTreeMap::new();
        WORLD.at(WORLD.ends, |name, labels, _| {
            let names = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
            let labels: BTreeSet<String> = names.filter(|name| name != "le").collect();
            served.insert(of_a_family(name).to_owned(), labels);
        });
        let rows: BTreeMap<_, _> = documented
            .lines()
            .filter_map(|line| {
                let cells: Vec<_> = line.strip_prefix("| `hooked_")?.split('|').map(str::trim).collect();
                let labels = cells.get(2)?.split(',').map(|label| label.trim().to_owned());
                let name = format!("hooked_{}", cells.first()?.trim_end_matches('`'));
                Some((name, labels.filter(|label| !label.is_empty()).collect::<BTreeSet<_>>()))
            })
            .collect();
        assert_eq!(served, rows);
    }

    #[test]
    fn counters_never_fall() {
        let mut known: BTreeMap<String, f64> = BTreeMap::new();
        for minute in 0..150 {
            WORLD.at(WORLD.began + 60.0 * f64::from(minute), |name, labels, value| {
                let counts = name.ends_with("_total") || of_a_family(name) != name;
                let before = known.insert(format!("{name}{{{labels}}}"), value);
                assert!(!counts || before.is_none_or(|before| before <= value), "{name}{{{labels}}} falls");
            });
        }
    }
}
