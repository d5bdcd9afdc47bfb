//! The keys with which the cluster signs tokens, read from the API server, so that no token needs a review of
//! its own.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::JwkSet;
use kube::Client;
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::Mutex;

use crate::request;

/// How soon the keys are read again for a token with an unknown key: such a token may be forged.
const REST: Duration = Duration::from_secs(10);
/// How long keys are used before they are read again: the cluster may have withdrawn one.
const FRESH: Duration = Duration::from_secs(300);

#[derive(Debug, Error)]
pub(super) enum KeysError {
    #[error("{0} could not be read: {why}", why = request::brief(.1))]
    Read(&'static str, #[source] Box<kube::Error>),
    #[error("{0} is not what it should be: {1}")]
    Form(&'static str, #[source] serde_json::Error),
}

/// The cluster's keys, and the cluster's name as the issuer of tokens.
#[derive(Debug, Default)]
struct Known {
    issuer: String,
    keys: HashMap<String, DecodingKey>,
    read: Option<Instant>,
}

/// The cluster's keys, which are read when a token needs them.
pub(super) struct SigningKeys {
    client: Client,
    known: Mutex<Known>,
}

/// A key, and the issuer whose tokens it signs.
#[derive(Debug)]
pub(super) struct SigningKey {
    pub(super) issuer: String,
    pub(super) key: DecodingKey,
}

impl SigningKeys {
    pub(super) fn new(client: Client) -> Self {
        Self { client, known: Mutex::default() }
    }

    /// The key of that name; none if the cluster has none. Known keys are used while the API server does not
    /// answer.
    pub(super) async fn find(&self, name: &str) -> Result<Option<SigningKey>, KeysError> {
        // The lock is held while keys are read, so that they are read once however many runners wait.
        let mut known = self.known.lock().await;
        let age = known.read.map(|read| read.elapsed());
        let patience = if known.keys.contains_key(name) { FRESH } else { REST };
        if age.is_none_or(|age| age >= patience) {
            known.read = Some(Instant::now());
            match read(&self.client).await {
                Ok((issuer, keys)) => (known.issuer, known.keys) = (issuer, keys),
                Err(error) if known.keys.is_empty() => return Err(error),
                Err(error) => tracing::warn!(%error, "the cluster's keys could not be read again"),
            }
        }
        let issuer = known.issuer.clone();
        Ok(known.keys.get(name).map(|key| SigningKey { issuer, key: key.clone() }))
    }
}

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/openid/v1/jwks";

async fn read(client: &Client) -> Result<(String, HashMap<String, DecodingKey>), KeysError> {
    #[derive(Deserialize)]
    struct Discovery {
        issuer: String,
    }
    let Discovery { issuer } = serde_json::from_str(&get(client, DISCOVERY).await?)
        .map_err(|error| KeysError::Form(DISCOVERY, error))?;
    let set: JwkSet =
        serde_json::from_str(&get(client, KEYS).await?).map_err(|error| KeysError::Form(KEYS, error))?;
    // Keys of an unknown kind are left out.
    let named = set
        .keys
        .iter()
        .filter_map(|key| Some((key.common.key_id.clone()?, DecodingKey::from_jwk(key).ok()?)));
    Ok((issuer, named.collect()))
}

async fn get(client: &Client, place: &'static str) -> Result<String, KeysError> {
    let request = http::Request::get(place).body(Vec::new());
    let request = request.map_err(|error| KeysError::Read(place, Box::new(kube::Error::HttpError(error))))?;
    client.request_text(request).await.map_err(|error| KeysError::Read(place, Box::new(error)))
}
