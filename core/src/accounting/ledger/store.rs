//! How the ledger is written into `status.ledger`: versioned, compact, and refused rather than misread.
//!
//! A kill reason or an outcome that only a newer operator knows is no misreading: it is counted as `Unknown`. A field
//! that only a newer one knows is written back as it was read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hooked_crd::{GateAction, HandlerKind, HookKind, KillReason, Outcome, Source};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::word::Word;
use super::{
    Alias, Distribution, DurationKey, Gate, GateFailure, GateRule, Histogram, KillCount, KillKey, LastRun,
    Ledger, Marks, RunKey, Sizes, Total, Unrunnable, Youngest, ranges,
};
use crate::lifecycle::{Anew, Inability};

/// The version that this program writes.
const VERSION: u32 = 3;
/// The fields that this program knows, as they are written.
const FIELDS: [&str; 14] = [
    "version",
    "operator",
    "highWater",
    "sizes",
    "runs",
    "kills",
    "durations",
    "graceUsed",
    "last",
    "marks",
    "progressedAt",
    "gate",
    "alias",
    "unrunnable",
];
/// The version before, which this program reads: it has no sizes, and reserves no numbers before they are used.
const BEFORE: u32 = 2;
/// Numbers that an operator of the version before may be using above the highest that it has written.
const UNRESERVED: u64 = 500;

/// Why a stored ledger cannot be read. Counting goes on only when it can: a guess would count twice.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// A newer operator wrote it.
    #[error(
        "status.ledger has version {0}, this operator reads versions {BEFORE} and {VERSION}; run the operator that wrote it"
    )]
    Version(u32),
    /// Somebody edited it.
    #[error(
        "status.ledger cannot be read: {0}; restore it, or remove status.ledger to start counting at zero"
    )]
    Malformed(#[from] serde_json::Error),
    /// Somebody edited it.
    #[error(
        "status.ledger.marks cannot be read at {0:?}; restore it, or remove status.ledger to start counting at zero"
    )]
    Marks(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operator: Option<Arc<str>>,
    high_water: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sizes: Option<StoredSizes>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    runs: Vec<StoredRuns>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kills: Vec<StoredKills>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    durations: Vec<StoredDurations>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grace_used: Vec<(Arc<str>, StoredDistribution)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    last: Vec<StoredLast>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    marks: Option<StoredMarks>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    progressed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gate: Option<StoredGate>,
    /// The fingerprint as text, since a number of JSON may not hold it, and the revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alias: Option<(String, Arc<str>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unrunnable: Vec<StoredUnrunnable>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredGate {
    revision: Arc<str>,
    max_failures: u32,
    action: GateAction,
    failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed_by: Option<StoredLast>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredSizes {
    /// Revisions and their sizes, the oldest first.
    of: Vec<(Arc<str>, u32)>,
    /// The Pods wanted, and the most that there may be in a rollout, that the sizes were made for.
    made_for: (u32, u32),
}

/// Revision, why the runner cannot run, the node that has shown it, the highest number of its Pods with the runner.
type StoredUnrunnable = (Arc<str>, String, Option<Arc<str>>, u64);

/// Container, hook, handler, outcome, source, how many.
type StoredRuns = (Arc<str>, HookKind, HandlerKind, Word<Outcome>, Source, u64);

/// Container, hook, outcome, Pod, exit status.
type StoredLast = (Arc<str>, HookKind, Word<Outcome>, Arc<str>, Option<i32>);

/// Container, reason, how many, when the last ended, its Pod.
type StoredKills = (Arc<str>, Word<KillReason>, u64, Option<Timestamp>, Arc<str>);

#[derive(Serialize, Deserialize)]
struct StoredHistogram {
    buckets: Vec<u64>,
    count: u64,
    sum: f64,
}

#[derive(Serialize, Deserialize)]
struct StoredDistribution {
    histogram: StoredHistogram,
    max: f64,
    last: f64,
}

#[derive(Serialize, Deserialize)]
struct StoredDurations {
    of: (Arc<str>, HookKind, HandlerKind, Source),
    #[serde(flatten)]
    seconds: StoredDistribution,
}

#[derive(Serialize, Deserialize)]
struct StoredMarks {
    containers: Vec<Arc<str>>,
    /// See [`ranges`].
    ranges: String,
    /// See [`Youngest::created`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    youngest: Option<i64>,
    /// See [`Youngest::started`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<i64>,
    /// Where kubelets have begun to count restarts anew. Not in the ranges: an operator that knows nothing of this
    /// reads all else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    anew: Vec<StoredAnew>,
}

/// The first number of the range, container, since when, how many instances there had been.
type StoredAnew = (u64, Arc<str>, i64, u32);

impl Ledger {
    /// Reads `status.ledger`; an empty ledger if there is none yet.
    pub fn load(stored: Option<&Value>) -> Result<Self, LedgerError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Some(value) = stored else { return Ok(Self::default()) };
        match Versioned::deserialize(value)?.version {
            VERSION => Ok(Self { unknown: unknown_of(value), ..Self::restore(Stored::deserialize(value)?)? }),
            BEFORE => {
                let ledger = Self::restore(Stored::deserialize(value)?)?;
                Ok(Self { high_water: ledger.high_water.saturating_add(UNRESERVED), ..ledger })
            }
            other => Err(LedgerError::Version(other)),
        }
    }

    fn restore(stored: Stored) -> Result<Self, LedgerError> {
        let Stored { version: _, operator, high_water, sizes, runs, kills, durations, grace_used, .. } =
            stored;
        let Stored { last, marks, progressed_at, gate, alias, unrunnable, .. } = stored;
        let unrunnable = unrunnable.into_iter().map(|(revision, inability, node, last)| {
            (revision, Unrunnable { inability: Inability::from_name(&inability), node, last })
        });
        let alias = alias.and_then(|(data, revision)| {
            u64::from_str_radix(&data, 16).ok().map(|data| Alias { data, revision })
        });
        let marks = match marks {
            Some(StoredMarks { containers, ranges, youngest, started, anew }) => {
                let mut marks = ranges::read(&ranges, &containers).map_err(LedgerError::Marks)?;
                marks.know_youngest(Youngest { created: youngest, started });
                for (first, container, since, before) in anew {
                    marks.count_anew(first, &container, Anew { since, before });
                }
                marks
            }
            None => Marks::default(),
        };
        let duration = |StoredDurations { of: (container, hook, handler, source), seconds }| {
            (DurationKey { container, hook, handler, source }, seconds.into())
        };
        let last = last.into_iter().map(|(container, hook, outcome, pod, exit_code)| {
            ((container, hook), LastRun { outcome: outcome.or(Outcome::Unknown), pod, exit_code })
        });
        let sizes = sizes
            .map(|StoredSizes { of, made_for: (replicas, most) }| Sizes::new(of, Total { replicas, most }));
        Ok(Self {
            operator,
            high_water,
            sizes,
            last: last.collect(),
            runs: read_runs(runs),
            kills: read_kills(kills),
            durations: durations.into_iter().map(duration).collect(),
            grace_used: grace_used.into_iter().map(|(name, shares)| (name, shares.into())).collect(),
            marks,
            progressed_at,
            gate: gate.map(Gate::from),
            alias,
            unrunnable: unrunnable.collect(),
            unknown: serde_json::Map::new(),
        })
    }

    /// Writes the ledger for `status.ledger`.
    pub fn store(&self) -> Result<Value, LedgerError> {
        let Self {
            operator,
            high_water,
            sizes,
            runs,
            kills,
            durations,
            grace_used,
            last,
            marks,
            progressed_at,
            gate,
            alias,
            unrunnable,
            unknown,
        } = self;
        let unrunnable = unrunnable.iter().map(|(revision, Unrunnable { inability, node, last })| {
            (Arc::clone(revision), inability.as_str().to_owned(), node.clone(), *last)
        });
        let last = last.iter().map(|((container, hook), run)| {
            (Arc::clone(container), *hook, Word::Known(run.outcome), Arc::clone(&run.pod), run.exit_code)
        });
        let runs = runs.iter().map(|(k, n)| {
            (Arc::clone(&k.container), k.hook, k.handler, Word::Known(k.outcome), k.source, *n)
        });
        let kills = kills.iter().map(|(k, n)| {
            (Arc::clone(&k.container), Word::Known(k.reason), n.count, n.last_time, Arc::clone(&n.last_pod))
        });
        let durations = durations.iter().map(|(k, d)| StoredDurations {
            of: (Arc::clone(&k.container), k.hook, k.handler, k.source),
            seconds: d.into(),
        });
        let mut stored = serde_json::to_value(Stored {
            version: VERSION,
            operator: operator.clone(),
            high_water: *high_water,
            sizes: sizes.as_ref().map(|sizes| StoredSizes {
                of: sizes.iter().map(|(revision, size)| (Arc::clone(revision), size)).collect(),
                made_for: (sizes.made_for.replicas, sizes.made_for.most),
            }),
            runs: runs.collect(),
            kills: kills.collect(),
            durations: durations.collect(),
            grace_used: grace_used.iter().map(|(name, shares)| (Arc::clone(name), shares.into())).collect(),
            last: last.collect(),
            marks: stored_marks(marks),
            progressed_at: *progressed_at,
            gate: gate.as_ref().map(StoredGate::from),
            alias: alias.as_ref().map(|Alias { data, revision }| (format!("{data:x}"), Arc::clone(revision))),
            unrunnable: unrunnable.collect(),
        })?;
        if let Some(fields) = stored.as_object_mut() {
            fields.extend(unknown.clone());
        }
        Ok(stored)
    }
}

/// Reads of a stored ledger nothing but the revisions in whose Pods the hook-runner cannot run; none where the ledger
/// is not to be read.
pub fn unrunnable_revisions<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeSet<String>, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Lean {
        unrunnable: Vec<StoredUnrunnable>,
    }
    let stored = Option::<Value>::deserialize(deserializer)?.unwrap_or_default();
    let lean = Lean::deserialize(stored).unwrap_or_default();
    Ok(lean.unrunnable.into_iter().map(|(revision, ..)| revision.to_string()).collect())
}

/// The fields of a stored ledger that this program does not know.
fn unknown_of(stored: &Value) -> serde_json::Map<String, Value> {
    let fields = stored.as_object().into_iter().flatten();
    let unknown = fields.filter(|(name, _)| !FIELDS.contains(&name.as_str()));
    unknown.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What of the present Pods is counted; nothing where that is nothing.
fn stored_marks(marks: &Marks) -> Option<StoredMarks> {
    let containers = marks.containers();
    let ranges = ranges::write(marks, &containers);
    let Youngest { created: youngest, started } = marks.youngest();
    let anew = stored_anew(marks);
    (!ranges.is_empty()).then_some(StoredMarks { containers, ranges, youngest, started, anew })
}

fn stored_anew(marks: &Marks) -> Vec<StoredAnew> {
    let all = marks.ranges().flat_map(|(first, _, pod)| pod.0.iter().map(move |marked| (first, marked)));
    all.filter_map(|(first, (name, mark))| Some((first, Arc::clone(name), mark.anew?)))
        .map(|(first, name, Anew { since, before })| (first, name, since, before))
        .collect()
}

/// Runs as they are counted here: those whose outcomes only a newer operator knows are counted together.
fn read_runs(stored: Vec<StoredRuns>) -> BTreeMap<RunKey, u64> {
    let mut runs = BTreeMap::new();
    for (container, hook, handler, outcome, source, count) in stored {
        let key = RunKey { container, hook, handler, outcome: outcome.or(Outcome::Unknown), source };
        *runs.entry(key).or_default() += count;
    }
    runs
}

/// Kills as they are counted here: those whose reasons only a newer operator knows are counted together.
fn read_kills(stored: Vec<StoredKills>) -> BTreeMap<KillKey, KillCount> {
    let mut kills: BTreeMap<KillKey, KillCount> = BTreeMap::new();
    for (container, reason, count, last_time, last_pod) in stored {
        let key = KillKey { container, reason: reason.or(KillReason::Unknown) };
        kills.entry(key).or_default().add(KillCount { count, last_time, last_pod });
    }
    kills
}

impl From<StoredGate> for Gate {
    fn from(StoredGate { revision, max_failures, action, failures, closed_by }: StoredGate) -> Self {
        let closed_by = closed_by.map(|(container, hook, outcome, pod, exit_code)| GateFailure {
            container,
            hook,
            run: LastRun { outcome: outcome.or(Outcome::Unknown), pod, exit_code },
        });
        Self { revision, rule: GateRule { max_failures, action }, failures, closed_by }
    }
}

impl From<&Gate> for StoredGate {
    fn from(Gate { revision, rule: GateRule { max_failures, action }, failures, closed_by }: &Gate) -> Self {
        let closed_by = closed_by.as_ref().map(|GateFailure { container, hook, run }| {
            (Arc::clone(container), *hook, Word::Known(run.outcome), Arc::clone(&run.pod), run.exit_code)
        });
        let (max_failures, action, failures) = (*max_failures, *action, *failures);
        Self { revision: Arc::clone(revision), max_failures, action, failures, closed_by }
    }
}

impl From<StoredHistogram> for Histogram {
    fn from(StoredHistogram { buckets, count, sum }: StoredHistogram) -> Self {
        Self { buckets, count, sum }
    }
}

impl From<&Histogram> for StoredHistogram {
    fn from(Histogram { buckets, count, sum }: &Histogram) -> Self {
        Self { buckets: buckets.clone(), count: *count, sum: *sum }
    }
}

impl From<StoredDistribution> for Distribution {
    fn from(StoredDistribution { histogram, max, last }: StoredDistribution) -> Self {
        Self { histogram: histogram.into(), max, last }
    }
}

impl From<&Distribution> for StoredDistribution {
    fn from(Distribution { histogram, max, last }: &Distribution) -> Self {
        Self { histogram: histogram.into(), max: *max, last: *last }
    }
}
