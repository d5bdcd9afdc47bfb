//! From a token to the Pod that holds it, or why the token is refused.

use hooked_core::names::LIVE_AUDIENCE;
use hooked_protocol::{Proof, Record};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use kube::Client;
use serde::Deserialize;

use super::keys::{SigningKey, SigningKeys};
use super::proof::Prover;
use super::signature::{self, ALGORITHMS};
use crate::refusal::Refusal;

/// Seconds by which the clocks of the API server and of the operator may differ.
const LEEWAY: u64 = 30;

/// A Pod, as the API server vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) namespace: String,
    pub(crate) pod_uid: String,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "kubernetes.io")]
    kubernetes: Kubernetes,
}

#[derive(Deserialize)]
struct Kubernetes {
    namespace: String,
    pod: Pod,
}

#[derive(Deserialize)]
struct Pod {
    uid: String,
}

/// Authenticates runners, and gives them proofs for later.
pub(crate) struct Authenticator {
    keys: SigningKeys,
    prover: Prover,
}

impl Authenticator {
    /// Verifies tokens by the keys of the client's cluster, and proofs by `proof_key`.
    pub(crate) fn new(client: Client, proof_key: &[u8]) -> Self {
        signature::install();
        Self { keys: SigningKeys::new(client), prover: Prover::new(proof_key) }
    }

    /// The Pod that a token is bound to. The token of a run that holds a proof was accepted before, so it may
    /// have expired.
    pub(crate) async fn authenticate(
        &self,
        token: &str,
        proof: Option<Proof>,
        record: &Record,
    ) -> Result<Identity, Refusal> {
        let header = decode_header(token).map_err(|_| Refusal::Unauthenticated)?;
        let name = header.kid.ok_or(Refusal::Unauthenticated)?;
        let key = self.keys.find(&name).await.map_err(|error| {
            tracing::warn!(%error, "a live report cannot be verified");
            Refusal::Unverifiable
        })?;
        let key = key.ok_or(Refusal::Unauthenticated)?;
        if let Some(proof) = proof {
            let identity = identify(token, &key, Expiry::Ignored)?;
            if self.prover.is_proven(proof, &identity.pod_uid, record) {
                return Ok(identity);
            }
        }
        identify(token, &key, Expiry::Heeded)
    }

    /// The proof of a run in the Pod.
    pub(crate) fn prove(&self, identity: &Identity, record: &Record) -> Proof {
        self.prover.prove(&identity.pod_uid, record)
    }
}

/// Whether an expired token is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expiry {
    Heeded,
    Ignored,
}

fn identify(token: &str, key: &SigningKey, expiry: Expiry) -> Result<Identity, Refusal> {
    let mut validation = Validation::new_for_family(key.key.family());
    validation.algorithms.retain(|algorithm| ALGORITHMS.contains(algorithm));
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.validate_exp = expiry == Expiry::Heeded;
    validation.set_audience(&[LIVE_AUDIENCE]);
    validation.set_issuer(&[&key.issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    let data = decode::<Claims>(token, &key.key, &validation).map_err(|error| match error.kind() {
        ErrorKind::ExpiredSignature => Refusal::Expired,
        _ => Refusal::Unauthenticated,
    })?;
    let Kubernetes { namespace, pod } = data.claims.kubernetes;
    Ok(Identity { namespace, pod_uid: pod.uid })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jiff::Timestamp;
    use jsonwebtoken::DecodingKey;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::{Value, json};

    use super::*;

    /// An API server that signs with ES256.
    struct Cluster {
        pair: EcdsaKeyPair,
        key: SigningKey,
    }

    impl Cluster {
        fn new() -> Self {
            signature::install();
            let random = SystemRandom::new();
            let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
            let point = pair.public_key().as_ref();
            let [x, y] = [&point[1..33], &point[33..]].map(|part| URL_SAFE_NO_PAD.encode(part));
            let key = DecodingKey::from_ec_components(&x, &y).unwrap();
            Self { pair, key: SigningKey { issuer: "https://cluster".to_owned(), key } }
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let text = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
            let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }
    }

    fn claims() -> Value {
        let now = Timestamp::now().as_second();
        json!({
            "iss": "https://cluster", "aud": ["hooked.dev"], "nbf": now - 10, "exp": now + 3600,
            "kubernetes.io": {"namespace": "shop", "pod": {"name": "web-1", "uid": "u-1"}},
        })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[field] = value;
        claims
    }

    fn check(cluster: &Cluster, claims: &Value, expect: Result<(), Refusal>) {
        let token = cluster.sign(&json!({"alg": "ES256", "kid": "k"}), claims);
        assert_eq!(identify(&token, &cluster.key, Expiry::Heeded).map(drop), expect, "{claims}");
    }

    #[test]
    fn a_token_is_good_if_the_cluster_signed_it_for_us_for_a_pod_and_now() {
        let (cluster, now) = (Cluster::new(), Timestamp::now().as_second());
        check(&cluster, &claims(), Ok(()));
        check(&cluster, &with("exp", json!(now - 60)), Err(Refusal::Expired));
        check(&cluster, &with("nbf", json!(now + 60)), Err(Refusal::Unauthenticated));
        check(&cluster, &with("aud", json!(["https://cluster"])), Err(Refusal::Unauthenticated));
        check(&cluster, &with("aud", Value::Null), Err(Refusal::Unauthenticated));
        check(&cluster, &with("iss", json!("https://elsewhere")), Err(Refusal::Unauthenticated));
        check(&cluster, &with("exp", Value::Null), Err(Refusal::Unauthenticated));
        check(&cluster, &with("kubernetes.io", json!({"namespace": "shop"})), Err(Refusal::Unauthenticated));
    }

    #[test]
    fn another_signature_or_none_is_refused() {
        let (cluster, other) = (Cluster::new(), Cluster::new());
        let refused =
            |token: &str| identify(token, &cluster.key, Expiry::Ignored) == Err(Refusal::Unauthenticated);
        assert!(refused(&other.sign(&json!({"alg": "ES256", "kid": "k"}), &claims())));
        for algorithm in ["none", "HS256", "RS256", "ES384", "EdDSA"] {
            assert!(refused(&cluster.sign(&json!({"alg": algorithm, "kid": "k"}), &claims())), "{algorithm}");
        }
        let good = cluster.sign(&json!({"alg": "ES256", "kid": "k"}), &claims());
        let (text, _) = good.rsplit_once('.').unwrap();
        assert!(refused(&format!("{text}.")) && refused(text) && refused(""));
    }

    #[test]
    fn where_expiry_does_not_matter_everything_else_does() {
        let cluster = Cluster::new();
        let past = Timestamp::now().as_second() - 7200;
        let token = |claims: &Value| cluster.sign(&json!({"alg": "ES256", "kid": "k"}), claims);
        let identity = identify(&token(&with("exp", json!(past))), &cluster.key, Expiry::Ignored).unwrap();
        assert_eq!((&*identity.namespace, &*identity.pod_uid), ("shop", "u-1"));
        let other = token(&with("aud", json!(["else"])));
        assert_eq!(identify(&other, &cluster.key, Expiry::Ignored), Err(Refusal::Unauthenticated));
    }
}
