//! What is remembered of a Pod: little, since there may be 100,000 of them.

use std::num::NonZeroU64;
use std::sync::Arc;

use jiff::Timestamp;

use crate::lifecycle::{LiveEndpoint, ObservedPod, PodName, PodUid, RunnerSight};
use crate::mutation::{Mutation, mutated};

use super::standing::Standing;

/// Where a Pod is in its life, as the watch shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Life {
    /// It is wanted and has not ended.
    Alive,
    /// Its deletion was asked for.
    Terminating,
    /// It lives or has ended, and its labels no longer match the selector: it is to be set free.
    Unselected,
    /// It has ended (phase Succeeded or Failed) and nobody asked for its deletion.
    Ended,
}

/// What is remembered of a Pod.
#[allow(clippy::struct_excessive_bools, reason = "flags that are independent of each other")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFact {
    /// Its number within its workload.
    pub number: u64,
    /// Its name.
    pub name: PodName,
    /// Its UID; empty while nobody knows whether our create was carried out.
    pub uid: PodUid,
    /// Whether its name is the one that an operator makes of its number.
    pub is_named: bool,
    /// The hash of the template it was made from.
    pub revision: Arc<str>,
    /// Where it is in its life.
    pub life: Life,
    /// Whether it is bound to a node: only then can anything have run in it.
    pub bound: bool,
    /// Second since which it is ready, if it is.
    pub ready_since: Option<i64>,
    /// Which others it goes before, where some must go.
    pub standing: Standing,
    /// Whether our finalizer is on it.
    pub has_finalizer: bool,
    /// Whether it can run nothing any more: its phase is Succeeded or Failed.
    pub over: bool,
    /// The fingerprint of the endpoint at which its runners reach the operator, if they do.
    pub live: Option<NonZeroU64>,
    /// How the hook-runner fares in it.
    pub runner: RunnerSight,
    /// Whether the watch has shown it; false for an own create that it has not shown yet.
    pub seen: bool,
    /// Whether this operator has asked for its deletion, and the watch has not shown that yet.
    pub deleting: bool,
}

impl PodFact {
    /// What is worth remembering of `pod`, as it is seen `now`.
    pub fn of(pod: &ObservedPod, now: Timestamp) -> Self {
        let over = pod.is_over();
        let life = match (pod.deletion_timestamp, over) {
            (Some(_), _) => Life::Terminating,
            (None, true) if mutated(Mutation::EndedPodsCount) => Life::Alive,
            (None, true) => Life::Ended,
            (None, false) => Life::Alive,
        };
        Self {
            number: pod.number,
            name: pod.name.as_str().into(),
            uid: pod.uid.as_str().into(),
            is_named: pod.is_named,
            revision: pod.revision.as_str().into(),
            life,
            bound: pod.spec.node_name.is_some(),
            ready_since: pod.status.true_since("Ready").map(jiff::Timestamp::as_second),
            standing: Standing::of(pod),
            has_finalizer: pod.has_finalizer,
            over,
            live: pod.live.as_ref().map(LiveEndpoint::fingerprint),
            runner: pod.runner(now),
            seen: true,
            deleting: false,
        }
    }

    /// A Pod that this operator has asked for and the watch has not shown yet. `uid` is empty while the reply is lost.
    pub fn unseen(number: u64, name: &str, uid: &str, revision: &str, has_finalizer: bool) -> Self {
        Self {
            number,
            name: name.into(),
            uid: uid.into(),
            is_named: true,
            revision: revision.into(),
            life: Life::Alive,
            bound: false,
            ready_since: None,
            standing: Standing::default(),
            has_finalizer,
            over: false,
            live: None,
            runner: RunnerSight::NotNeeded,
            seen: false,
            deleting: false,
        }
    }

    /// The Pod with labels that no longer match; one that is being deleted ends as others do.
    #[must_use]
    pub fn unselected(self) -> Self {
        let life = if self.life == Life::Terminating { self.life } else { Life::Unselected };
        Self { life, ..self }
    }

    /// The second in which it was created, if that is known.
    pub fn created(&self) -> Option<i64> {
        (self.standing.created < u32::MAX).then_some(i64::from(self.standing.created))
    }

    /// Whether it serves nobody since the hook-runner in it cannot run.
    pub fn is_stuck(&self) -> bool {
        self.is_alive() && self.ready_since.is_none() && matches!(self.runner, RunnerSight::CannotRun(_))
    }

    /// Whether its deletion was asked for, by whomever.
    pub fn is_to_go(&self) -> bool {
        self.life == Life::Terminating || self.deleting
    }

    /// Whether it counts as one of the Pods that there are: it is wanted, and nobody has asked for its deletion.
    pub fn is_alive(&self) -> bool {
        self.life == Life::Alive && !self.deleting
    }
}
