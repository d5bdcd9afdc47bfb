//! What can go wrong when a commit's consequences are carried out.

use std::sync::Arc;

use thiserror::Error;

use super::super::Failure;
use super::super::store::StoreError;

/// Why what follows from a commit could not be done.
#[derive(Debug, Error)]
pub enum ActError {
    /// A Pod could not be created.
    #[error("Pod {0} could not be created: {1}")]
    Create(Arc<str>, Failure),
    /// A Pod could not be deleted.
    #[error("Pod {0} could not be deleted: {1}")]
    Delete(Arc<str>, Failure),
    /// A Pod could not be changed.
    #[error("Pod {0} could not be changed: {1}")]
    Change(Arc<str>, Failure),
    /// A revision of which Pods are to be made is not known.
    #[error(transparent)]
    Read(#[from] StoreError),
}

impl ActError {
    /// Whether the server refuses it for good: users read that in the workload's conditions, and no pass has failed.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Create(_, failure) | Self::Delete(_, failure) | Self::Change(_, failure) => {
                failure.refusal().is_some()
            }
            Self::Read(_) => false,
        }
    }

    /// The server's words, if it is the server that does not do it.
    pub(super) fn words(&self) -> Option<&str> {
        match self {
            Self::Create(_, Failure::Refused(refused))
            | Self::Delete(_, Failure::Refused(refused))
            | Self::Change(_, Failure::Refused(refused))
                if refused.code != 429 =>
            {
                Some(&refused.message)
            }
            _ => None,
        }
    }
}
