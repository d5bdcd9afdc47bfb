//! The Lease that makes one operator the leader, and the fence that a deposed one does not get through.
//!
//! Counting is exact only while one operator counts: what one has counted and forgotten, since its Pod is
//! gone, another that still remembers the Pod would count again. So an operator begins to look at Pods only
//! when it holds the Lease, and before each status write it asks whether it still does. The Lease is good
//! from before a renewal was sent, and another takes it only when it has seen it unchanged for as long: so
//! where the answer is yes between reading a workload and writing its status, no other has written in
//! between, or the write is refused as one of an old version.

use std::sync::Arc;
use std::time::Duration;

use hooked_core::election::{Candidate, Claim, LEASE_DURATION, ObservedLease, PATIENCE};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, ResourceExt};
use rustix::time::{ClockId, clock_gettime};
use thiserror::Error;
use tokio::sync::watch;

use hooked_core::names::FIELD_MANAGER;
use hooked_core::pass::Locked;

use crate::own_pod::OwnPod;
use crate::request;

/// The Lease's name, in the operator's own namespace.
pub(crate) const LEASE: &str = "hooked-controller";

#[derive(Debug, Error)]
pub(crate) enum LeadError {
    #[error("the Lease {namespace}/{LEASE} was not renewed in time, or another operator has taken it")]
    Lost { namespace: String },
}

#[derive(Debug, Error)]
enum LeaseError {
    #[error("{}", request::brief(.0))]
    Request(#[from] kube::Error),
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Slow(#[from] tokio::time::error::Elapsed),
}

/// Whether this operator leads, and until when.
#[derive(Debug)]
pub(crate) enum Leadership {
    /// Nobody else is there, by the word of whoever started it with `--leader-elect=false`.
    Sole,
    /// Until this time since the machine's start; none before the Lease was held.
    Leased(Locked<Option<Duration>>),
}

impl Leadership {
    /// Whether it leads at this moment.
    pub(crate) fn holds(&self) -> bool {
        match self {
            Self::Sole => true,
            Self::Leased(until) => until.lock().is_some_and(|until| since_boot() < until),
        }
    }

    /// How long it certainly leads from now on; none if that has no end.
    pub(crate) fn left(&self) -> Option<Duration> {
        match self {
            Self::Sole => None,
            Self::Leased(until) => {
                let until = until.lock().unwrap_or_default();
                Some(until.saturating_sub(since_boot()))
            }
        }
    }

    fn extend(&self, until: Duration) {
        if let Self::Leased(lease) = self {
            *lease.lock() = Some(until);
        }
    }
}

/// The time since the machine's start. A clock that stands still while the machine is suspended would let a
/// leader that wakes up believe in a Lease that another has taken meanwhile.
fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// What can be said of the election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is known yet.
    Unknown,
    /// Another leads.
    Standby,
    /// This operator leads.
    Leader,
}

/// The Lease, and this process' claim to it.
pub(crate) struct Election {
    leases: Api<Lease>,
    namespace: String,
    candidate: Candidate,
    leadership: Arc<Leadership>,
    standing: watch::Sender<Standing>,
}

impl Election {
    /// An election in the namespace that the operator runs in, where its Secret and its Service are too.
    pub(crate) fn new(client: &Client, own_pod: &OwnPod, standing: watch::Sender<Standing>) -> Self {
        // A container that is started again stays in its Pod, and is another process nonetheless.
        let OwnPod { namespace, name } = own_pod.clone();
        let identity = format!("{name}_{:x}", Timestamp::now().as_nanosecond());
        Self {
            leases: Api::namespaced(client.clone(), &namespace),
            namespace,
            candidate: Candidate::new(identity),
            leadership: Arc::new(Leadership::Leased(Locked::default())),
            standing,
        }
    }

    /// Whether this operator leads.
    pub(crate) fn leadership(&self) -> Arc<Leadership> {
        Arc::clone(&self.leadership)
    }

    /// Seeks the Lease and keeps it. Returns only when it was held and is lost.
    pub(crate) async fn run(&mut self) -> LeadError {
        loop {
            let began = since_boot();
            let was_leader = *self.standing.borrow() == Standing::Leader;
            match tokio::time::timeout(PATIENCE, self.step()).await.map_err(LeaseError::from).flatten() {
                Ok(standing) => self.announce(standing),
                Err(error) => {
                    tracing::warn!(%error, "the Lease could not be read or renewed");
                    // One that leads does so until its Lease ends; one that waits does not know for whom.
                    if !was_leader {
                        self.announce(Standing::Unknown);
                    }
                }
            }
            if was_leader && !(self.leadership.holds() && *self.standing.borrow() == Standing::Leader) {
                return LeadError::Lost { namespace: self.namespace.clone() };
            }
            let next = self.candidate.next_look(began);
            tokio::time::sleep(next.saturating_sub(since_boot())).await;
        }
    }

    fn announce(&self, standing: Standing) {
        let changed = self.standing.send_replace(standing) != standing;
        if changed && standing == Standing::Standby {
            tracing::info!("another operator leads: waiting for its Lease");
        }
    }

    async fn step(&mut self) -> Result<Standing, LeaseError> {
        let lease = self.leases.get_opt(LEASE).await?;
        let version = lease.as_ref().and_then(ResourceExt::resource_version).unwrap_or_default();
        let report = lease.as_ref().map(|lease| report(lease, &version));
        let sent = since_boot();
        let written = match self.candidate.claim(report, sent) {
            Claim::Wait => return Ok(Standing::Standby),
            Claim::Take => self.write(lease, true).await,
            Claim::Renew => self.write(lease, false).await,
        };
        match written {
            Ok(()) => {
                self.leadership.extend(sent + LEASE_DURATION);
                Ok(Standing::Leader)
            }
            // Another was faster; or somebody has touched the Lease, which the next look tells.
            Err(error) if request::is_conflict(&error) && !self.leadership.holds() => Ok(Standing::Standby),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the Lease as ours, if it is still as it was read.
    async fn write(&self, lease: Option<Lease>, take: bool) -> Result<(), kube::Error> {
        let parameters = PostParams { dry_run: false, field_manager: Some(FIELD_MANAGER.to_owned()) };
        let now = MicroTime(Timestamp::now());
        let is_new = lease.is_none();
        let mut lease = lease.unwrap_or_else(|| Lease {
            metadata: ObjectMeta { name: Some(LEASE.to_owned()), ..ObjectMeta::default() },
            spec: None,
        });
        let before = lease.spec.take().unwrap_or_default();
        let transitions = before.lease_transitions.unwrap_or(0);
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.candidate.identity().to_owned()),
            lease_duration_seconds: i32::try_from(LEASE_DURATION.as_secs()).ok(),
            acquire_time: if take { Some(now.clone()) } else { before.acquire_time.clone() },
            renew_time: Some(now),
            lease_transitions: Some(transitions + i32::from(take && !is_new)),
            ..before
        });
        if is_new {
            self.leases.create(&parameters, &lease).await.map(drop)
        } else {
            self.leases.replace(LEASE, &parameters, &lease).await.map(drop)
        }
    }

    /// Gives the Lease back, so that the next operator need not wait for its end. Nothing may be written any more.
    pub(crate) async fn release(self) {
        if *self.standing.borrow() != Standing::Leader {
            return;
        }
        let released = tokio::time::timeout(PATIENCE, async {
            let mut lease = self.leases.get(LEASE).await?;
            let ours = lease
                .spec
                .as_mut()
                .filter(|spec| spec.holder_identity.as_deref() == Some(self.candidate.identity()));
            if let Some(spec) = ours {
                spec.holder_identity = Some(String::new());
                self.leases.replace(LEASE, &PostParams::default(), &lease).await?;
            }
            Ok::<_, kube::Error>(())
        });
        if let Err(error) = released.await.map_err(LeaseError::from).and_then(|done| Ok(done?)) {
            tracing::warn!(%error, "the Lease could not be given back: the next operator waits for its end");
        }
    }
}

fn report<'a>(lease: &'a Lease, version: &'a str) -> ObservedLease<'a> {
    let spec = lease.spec.as_ref();
    let seconds =
        spec.and_then(|spec| spec.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
    ObservedLease {
        holder: spec.and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default(),
        version,
        duration: seconds.map_or(LEASE_DURATION, Duration::from_secs),
    }
}
