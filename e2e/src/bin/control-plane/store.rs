//! What etcd holds, counted there: the API server takes no notice.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use kube::{Client, Config};
use serde_json::{Value, json};

/// etcd's HTTP gateway.
#[derive(Clone)]
pub(crate) struct Store(Client);

impl Store {
    /// The store at an address.
    pub(crate) fn at(address: &str) -> Result<Self> {
        Ok(Self(Client::try_from(Config::new(address.parse()?))?))
    }

    /// How many Pods a namespace has.
    pub(crate) async fn pods(&self, namespace: &str) -> Result<u64> {
        // The range ends before the first key that does not begin so: `0` is the sign after `/`.
        let range = ["/", "0"].map(|end| STANDARD.encode(format!("/registry/pods/{namespace}{end}")));
        let asked = json!({"key": range[0], "range_end": range[1], "count_only": true});
        let answer = self.ask("/v3/kv/range", &asked).await?;
        // Numbers of 64 bits are texts, and a zero is left out.
        answer["count"].as_str().unwrap_or("0").parse().context("etcd counts otherwise")
    }

    async fn ask(&self, path: &str, body: &Value) -> Result<Value> {
        let request = Request::post(path).header("Content-Type", "application/json");
        Ok(self.0.request(request.body(body.to_string().into_bytes())?).await?)
    }
}
