//! What Prometheus reads: a projection of what was committed, made when it is scraped, and part by part: a scrape takes
//! no more memory where there are more workloads, nor do several at once.
//!
//! Nothing is counted here but the operator's own work. Counters and histograms of workloads come from their ledgers,
//! so they continue after a restart and cannot disagree with the status.

mod exposition;
mod scrape;
#[cfg(test)]
mod tests;
mod workload;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hooked_live::ReportResult;
use prometheus::{
    Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use hooked_core::pass::{Locked, Retry};
use hooked_core::status::Series;

use scrape::Scrape;
use workload::{Entry, Workloads};

/// How long the series of a workload that is gone stay, so that its last stops are scraped.
const LINGER: Duration = Duration::from_secs(120);

/// Upper bounds for the time that a reconcile takes, in seconds: from one without a write to one that creates
/// many Pods.
const RECONCILE_BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];

/// All metrics of the operator.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    workloads: Arc<Locked<Workloads>>,
    /// 1 while this operator is the one that works.
    pub(crate) leader: IntGauge,
    pub(crate) reconcile_seconds: Histogram,
    pub(crate) reconcile_errors: IntCounterVec,
    pub(crate) live_reports: IntCounterVec,
    pub(crate) live_connections: IntGauge,
}

impl Metrics {
    /// Registers everything that is ever served.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let workloads = Arc::new(Locked::default());
        let build = IntGaugeVec::new(
            Opts::new("hooked_build_info", "Always 1; its label tells which version of the operator runs."),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let reconcile_seconds = Histogram::with_opts(
            HistogramOpts::new(
                "hooked_reconcile_duration_seconds",
                "How long the reconcile of a workload took, in seconds.",
            )
            .buckets(RECONCILE_BUCKETS.to_vec()),
        )?;
        let reconcile_errors = IntCounterVec::new(
            Opts::new("hooked_reconcile_errors_total", "Reconciles that failed, by reason."),
            &["reason"],
        )?;
        let live_reports = IntCounterVec::new(
            Opts::new("hooked_live_reports_total", "Reports over the live channel, by what became of them."),
            &["result"],
        )?;
        for result in ReportResult::ALL {
            live_reports.with_label_values(&[result.label()]);
        }
        let live_connections =
            IntGauge::new("hooked_live_connections", "Runners that are connected over the live channel.")?;
        registry.register(Box::new(live_reports.clone()))?;
        registry.register(Box::new(live_connections.clone()))?;
        // They are served before the first one comes, so that its increase is seen.
        for reason in Retry::LABELS {
            reconcile_errors.with_label_values(&[reason]);
        }
        registry.register(Box::new(build))?;
        let leader = IntGauge::new(
            "hooked_leader",
            "1 on the operator that works, 0 on one that waits for the Lease.",
        )?;
        registry.register(Box::new(leader.clone()))?;
        registry.register(Box::new(reconcile_seconds.clone()))?;
        registry.register(Box::new(reconcile_errors.clone()))?;
        Ok(Self {
            registry,
            workloads,
            leader,
            reconcile_seconds,
            reconcile_errors,
            live_reports,
            live_connections,
        })
    }

    /// Shows what was committed of a workload.
    pub(crate) fn publish(&self, namespace: &str, name: &str, series: Series) {
        let key = (namespace.to_owned(), name.to_owned());
        self.workloads.lock().insert(key, Entry { series, gone_since: None });
    }

    /// Shows that a workload cannot be carried out, with the last that was committed of it.
    pub(crate) fn publish_invalid(&self, namespace: &str, name: &str, failing: bool) {
        let key = (namespace.to_owned(), name.to_owned());
        let mut workloads = self.workloads.lock();
        let entry =
            workloads.entry(key).or_insert_with(|| Entry { series: Series::default(), gone_since: None });
        entry.series.set_invalid(failing);
        entry.gone_since = None;
    }

    /// A workload is gone: its series go a while after it.
    pub(crate) fn gone(&self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        if let Some(entry) = self.workloads.lock().get_mut(&key) {
            entry.gone_since.get_or_insert_with(Instant::now);
        }
    }

    /// A complete list of workloads was read: those that `exists` does not know are gone.
    pub(crate) fn listed(&self, exists: impl Fn(&str, &str) -> bool) {
        for ((namespace, name), entry) in self.workloads.lock().iter_mut() {
            if !exists(namespace, name) {
                entry.gone_since.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Everything in Prometheus' text format, part by part.
    pub(crate) fn scrape(&self) -> Result<Scrape, prometheus::Error> {
        let own = TextEncoder::new().encode_to_string(&self.registry.gather())?;
        self.workloads
            .lock()
            .retain(|_, entry| entry.gone_since.is_none_or(|since| since.elapsed() < LINGER));
        Ok(Scrape::new(own, Arc::clone(&self.workloads)))
    }
}
