//! What came over the live channel, and which Pods have which endpoint.

use std::collections::{BTreeMap, BTreeSet};

use hooked_crd::HookKind;
use hooked_protocol::{Hook, Record};
use jiff::Timestamp;

use super::PodSet;
use crate::lifecycle::HookRun;
use crate::lifecycle::evidence::PodEvidence;
use crate::workload::{Life, PodFact};

/// What becomes of a live report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It says something that was not known.
    News,
    /// It was known.
    Known,
    /// The Pod is not there, or has no such hook that reports live.
    Foreign,
}

/// Pods by the endpoint that they have, as far as it can still be changed.
#[derive(Debug, Default)]
pub(super) struct Endpoints(BTreeMap<u64, BTreeSet<u64>>);

impl Endpoints {
    pub(super) fn add(&mut self, fact: &PodFact) {
        if let (Some(endpoint), Life::Alive, true) = (fact.live, fact.life, fact.seen) {
            self.0.entry(endpoint).or_default().insert(fact.ordinal);
        }
    }

    pub(super) fn remove(&mut self, fact: &PodFact) {
        let Some(endpoint) = fact.live else { return };
        if let Some(pods) = self.0.get_mut(&endpoint) {
            pods.remove(&fact.ordinal);
            if pods.is_empty() {
                self.0.remove(&endpoint);
            }
        }
    }
}

/// When live reports came and when they did not: seconds in which a run began, the latest of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hearing {
    /// A run of which a report came.
    pub heard: Option<i64>,
    /// A run of which a report should have come, and none did.
    pub missed: Option<i64>,
}

impl PodSet {
    /// Takes in what a runner has told of a run.
    pub fn observe_live(&mut self, ordinal: u64, uid: &str, record: Record, now: Timestamp) -> Heard {
        if self.pods.get(&ordinal).is_none_or(|fact| &*fact.uid != uid) {
            return Heard::Foreign;
        }
        let Some(evidence) = self.evidence.get_mut(&ordinal) else { return Heard::Foreign };
        let shape = evidence.shape.containers.get(record.container.as_str());
        let hook = shape.and_then(|shape| match record.hook {
            Hook::PostStart => shape.hooks.post_start,
            Hook::PreStop => shape.hooks.pre_stop,
        });
        if hook.is_none_or(|hook| !hook.live) {
            return Heard::Foreign;
        }
        let known = evidence.containers.get(record.container.as_str());
        if known.is_some_and(|container| !container.live.is_news(&record)) {
            return Heard::Known;
        }
        let began = i64::try_from(record.start / 1_000_000).ok();
        self.hearing.heard = self.hearing.heard.max(began);
        let container = record.container.clone();
        evidence.merge(PodEvidence::of_live(&container, record));
        self.look_again(ordinal, Some(now));
        Heard::News
    }

    /// Notes that a run which began then was counted without a live report of it, though one should have come.
    pub fn missed_live(&mut self, began: i64) {
        self.hearing.missed = self.hearing.missed.max(Some(began));
    }

    /// When live reports came and when they did not.
    pub fn hearing(&self) -> Hearing {
        self.hearing
    }

    /// Pods that have an endpoint other than this one. Their files can still be changed.
    pub fn outdated(&self, endpoint: u64) -> impl Iterator<Item = &PodFact> {
        let others = self.endpoints.0.iter().filter(move |(known, _)| **known != endpoint);
        others.flat_map(|(_, pods)| pods).filter_map(|ordinal| self.pods.get(ordinal))
    }

    /// Remembers that a Pod was given this endpoint.
    pub fn refreshed(&mut self, ordinal: u64, endpoint: u64) {
        self.change(ordinal, |fact| fact.live = Some(endpoint));
    }

    /// Terminating Pods in which a postStart hook runs.
    pub fn hanging_on(&self) -> impl Iterator<Item = &PodFact> {
        let of_post_start = |runs: &[HookRun]| runs.iter().any(|run| run.id.hook == HookKind::PostStart);
        let hanging = self.running.by_pod().filter(move |(_, runs)| of_post_start(runs));
        let pods = hanging.filter_map(|(ordinal, _)| self.pods.get(&ordinal));
        pods.filter(|fact| fact.life == Life::Terminating)
    }
}
