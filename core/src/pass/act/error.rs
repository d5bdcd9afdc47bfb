//! What can go wrong when a commit's consequences are carried out.

use std::sync::Arc;

use hooked_crd::Reason;
use thiserror::Error;

use super::super::Failure;
use super::super::stored::StoreError;
use crate::status::{ReplicaFailure, gist};

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
    /// Whether the workload is still there, which is to take Pods over, could not be looked up.
    #[error("whether the workload may take Pods over could not be looked up: {0}")]
    Look(Failure),
}

impl ActError {
    /// Whether the server refuses it for good: users read that in the workload's conditions, and no pass has failed.
    pub(in super::super) fn is_refusal(&self) -> bool {
        match self {
            Self::Create(_, failure) | Self::Delete(_, failure) | Self::Change(_, failure) => {
                failure.refusal().is_some()
            }
            Self::Read(_) | Self::Look(_) => false,
        }
    }

    /// What users are told of it: whatever keeps Pods from being what they are to be, and not that another operator
    /// leads.
    pub(super) fn told(&self) -> Option<ReplicaFailure> {
        let reason = match self {
            Self::Create(_, Failure::Deposed)
            | Self::Delete(_, Failure::Deposed)
            | Self::Change(_, Failure::Deposed)
            | Self::Read(StoreError::Store(_, Failure::Deposed) | StoreError::Read(_, Failure::Deposed))
            | Self::Look(_) => {
                return None;
            }
            Self::Create(..) | Self::Read(_) => Reason::FailedCreate,
            Self::Delete(..) => Reason::FailedDelete,
            Self::Change(..) => Reason::FailedUpdate,
        };
        Some(ReplicaFailure { reason, words: self.to_string() })
    }

    /// What is the same in the words if another Pod fares alike.
    pub(super) fn gist(&self) -> String {
        let words = self.to_string();
        match self {
            Self::Create(pod, _) | Self::Delete(pod, _) | Self::Change(pod, _) => {
                gist(&words.replace(&**pod, ""))
            }
            Self::Read(_) | Self::Look(_) => gist(&words),
        }
    }
}
