//! One pass over one workload, and when the next one is due, as `controller/src/reconcile.rs` has it.

use std::sync::Arc;

use hooked_core::backoff;
use hooked_core::pass::{Cluster, Locked, Memory, Passed, Retry, Stop, pass, reject, reject_unreadable};
use hooked_crd::HookedWorkload;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::world::wire::Port;

/// The least time between two passes that nothing new has caused.
const SOON: SignedDuration = SignedDuration::from_millis(100);
/// How long to wait for the watch to show a change that a commit has met.
const CONFLICT: SignedDuration = SignedDuration::from_millis(200);

/// A workload as the watch has shown it.
#[derive(Debug)]
pub(in super::super) enum Watched {
    Read(Box<HookedWorkload>),
    /// One that cannot be decoded, and why.
    Unreadable(Box<ObjectMeta>, String),
}

impl Watched {
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
    let outcome = take_through(&port, &workload, &memory).await;
    let Passed { again, trouble } = match outcome {
        Ok(passed) => passed,
        Err(trouble) => Passed { again: None, trouble: Some(trouble) },
    };
    let until = |at: Timestamp| at.duration_since(port.now()).max(SOON);
    let mut locked = memory.lock();
    let Some(trouble) = trouble else {
        locked.failures = 0;
        return again.map(until);
    };
    if trouble.label() == "conflict" {
        return Some(CONFLICT);
    }
    locked.failures = locked.failures.saturating_add(1);
    let rest = SignedDuration::try_from(backoff::rest(locked.failures)).unwrap_or(SOON);
    let due = again.or_else(|| locked.tracker.next_due()).map(until).filter(|due| *due > SOON);
    Some(due.map_or(rest, |due| rest.min(due)))
}

async fn take_through(port: &Port, workload: &Watched, memory: &Locked<Memory>) -> Result<Passed, Retry> {
    let again = match workload {
        Watched::Read(workload) => match pass(port, workload, memory).await {
            Ok(passed) => return Ok(passed),
            Err(Stop::Retry(trouble)) => return Err(trouble),
            Err(Stop::Invalid(why)) => reject(port, &workload.metadata, &why.to_string(), memory).await?,
        },
        Watched::Unreadable(metadata, error) => reject_unreadable(port, metadata, error, memory).await?,
    };
    Ok(Passed { again, trouble: None })
}
