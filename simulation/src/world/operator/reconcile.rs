//! One pass over one workload, as the operator shares it between its tasks.

use std::sync::Arc;

use hooked_core::pass::{self, Locked, Memory};
use hooked_crd::{HookedWorkload, HookedWorkloadSpec};
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::world::wire::Port;

/// A workload as the watch has shown it.
#[derive(Debug)]
pub(in super::super) enum Watched {
    Read(Box<HookedWorkload>),
    /// One that cannot be decoded, and why.
    Unreadable(Box<ObjectMeta>, String),
}

impl Watched {
    /// The spec of a workload that can be decoded.
    pub(in super::super) fn spec(&self) -> Option<&HookedWorkloadSpec> {
        match self {
            Self::Read(workload) => Some(&workload.spec),
            Self::Unreadable(..) => None,
        }
    }

    pub(in super::super) fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Read(workload) => &workload.metadata,
            Self::Unreadable(metadata, _) => metadata,
        }
    }
}

/// Takes a workload through one pass. Returns how long after its end the next one is due; none if only something new
/// causes one.
pub(super) async fn reconcile(
    port: Port,
    workload: Arc<Watched>,
    memory: Arc<Locked<Memory>>,
) -> Option<SignedDuration> {
    let watched = match &*workload {
        Watched::Read(workload) => pass::Watched::Read(workload),
        Watched::Unreadable(metadata, error) => pass::Watched::Unreadable { metadata, error },
    };
    pass::reconcile(&port, watched, &memory).await.after
}
