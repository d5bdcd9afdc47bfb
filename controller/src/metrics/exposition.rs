//! Metric families put together by hand, since their values are counted elsewhere.

use jiff::Timestamp;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use hooked_core::accounting::ledger;

/// A family under construction.
pub(super) struct Family(MetricFamily);

impl Family {
    pub(super) fn new(name: &str, help: &str, kind: MetricType) -> Self {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        Self(family)
    }

    #[allow(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
    pub(super) fn counter(&mut self, labels: &[(&str, &str)], value: u64) {
        let mut counter = Counter::default();
        counter.set_value(value as f64);
        let mut metric = labelled(labels);
        metric.set_counter(counter);
        self.0.mut_metric().push(metric);
    }

    #[allow(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
    pub(super) fn gauge(&mut self, labels: &[(&str, &str)], value: i64) {
        self.set_gauge(labels, value as f64);
    }

    /// A moment, in seconds since the epoch.
    #[allow(clippy::cast_precision_loss, reason = "a double holds today's microseconds exactly")]
    pub(super) fn moment(&mut self, labels: &[(&str, &str)], at: Timestamp) {
        self.set_gauge(labels, at.as_microsecond() as f64 / 1e6);
    }

    fn set_gauge(&mut self, labels: &[(&str, &str)], value: f64) {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        let mut metric = labelled(labels);
        metric.set_gauge(gauge);
        self.0.mut_metric().push(metric);
    }

    pub(super) fn histogram(&mut self, labels: &[(&str, &str)], values: &ledger::Histogram, bounds: &[f64]) {
        // One into which nothing was counted yet has no buckets of its own.
        let counts = values.cumulative().chain(std::iter::repeat(0));
        let buckets = bounds.iter().zip(counts).map(|(bound, count)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(count);
            bucket
        });
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(values.count);
        histogram.set_sample_sum(values.sum);
        let mut metric = labelled(labels);
        metric.set_histogram(histogram);
        self.0.mut_metric().push(metric);
    }

    /// The family, if it has any series: an empty one is no valid exposition.
    pub(super) fn finish(self) -> Option<MetricFamily> {
        (!self.0.get_metric().is_empty()).then_some(self.0)
    }
}

fn labelled(labels: &[(&str, &str)]) -> Metric {
    let pairs = labels.iter().map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    });
    Metric::from_label(pairs.collect())
}
