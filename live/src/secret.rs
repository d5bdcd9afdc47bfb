//! Secrets that store what one leader makes and the next one needs: authorities, and the key of proofs.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, PostParams};
use ring::rand::{SecureRandom, SystemRandom};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::options::Options;
use crate::request;
use crate::tls::Authorities;

/// The live channel's Secret.
const NAME: &str = "hooked-controller-live";
/// The Secret's field that holds the stored values.
const FIELD: &str = "live.json";

/// Why what is stored cannot be read or written.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The Secret could not be read.
    #[error("Secret {0} could not be read: {why}; is all of config/ installed that it belongs to?", why = request::brief(.1))]
    Read(&'static str, #[source] Box<kube::Error>),
    /// The Secret could not be written.
    #[error("Secret {0} could not be written: {why}", why = request::brief(.1))]
    Write(&'static str, #[source] Box<kube::Error>),
    /// Another operator has written it since it was read.
    #[error("Secret {0} was changed by another meanwhile")]
    Conflict(&'static str),
    /// What is stored cannot be decoded.
    #[error("what Secret {0} stores is not what it should be; empty the Secret to begin anew: {1}")]
    Form(&'static str, #[source] serde_json::Error),
    /// No key could be made.
    #[error("there are no random bytes for a key")]
    Random,
}

/// Where something is stored: in a Secret which is installed empty, since the operator may read and write that one and
/// no other.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The Secret's name.
    pub secret: &'static str,
    /// Its field.
    pub field: &'static str,
}

/// What the live channel stores. All of it is secret but the certificates.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) authorities: Authorities,
    proof_key: [u8; 32],
}

impl Kept {
    /// Where it is stored.
    pub(crate) const PLACE: Place = Place { secret: NAME, field: FIELD };

    /// A new key and no authority yet.
    pub(crate) fn new() -> Result<Self, SecretError> {
        Ok(Self { authorities: Authorities::default(), proof_key: random()? })
    }

    /// The key that proofs are made with.
    pub(crate) fn proof_key(&self) -> &[u8] {
        &self.proof_key
    }
}

/// What is stored, and the Secret as the operator read it.
pub struct Keeper<K> {
    place: Place,
    secrets: Api<Secret>,
    secret: Secret,
    field_manager: &'static str,
    /// What is stored, or is to be.
    pub kept: K,
}

impl<K: Serialize + DeserializeOwned> Keeper<K> {
    /// Reads what is stored in the operator's namespace, or begins with `first` where nothing is.
    pub async fn read(
        client: &Client,
        options: &Options,
        place: Place,
        first: impl FnOnce() -> Result<K, SecretError>,
    ) -> Result<Self, SecretError> {
        let secrets: Api<Secret> = Api::namespaced(client.clone(), &options.namespace);
        let failed = |error| SecretError::Read(place.secret, Box::new(error));
        let secret = secrets.get(place.secret).await.map_err(failed)?;
        let kept = match secret.data.as_ref().and_then(|data| data.get(place.field)) {
            Some(ByteString(bytes)) => {
                serde_json::from_slice(bytes).map_err(|error| SecretError::Form(place.secret, error))?
            }
            None => first()?,
        };
        Ok(Self { place, secrets, secret, field_manager: options.field_manager, kept })
    }

    /// Stores it, unless another operator has written the Secret since this one read it.
    pub async fn write(&mut self) -> Result<(), SecretError> {
        let Place { secret: name, field } = self.place;
        let bytes = serde_json::to_vec(&self.kept).map_err(|error| SecretError::Form(name, error))?;
        let mut secret = self.secret.clone();
        secret.data.get_or_insert_default().insert(field.to_owned(), ByteString(bytes));
        let parameters = PostParams { dry_run: false, field_manager: Some(self.field_manager.to_owned()) };
        match self.secrets.replace(name, &parameters, &secret).await {
            Ok(written) => {
                self.secret = written;
                Ok(())
            }
            Err(error) if request::is_conflict(&error) => Err(SecretError::Conflict(name)),
            Err(error) => Err(SecretError::Write(name, Box::new(error))),
        }
    }
}

fn random() -> Result<[u8; 32], SecretError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SecretError::Random)?;
    Ok(bytes)
}
