//! What a scrape takes, however many workloads there are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hooked_core::accounting::ledger::{
    DURATION_BUCKETS, DurationKey, GRACE_BUCKETS, Histogram, KillKey, RunKey,
};
use hooked_core::status::{Running, Series};
use hooked_crd::{HandlerKind, HookKind, KillReason, Outcome, Source};

use super::Metrics;
use crate::heap::HEAP;

/// What of a scrape may be in memory.
const MOST: usize = 128 * 1024;

/// All that may be served of a workload whose Pods have so many containers with both hooks under the runner.
fn series(containers: usize) -> Series {
    let mut series = Series::default();
    for container in 0..containers {
        let name: Arc<str> = format!("container-{container}").into();
        series.grace_used.insert(Arc::clone(&name), histogram(GRACE_BUCKETS));
        for reason in REASONS {
            series.kills.insert(KillKey { container: Arc::clone(&name), reason }, 3);
        }
        for hook in [HookKind::PostStart, HookKind::PreStop] {
            let (handler, container) = (HandlerKind::Exec, || Arc::clone(&name));
            let running = Running { count: 2, oldest_start: Some(jiff::Timestamp::UNIX_EPOCH) };
            series.running.insert((container(), hook), running);
            for source in [Source::Runner, Source::Kubelet] {
                let key = DurationKey { container: container(), hook, handler, source };
                series.durations.insert(key, histogram(DURATION_BUCKETS));
                for outcome in OUTCOMES {
                    let key = RunKey { container: container(), hook, handler, outcome, source };
                    series.runs.insert(key, 12_345);
                }
            }
        }
    }
    series.due = Some(jiff::Timestamp::UNIX_EPOCH);
    series
}

const OUTCOMES: [Outcome; 6] = [
    Outcome::Succeeded,
    Outcome::Failed,
    Outcome::TimedOut,
    Outcome::Cancelled,
    Outcome::Skipped,
    Outcome::Unknown,
];

const REASONS: [KillReason; 13] = [
    KillReason::GracePeriodExceeded,
    KillReason::SpecChanged,
    KillReason::RestartAllContainers,
    KillReason::OomKilled,
    KillReason::Evicted,
    KillReason::ForceDeleted,
    KillReason::NodeLost,
    KillReason::Unknown,
    KillReason::PostStartHookFailed,
    KillReason::PostStartHookTimedOut,
    KillReason::PreStopHookFailed,
    KillReason::PreStopHookTimedOut,
    KillReason::GracePeriodExceededInPreStop,
];

fn histogram(bounds: &[f64]) -> Histogram {
    let mut histogram = Histogram::default();
    for value in bounds.iter().chain(bounds) {
        histogram.observe(value * 0.9, bounds);
    }
    histogram
}

fn metrics(workloads: usize, containers: usize) -> Metrics {
    let metrics = Metrics::new().unwrap();
    for workload in 0..workloads {
        metrics.publish("production", &format!("workload-{workload}"), series(containers));
    }
    metrics
}

#[test]
fn no_more_of_a_scrape_is_in_memory_where_there_are_more_workloads() {
    for workloads in [1, 100] {
        let metrics = metrics(workloads, 3);
        let most = metrics.scrape().unwrap().map(|part| part.capacity()).max();
        assert!(most.is_some_and(|most| most <= MOST), "{most:?} bytes of {workloads} workloads");
    }
}

#[test]
fn each_family_has_one_head_and_each_workload_all_its_series_wherever_the_text_is_parted() {
    let text: Vec<u8> = metrics(100, 2).scrape().unwrap().flatten().collect();
    let text = String::from_utf8(text).unwrap();
    let mut heads: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let all = heads.len();
    heads.dedup();
    assert_eq!(all, heads.len());
    // As docs/metrics.md counts them: 10 + 27·C + 2·H + 27·(H + S).
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for label in text.lines().filter_map(|line| line.split("workload=\"").nth(1)) {
        *counts.entry(label.split('"').next().unwrap()).or_default() += 1;
    }
    assert!(counts.len() == 100 && counts.values().all(|count| *count == 10 + 27 * 2 + 2 * 4 + 27 * 8));
    let labels = r#"namespace="production",workload="workload-7",container="container-1",hook="PreStop""#;
    let run = format!(
        r#"hooked_hook_duration_seconds_bucket{{{labels},handler="Exec",source="Runner",le="0.0025"}} 4"#
    );
    assert!(text.lines().any(|line| line == run), "no line {run}");
}

/// Tells what a scrape takes where it is alone in its process:
/// `HOOKED_WORKLOADS=1000 cargo test --release -p hooked-controller -- --nocapture a_scrape_is_read_to_its_end`.
#[allow(clippy::print_stdout, reason = "its words are figures")]
#[test]
fn a_scrape_is_read_to_its_end() {
    let asked = std::env::var("HOOKED_WORKLOADS").ok().and_then(|workloads| workloads.parse().ok());
    let (workloads, scrapes) = asked.map_or((5, 2), |workloads| (workloads, 200));
    let metrics = metrics(workloads, 3);
    let at_rest = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let mut times: Vec<Duration> = Vec::new();
    let mut bytes = 0;
    for _ in 0..scrapes {
        let begin = Instant::now();
        bytes = metrics.scrape().unwrap().map(|part| part.len()).sum::<usize>();
        times.push(begin.elapsed());
    }
    times.sort();
    let peak = HEAP.peak_usage().saturating_sub(at_rest);
    assert!(bytes > workloads * 50_000);
    println!(
        "{workloads} workloads, {bytes} bytes: p50 {:.2?}, p99 {:.2?}, {peak} bytes of the heap beside {at_rest}",
        times[scrapes / 2],
        times[scrapes * 99 / 100]
    );
}
