//! The Prometheus that `cargo xtask test` has started, asked through the API server.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use http::Request;
use serde_json::Value;

use crate::cluster::Cluster;

const PLACE: &str = "/api/v1/namespaces/hooked-monitoring/services/prometheus:web/proxy/api/v1";

/// A Prometheus that scrapes the operator every second.
pub struct Prometheus<'a> {
    cluster: &'a Cluster,
}

/// The values of a series over time, and its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels, the metric's name among them.
    pub labels: Value,
    /// When it was what, in seconds since the epoch, oldest first; NaN where a quotient has no value.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// What it was, oldest first.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.points.iter().map(|(_, value)| *value)
    }
}

impl<'a> Prometheus<'a> {
    /// The one beside the operator of this cluster.
    pub fn of(cluster: &'a Cluster) -> Self {
        Self { cluster }
    }

    /// What a query gives now.
    pub async fn instant(&self, query: &str) -> Result<Vec<Series>> {
        series(&self.get("query", &[("query", query)]).await?)
    }

    /// What a query gives, second by second, from a moment on.
    pub async fn since(&self, moment: SystemTime, query: &str) -> Result<Vec<Series>> {
        let (start, end) = (seconds(moment)?, seconds(SystemTime::now())?);
        // It refuses more than 11,000 points.
        let step = end.saturating_sub(start).as_secs().div_ceil(10_000).max(1).to_string();
        let [start, end] = [start, end].map(|time| time.as_secs_f64().to_string());
        let asked = [("query", query), ("start", &*start), ("end", &*end), ("step", &*step)];
        series(&self.get("query_range", &asked).await?)
    }

    /// The values of a label among the series that match.
    pub async fn label_values(&self, label: &str, matching: &str) -> Result<Vec<String>> {
        let found = self.get(&format!("label/{label}/values"), &[("match[]", matching)]).await?;
        Ok(serde_json::from_value(found)?)
    }

    /// Every rule that it has loaded, with its health.
    pub async fn rules(&self) -> Result<Vec<Value>> {
        let found = self.get("rules", &[]).await?;
        let groups = found["groups"].as_array().context("no groups")?;
        Ok(groups.iter().filter_map(|group| group["rules"].as_array()).flatten().cloned().collect())
    }

    async fn get(&self, what: &str, asked: &[(&str, &str)]) -> Result<Value> {
        let asked: Vec<String> =
            asked.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value))).collect();
        let request = Request::get(format!("{PLACE}/{what}?{}", asked.join("&"))).body(Vec::new())?;
        let answer: Value = self.cluster.client.request(request).await.with_context(|| asked.join(" "))?;
        ensure!(answer["status"] == "success", "{answer}");
        Ok(answer["data"].clone())
    }
}

/// Reads a vector or a matrix: every value is written as `[time, "value"]`.
fn series(data: &Value) -> Result<Vec<Series>> {
    let read = |point: &Value| -> Result<(f64, f64)> {
        let (time, value) = (point[0].as_f64(), point[1].as_str());
        let (time, value) = time.zip(value).with_context(|| format!("{point} is no point"))?;
        Ok((time, value.parse()?))
    };
    let found = data["result"].as_array().context("no result")?.iter().map(|one| {
        let points = match one["values"].as_array() {
            Some(points) => points.iter().map(read).collect::<Result<_>>()?,
            None => vec![read(&one["value"])?],
        };
        Ok(Series { labels: one["metric"].clone(), points })
    });
    found.collect()
}

fn seconds(moment: SystemTime) -> Result<Duration> {
    Ok(moment.duration_since(UNIX_EPOCH)?)
}

/// As a part of a URL's query.
fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let encode = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}
