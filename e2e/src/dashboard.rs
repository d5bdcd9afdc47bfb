//! The dashboards of config/grafana: their queries as Grafana would send them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::prometheus::Prometheus;

/// What Grafana puts in for its own variables, with a scrape a second and an hour shown.
const OWN: [(&str, &str); 2] = [("__rate_interval", "15s"), ("__range", "1h")];

/// A dashboard.
pub struct Dashboard {
    name: String,
    content: Value,
}

/// A query of a panel, its variables filled in.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which panel of which dashboard.
    pub panel: String,
    /// What Prometheus is asked.
    pub expression: String,
    /// Whether it is asked for the present alone.
    pub instant: bool,
}

impl Dashboard {
    /// Reads one of config/grafana.
    pub fn read(name: &str) -> Result<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/grafana").join(name);
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(Self { name: name.to_owned(), content: serde_json::from_str(&text)? })
    }

    /// Gives every variable a value that Prometheus knows: the chosen one, or else all, or else the first. One whose
    /// query finds nothing is an error, as is a choice that it does not find.
    pub async fn variables(
        &self,
        prometheus: &Prometheus<'_>,
        chosen: &[(&str, &str)],
    ) -> Result<BTreeMap<String, String>> {
        let mut values: BTreeMap<String, String> = OWN.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        for variable in list(&self.content["templating"]["list"]) {
            let name = text(&variable["name"]);
            if variable["type"] != "query" {
                continue;
            }
            let query = fill(&text(&variable["query"]["query"]), &values);
            let known = options(prometheus, &query).await?;
            let choice =
                chosen.iter().find(|(chosen, _)| *chosen == name).map(|(_, value)| (*value).to_owned());
            let all = text(&variable["allValue"]);
            let value = match (choice, known.first()) {
                (Some(value), _) if known.contains(&value) => value,
                (None, Some(first)) if all.is_empty() => first.clone(),
                // What stands for all also takes series without the label: there is none here that has it.
                (None, found) if found.is_some() || all == ".*" => all,
                (choice, _) => bail!("{}: ${name} is one of {known:?}, not {choice:?}", self.name),
            };
            values.insert(name, value);
        }
        Ok(values)
    }

    /// Every query of every panel.
    pub fn queries(&self, variables: &BTreeMap<String, String>) -> Vec<Query> {
        let panels = list(&self.content["panels"]).iter();
        let queries = panels.flat_map(|panel| {
            list(&panel["targets"]).iter().map(|target| Query {
                panel: format!("{}: {} {}", self.name, panel["title"], target["refId"]),
                expression: fill(&text(&target["expr"]), variables),
                instant: target["instant"] == true,
            })
        });
        queries.collect()
    }
}

/// What the query of a variable offers: the values of a label, or the one answer of an expression.
async fn options(prometheus: &Prometheus<'_>, query: &str) -> Result<Vec<String>> {
    let inside = |name: &str| query.strip_prefix(name)?.strip_suffix(')');
    if let Some(expression) = inside("query_result(") {
        let found = prometheus.instant(expression).await?;
        return Ok(found.iter().map(|series| text(&series.labels["label"])).collect());
    }
    let asked = inside("label_values(").and_then(|asked| asked.rsplit_once(", "));
    let (matching, label) = asked.context("neither label_values nor query_result")?;
    prometheus.label_values(label, matching).await
}

/// Puts values in for variables, the longer names first, since one may begin with another.
fn fill(query: &str, variables: &BTreeMap<String, String>) -> String {
    let mut names: Vec<_> = variables.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names.into_iter().fold(query.to_owned(), |query, (name, value)| query.replace(&format!("${name}"), value))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
