//! How many requests the API server has answered, by its own count.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use http::Request;
use kube::Client;

/// Requests by verb and resource. Those of nodes, and what an API server asks of itself, are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests(BTreeMap<(String, String), f64>);

/// Resources that only nodes and the API server itself write.
const OTHERS: [&str; 7] =
    ["", "leases", "nodes", "endpoints", "endpointslices", "servicecidrs", "ipaddresses"];
const WRITES: [&str; 6] = ["POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"];

impl Requests {
    /// All since the API server was started.
    pub(crate) async fn until_now(client: &Client) -> Result<Self> {
        let text = client.request_text(Request::get("/metrics").body(Vec::new())?).await?;
        let mut all = Self::default();
        for line in text.lines().filter_map(|line| line.strip_prefix("apiserver_request_total{")) {
            let (labels, value) = line.rsplit_once("} ").context("a sample without labels")?;
            let (verb, resource) = (label(labels, "verb"), label(labels, "resource"));
            if !OTHERS.contains(&resource) {
                *all.0.entry((verb.to_owned(), resource.to_owned())).or_default() += value.parse::<f64>()?;
            }
        }
        Ok(all)
    }

    /// How many came since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> f64 {
        self.sum(|_| true) - earlier.sum(|_| true)
    }

    /// How many of those wrote something.
    pub(crate) fn writes_since(&self, earlier: &Self) -> f64 {
        let writes = |verb: &str| WRITES.contains(&verb);
        self.sum(writes) - earlier.sum(writes)
    }

    fn sum(&self, wanted: impl Fn(&str) -> bool) -> f64 {
        self.0.iter().filter(|((verb, _), _)| wanted(verb)).map(|(_, count)| count).sum()
    }
}

fn label<'a>(labels: &'a str, name: &str) -> &'a str {
    let mut all = labels.split("\",").filter_map(|label| label.split_once("=\""));
    all.find(|(known, _)| *known == name).map_or("", |(_, value)| value.trim_end_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_apart() {
        let labels = r#"code="201",resource="pods",subresource="status",verb="POST""#;
        for (name, value) in [("verb", "POST"), ("resource", "pods"), ("code", "201"), ("group", "")] {
            assert_eq!(label(labels, name), value, "{name}");
        }
    }
}
