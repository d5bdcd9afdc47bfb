//! Where a Pod's runners reach the operator.

use std::num::NonZeroU64;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::names;

/// Where the operator is reached, and how its certificate is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveEndpoint {
    /// `IP:port`: no name, so that nobody needs a cluster DNS.
    pub address: String,
    /// The certificates that the operator's is signed by, as PEM.
    pub ca: String,
}

impl LiveEndpoint {
    /// A short name of the endpoint, by which it is known whether a Pod has the present one.
    pub fn fingerprint(&self) -> NonZeroU64 {
        let digest =
            Sha256::new().chain_update(&self.address).chain_update([0]).chain_update(&self.ca).finalize();
        let sum = digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        NonZeroU64::new(sum).unwrap_or(NonZeroU64::MIN)
    }

    /// The annotations that carry it.
    pub fn annotations(&self) -> Map<String, Value> {
        let annotations =
            [(names::LIVE_ADDRESS_ANNOTATION, &self.address), (names::LIVE_CA_ANNOTATION, &self.ca)];
        annotations.into_iter().map(|(name, value)| (name.to_owned(), value.clone().into())).collect()
    }
}
