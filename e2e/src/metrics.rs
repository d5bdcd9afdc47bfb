//! The operator's metrics, read through the API server.

use anyhow::{Context, Result};
use http::Request;

use crate::cluster::Cluster;
use crate::operator;
use crate::wait::wait_for;

/// The samples of one namespace's workloads.
#[derive(Clone, Debug)]
pub struct Metrics(Vec<Sample>);

#[derive(Clone, Debug)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Metrics {
    /// Reads what the operator serves now.
    pub(crate) async fn scrape(cluster: &Cluster, namespace: &str) -> Result<Self> {
        let text = exposition(cluster).await?;
        let ours = ("namespace".to_owned(), namespace.to_owned());
        let samples = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(read);
        let mut samples = samples.collect::<Result<Vec<_>>>()?;
        samples.retain(|sample| sample.labels.contains(&ours));
        Ok(Self(samples))
    }

    /// How many live reports have had each result, of all Pods of the cluster.
    pub async fn live_reports(cluster: &Cluster) -> Result<std::collections::BTreeMap<String, f64>> {
        let text = exposition(cluster).await?;
        let lines = text.lines().filter(|line| line.starts_with("hooked_live_reports_total{"));
        let samples = lines.map(read).collect::<Result<Vec<_>>>()?;
        let result = |sample: Sample| Some((sample.labels.into_iter().next()?.1, sample.value));
        Ok(samples.into_iter().filter_map(result).collect())
    }

    /// The sum of all samples of this name that have these labels; none if there is no such sample.
    pub fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let carries = |sample: &&Sample| {
            let has = |(key, value): &(&str, &str)| sample.labels.iter().any(|(k, v)| k == key && v == value);
            sample.name == name && labels.iter().all(has)
        };
        let found: Vec<f64> = self.0.iter().filter(carries).map(|sample| sample.value).collect();
        (!found.is_empty()).then(|| found.iter().sum())
    }

    /// The same as a count, 0 if there is no such sample.
    #[allow(clippy::cast_possible_truncation, reason = "counters of a scenario are small whole numbers")]
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> i64 {
        self.find(name, labels).unwrap_or(0.0) as i64
    }

    /// Every counter, by name and labels: what must never decrease.
    pub fn counters(&self) -> impl Iterator<Item = (String, f64)> {
        let counts =
            |name: &str| ["_total", "_bucket", "_count", "_sum"].iter().any(|end| name.ends_with(end));
        let counters = self.0.iter().filter(move |sample| counts(&sample.name));
        counters.map(|sample| (format!("{}{:?}", sample.name, sample.labels), sample.value))
    }
}

/// Everything that the operator serves now that leads, in Prometheus' text format.
pub async fn exposition(cluster: &Cluster) -> Result<String> {
    wait_for("the operator serves its metrics", async || {
        let path = operator::metrics_path(cluster).await?;
        Ok(Ok(cluster.client.request_text(Request::get(path).body(Vec::new())?).await?))
    })
    .await
}

/// Reads a line of the text format.
fn read(line: &str) -> Result<Sample> {
    let wrong = || format!("{line:?} is no sample");
    let (series, value) = line.rsplit_once(' ').with_context(wrong)?;
    let value = value.parse().with_context(wrong)?;
    let (name, labels) = match series.split_once('{') {
        None => (series, Vec::new()),
        Some((name, rest)) => {
            (name, read_labels(rest.strip_suffix('}').with_context(wrong)?).with_context(wrong)?)
        }
    };
    Ok(Sample { name: name.to_owned(), labels, value })
}

/// Reads `a="x",b="y"`. Values that need escapes are none of ours.
fn read_labels(text: &str) -> Option<Vec<(String, String)>> {
    let inner = text.strip_suffix('"')?;
    let pairs = inner.split("\",").map(|pair| pair.split_once("=\""));
    pairs.map(|pair| pair.map(|(key, value)| (key.to_owned(), value.to_owned()))).collect()
}
