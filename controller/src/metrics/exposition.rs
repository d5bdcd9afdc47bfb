//! Prometheus' text format, written series by series: the values are counted elsewhere, and nothing of them is copied.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use hooked_core::accounting::ledger::Histogram;

/// A metric family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    /// As the format has it: `counter`, `gauge` or `histogram`.
    pub(super) kind: &'static str,
}

/// The text of a part of one family.
pub(super) struct Lines<'a> {
    text: &'a mut Vec<u8>,
    head: Head,
    /// Whether the family's head is written: without any series it would be no valid exposition.
    has_head: &'a mut bool,
    labels: Vec<u8>,
}

/// A series whose labels are told one by one, and then its value.
pub(super) struct Series<'a, 'text> {
    lines: &'a mut Lines<'text>,
}

impl<'a> Lines<'a> {
    /// Goes on with a family in `text`.
    pub(super) fn new(text: &'a mut Vec<u8>, head: Head, has_head: &'a mut bool) -> Self {
        Self { text, head, has_head, labels: Vec::new() }
    }

    /// Begins a series of a workload.
    pub(super) fn series(&mut self, namespace: &str, workload: &str) -> Series<'_, 'a> {
        self.labels.clear();
        Series { lines: self }.label("namespace", namespace).label("workload", workload)
    }

    /// Writes what stands before the values, once.
    fn begin(&mut self) {
        if !std::mem::replace(self.has_head, true) {
            let Head { name, help, kind } = self.head;
            self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        }
    }

    fn line(&mut self, suffix: &str, bound: Option<&str>, value: impl std::fmt::Display) {
        self.push(self.head.name);
        self.push(suffix);
        self.push("{");
        self.text.extend_from_slice(&self.labels);
        if let Some(bound) = bound {
            self.push(",le=\"");
            self.push(bound);
            self.push("\"");
        }
        self.write(format_args!("}} {value}\n"));
    }

    fn push(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Memory takes whatever is written to it.
        self.text.write_fmt(text).ok();
    }
}

impl Series<'_, '_> {
    /// A label, with its value as the API writes it, so that metrics and status speak of the same thing. JSON escapes a
    /// name as Prometheus does.
    pub(super) fn label(self, name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        let labels = &mut self.lines.labels;
        if !labels.is_empty() {
            labels.push(b',');
        }
        labels.extend_from_slice(name.as_bytes());
        labels.push(b'=');
        serde_json::to_writer(labels, value).ok();
        self
    }

    pub(super) fn counter(self, value: u64) {
        self.lines.begin();
        self.lines.line("", None, value);
    }

    pub(super) fn gauge(self, value: i64) {
        self.lines.begin();
        self.lines.line("", None, value);
    }

    /// A moment, in seconds since the epoch.
    #[allow(clippy::cast_precision_loss, reason = "a double holds today's microseconds exactly")]
    pub(super) fn moment(self, at: Timestamp) {
        self.lines.begin();
        self.lines.line("", None, at.as_microsecond() as f64 / 1e6);
    }

    /// `bounds` are those of its buckets, as they are written.
    pub(super) fn histogram(self, values: &Histogram, bounds: &[String]) {
        self.lines.begin();
        // One into which nothing was counted yet has no buckets of its own.
        let counts = values.cumulative().chain(std::iter::repeat(0));
        for (bound, count) in bounds.iter().zip(counts) {
            self.lines.line("_bucket", Some(bound), count);
        }
        self.lines.line("_bucket", Some("+Inf"), values.count);
        self.lines.line("_sum", None, values.sum);
        self.lines.line("_count", None, values.count);
    }
}
