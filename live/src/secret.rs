//! The Secret that stores authorities and the key of proofs, so that the Pods of one leader know the next
//! one.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, PostParams};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::options::Options;
use crate::request;
use crate::tls::Authorities;

/// The Secret, which is installed empty: the operator may read and write this Secret and no other.
const NAME: &str = "hooked-controller-live";
/// The Secret's field that holds the stored values.
const FIELD: &str = "live.json";

#[derive(Debug, Error)]
pub(crate) enum SecretError {
    #[error("Secret {NAME} could not be read: {why}; is config/manager installed?", why = request::brief(.0))]
    Read(#[source] Box<kube::Error>),
    #[error("Secret {NAME} could not be written: {why}", why = request::brief(.0))]
    Write(#[source] Box<kube::Error>),
    #[error("Secret {NAME} was changed by another meanwhile")]
    Conflict,
    #[error("{FIELD} of Secret {NAME} is not what it should be; empty the Secret to begin anew: {0}")]
    Form(#[source] serde_json::Error),
    #[error("there are no random bytes for a key")]
    Random,
}

/// The stored values. All of them are secret but the certificates.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) authorities: Authorities,
    proof_key: [u8; 32],
}

/// The stored values, and the Secret as the operator read it.
pub(crate) struct Keeper {
    secrets: Api<Secret>,
    secret: Secret,
    field_manager: &'static str,
    pub(crate) kept: Kept,
}

impl Keeper {
    /// Reads the Secret. An empty one stands for a new key and no authority yet.
    pub(crate) async fn read(client: &Client, options: &Options) -> Result<Self, SecretError> {
        let secrets: Api<Secret> = Api::namespaced(client.clone(), &options.namespace);
        let secret = secrets.get(NAME).await.map_err(|error| SecretError::Read(Box::new(error)))?;
        let kept = match secret.data.as_ref().and_then(|data| data.get(FIELD)) {
            Some(ByteString(bytes)) => serde_json::from_slice(bytes).map_err(SecretError::Form)?,
            None => Kept { authorities: Authorities::default(), proof_key: random()? },
        };
        Ok(Self { secrets, secret, field_manager: options.field_manager, kept })
    }

    /// The key that proofs are made with.
    pub(crate) fn proof_key(&self) -> &[u8] {
        &self.kept.proof_key
    }

    /// Writes the values, unless another operator has written the Secret since this one read it.
    pub(crate) async fn write(&mut self) -> Result<(), SecretError> {
        let bytes = serde_json::to_vec(&self.kept).map_err(SecretError::Form)?;
        let mut secret = self.secret.clone();
        secret.data.get_or_insert_default().insert(FIELD.to_owned(), ByteString(bytes));
        let parameters = PostParams { dry_run: false, field_manager: Some(self.field_manager.to_owned()) };
        match self.secrets.replace(NAME, &parameters, &secret).await {
            Ok(written) => {
                self.secret = written;
                Ok(())
            }
            Err(error) if request::is_conflict(&error) => Err(SecretError::Conflict),
            Err(error) => Err(SecretError::Write(Box::new(error))),
        }
    }
}

fn random() -> Result<[u8; 32], SecretError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SecretError::Random)?;
    Ok(bytes)
}
