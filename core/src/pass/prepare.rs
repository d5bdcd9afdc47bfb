//! What a pass acts upon: the spec with its revision stored and its Pods taken by the API server, or why it
//! is not so.

use std::sync::Arc;

use hooked_crd::HookedWorkloadStatus;
use jiff::Timestamp;

use super::admit::admit;
use super::at_rest::measuring_at_rest;
use super::await_predecessor::await_predecessor;
use super::equate::equate;
use super::invalid::Invalid;
use super::overlay::Committed;
use super::store::store;
use super::stored::{self, StoreError};
use super::subject::Subject;
use super::{Cluster, Failure, Locked, Memory};
use crate::accounting::ledger::Unrunnable;
use crate::admission::Verdict;
use crate::mutation::{Mutation, mutated};
use crate::workload::desired::Desired;
use crate::workload::gate::{Closed, closed};
use crate::workload::revision::{Measuring, PodSource, Revision};
use crate::workload::target::{Target, Why};

/// What a pass acts upon.
pub(super) struct Prepared {
    pub(super) desired: Desired,
    pub(super) collision_count: Option<i32>,
    pub(super) target: Target,
    /// The revision that Pods are made of; the one that is asked for if none are.
    pub(super) revision: Arc<Revision>,
    /// What its Pods are made from.
    pub(super) source: Source,
    /// When the API server is to be asked again how Pods can be made.
    pub(super) ask_again: Option<Timestamp>,
    /// What failed, and is tried again. It keeps no hook from being counted, no Pod from being replaced and
    /// no finalizer from being removed: only nothing is rolled out.
    pub(super) trouble: Option<StoreError>,
}

/// What Pods of a revision are made from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// What the API server takes, or what is made of Pods that it does not take.
    Known(PodSource),
    /// Of a workload at rest nobody has asked: none is made before the API server is. Hooks are measured so.
    Unasked(Measuring),
}

impl Source {
    /// What became of the wish to measure hooks by the runner.
    pub(super) fn measuring(&self) -> &Measuring {
        match self {
            Self::Known(source) => &source.measuring,
            Self::Unasked(measuring) => measuring,
        }
    }
}

/// Stores what is asked for and asks the API server about it, unless there is nothing to do. What only a change of the
/// workload mends is an error.
pub(super) async fn prepare<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
    memory: &Locked<Memory>,
) -> Result<Prepared, Invalid> {
    let collision_count = before.status.collision_count;
    let collisions = collision_count.unwrap_or(0);
    let spec = &subject.workload.spec;
    if let Some(leaving) = subject.leaving {
        // Nothing is rolled out any more, so nothing is stored.
        let desired = Desired::of_leaving(spec, collisions)?;
        return Ok(held(desired, collision_count, None, Why::Leaving(leaving)));
    }
    await_predecessor(cluster, subject, before, memory).await?;
    if let Some((why, due)) = memory.lock().predecessor.awaited() {
        // The template is not stored: the revision that is handed over has a name of its own.
        let desired = Desired::from_spec(spec, collisions)?;
        let held = held(desired, collision_count, None, why);
        return Ok(Prepared { ask_again: Some(due), ..held });
    }
    let updating = before.status.update_revision.as_deref().map(Arc::from);
    if spec.paused == Some(true) {
        let mut desired = Desired::from_spec(spec, collisions)?;
        let trouble = equate(cluster, subject, before, &mut desired, memory).await.err();
        let paused = held(desired, collision_count, updating, Why::Paused);
        let paused = paused.at_its_revision(cluster, subject, before, memory).await;
        return Ok(Prepared { trouble: paused.trouble.or(trouble), ..paused });
    }
    let (desired, collisions) = match store(cluster, subject, before, memory).await {
        Ok(stored) => stored,
        Err(StoreError::Desired(error)) => return Err(error.into()),
        Err(trouble) => {
            let desired = Desired::from_spec(spec, collisions)?;
            let held = held(desired, collision_count, updating, Why::NotStored(trouble.to_string()));
            let held = held.at_its_revision(cluster, subject, before, memory).await;
            return Ok(Prepared { trouble: Some(trouble), ..held });
        }
    };
    Ok(of_stored(cluster, subject, before, desired, collisions, memory).await)
}

/// What a pass acts upon once that is stored: the API server is asked about it, unless there is nothing to do.
async fn of_stored<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
    desired: Desired,
    collisions: i32,
    memory: &Locked<Memory>,
) -> Prepared {
    let collision_count = (collisions > 0).then_some(collisions);
    if let Some(measuring) = measuring_at_rest(cluster, subject, before, &desired, memory).await {
        return rolled(desired, collision_count, Source::Unasked(measuring), None);
    }
    let updating = before.status.update_revision.as_deref().map(Arc::from);
    let asked = Arc::clone(&desired.asked.name);
    match admit(cluster, subject, before, &desired.asked, memory).await {
        Ok(admission) => match admission.verdict {
            Verdict::Taken(making) => {
                let source = Source::Known(making.source(&desired.asked, cluster.endpoint()));
                let rolled = rolled(desired, collision_count, source, admission.until);
                rolled.through_its_gate(cluster, subject, before, memory).await
            }
            Verdict::Malformed(_) if mutated(Mutation::RefusedTemplateRolled) => {
                let source = Source::Known(desired.asked.as_written(Measuring::Observed));
                rolled(desired, collision_count, source, admission.until)
            }
            Verdict::Malformed(words) => {
                let at = revision_before(&before.status, &asked).map(Arc::from);
                let held = held(desired, collision_count, at, Why::Refused(words));
                let held = held.at_its_revision(cluster, subject, before, memory).await;
                Prepared { ask_again: admission.until, ..held }
            }
        },
        Err(failure) => {
            let held = held(desired, collision_count, updating, Why::Unchecked(unchecked(&failure)));
            let held = held.at_its_revision(cluster, subject, before, memory).await;
            Prepared { trouble: Some(StoreError::Store(asked, failure)), ..held }
        }
    }
}

fn unchecked(failure: &Failure) -> String {
    format!("no Pod of the template can be created: {failure}")
}

/// What a workload goes on with whose template is refused: the revision that was rolled out completely, or
/// else the one that was being rolled out, before `refused` was asked for.
fn revision_before<'a>(status: &'a HookedWorkloadStatus, refused: &str) -> Option<&'a str> {
    let known = [&status.current_revision, &status.update_revision];
    known.into_iter().flatten().map(String::as_str).find(|revision| *revision != refused)
}

/// A workload that is rolled to what is asked for.
fn rolled(
    desired: Desired,
    collision_count: Option<i32>,
    source: Source,
    ask_again: Option<Timestamp>,
) -> Prepared {
    let revision = Arc::new(desired.asked.clone());
    let target = Target::Roll { to: Arc::clone(&revision.name) };
    Prepared { desired, collision_count, target, revision, source, ask_again, trouble: None }
}

/// A workload of which no rollout goes on.
fn held(desired: Desired, collision_count: Option<i32>, at: Option<Arc<str>>, why: Why) -> Prepared {
    let revision = Arc::new(desired.asked.clone());
    let source = Source::Known(revision.as_written(Measuring::Observed));
    let target = Target::Hold { at, why };
    Prepared { desired, collision_count, target, revision, source, ask_again: None, trouble: None }
}

impl Prepared {
    /// The same where hooks of the revision may fail: rolled back, or stopped, if the gate is closed.
    async fn through_its_gate<C: Cluster>(
        self,
        cluster: &C,
        subject: &Subject<'_>,
        before: &Committed,
        memory: &Locked<Memory>,
    ) -> Self {
        let gate = subject.gate(before.ledger.gate.clone(), &self.desired, before);
        match closed(gate.as_ref(), before.status.current_revision.as_deref()) {
            None => self,
            Some(Closed::Pause) => Self { target: self.stopped(), ..self },
            Some(Closed::RollBack(to)) => {
                let back = Self { target: Target::Roll { to: to.into() }, ..self };
                let back = back.at_its_revision(cluster, subject, before, memory).await;
                // A revision that cannot be had, or that the API server takes no more, is not gone back to.
                let is_there = back.target.revision() == Some(&back.revision.name);
                let is_refused = memory.lock().revisions.is_refused(to);
                if is_there && !is_refused { back } else { Self { target: back.stopped(), ..back } }
            }
        }
    }

    /// The gate has closed: no step is taken to the revision that is asked for, from the commit on that counts the run
    /// which has closed it.
    pub(super) fn stop_at_closed_gate(&mut self) {
        if (Target::Roll { to: Arc::clone(&self.desired.asked.name) }) == self.target {
            self.target = self.stopped();
        }
    }

    /// A Pod has shown that the runner cannot run: none of the revision is made with it, from the commit on that says
    /// so.
    pub(super) fn observe(&mut self, shown: &Unrunnable) {
        if *self.source.measuring() != Measuring::Runner {
            return;
        }
        let measuring = Measuring::CannotRun(shown.clone());
        self.source = match self.source {
            Source::Known(_) => Source::Known(self.revision.as_written(measuring)),
            Source::Unasked(_) => Source::Unasked(measuring),
        };
    }

    fn stopped(&self) -> Target {
        Target::Hold { at: Some(Arc::clone(&self.desired.asked.name)), why: Why::Gated }
    }

    /// The same with the revision at which the workload is held. What cannot be had of that is tried again.
    async fn at_its_revision<C: Cluster>(
        self,
        cluster: &C,
        subject: &Subject<'_>,
        before: &Committed,
        memory: &Locked<Memory>,
    ) -> Self {
        let Some(at) = self.target.revision() else { return self };
        let found = if *at == self.desired.asked.name {
            Ok(Some(Arc::clone(&self.revision)))
        } else {
            stored::read(cluster, subject, at, memory).await
        };
        let revision = match found {
            Ok(Some(revision)) => revision,
            Ok(None) => return self,
            Err(trouble) => return Self { trouble: Some(trouble), ..self },
        };
        let (source, trouble) = match admit(cluster, subject, before, &revision, memory).await {
            Ok(admission) => (admission.source(&revision, cluster.endpoint()), self.trouble),
            Err(failure) => {
                let trouble = StoreError::Read(Arc::clone(&revision.name), failure);
                (revision.as_written(Measuring::Observed), Some(trouble))
            }
        };
        Self { revision, source: Source::Known(source), trouble, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(current: Option<&str>, update: Option<&str>, expect: Option<&str>) {
        let owned = |revision: Option<&str>| revision.map(str::to_owned);
        let status = HookedWorkloadStatus {
            current_revision: owned(current),
            update_revision: owned(update),
            ..HookedWorkloadStatus::default()
        };
        assert_eq!(revision_before(&status, "refused"), expect, "{current:?} {update:?}");
    }

    #[test]
    fn a_refused_template_leaves_the_revision_that_was_complete_or_else_under_way() {
        check(None, None, None);
        check(Some("one"), Some("one"), Some("one"));
        check(Some("one"), Some("two"), Some("one"));
        check(None, Some("one"), Some("one"));
        // What was taken once may be refused by a later API server.
        check(Some("refused"), Some("refused"), None);
    }
}
