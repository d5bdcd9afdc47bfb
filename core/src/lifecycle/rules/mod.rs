//! The conclusions that evidence allows, each a pure function named by what it concludes.
//!
//! A chain is tried in order and the first rule that answers wins, so an earlier rule is a stronger one. Where nothing
//! can tell, the answer is Unknown: never a guess shown as a fact.

mod kill;
mod post_start;
mod pre_stop;

use std::sync::Arc;

use hooked_crd::{HookKind, Outcome, Source};
use hooked_protocol::Record;

use super::evidence::{ContainerEvidence, End, InstanceEvidence, KillingCause, PodEvidence, Stop};
use crate::accounting::ledger::Mark;
use crate::lifecycle::{ContainerShape, HookShape};

pub use kill::{KillVerdict, kill};
pub use post_start::post_start;
pub use pre_stop::pre_stop;

/// How a hook run ended, and why we think so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in words.
    pub message: String,
    /// Who says so.
    pub source: Source,
}

impl Verdict {
    /// What is inferred.
    pub(super) fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, message: message.into(), source: Source::Kubelet }
    }

    /// What the runner has recorded of the run's end: its word is the strongest.
    fn recorded(record: &Record) -> Option<Self> {
        let ending = record.ending.as_ref()?;
        let message = match ending.message.as_str() {
            "" => "recorded by the hook-runner",
            why => why,
        };
        Some(Self { outcome: ending.outcome.into(), message: message.to_owned(), source: Source::Runner })
    }

    /// Of a container that could not be started.
    fn unstarted(view: &View<'_>) -> Option<Self> {
        view.instance
            .end?
            .unstarted
            .then(|| Self::new(Outcome::Skipped, "the container could not be started"))
    }
}

/// All that a rule may look at: one instance of one container.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The Pod.
    pub pod: &'a PodEvidence,
    /// The container's hooks and probes.
    pub shape: &'a ContainerShape,
    /// The container's name.
    pub name: &'a Arc<str>,
    /// The container.
    pub container: &'a ContainerEvidence,
    /// Which instance, from 1.
    pub number: u32,
    /// What is known of it.
    pub instance: &'a InstanceEvidence,
    /// Its postStart run was counted because its container was seen running.
    pub seen_running_before: bool,
}

impl<'a> View<'a> {
    /// The view of instance `number` of a container.
    pub fn of(
        pod: &'a PodEvidence,
        name: &'a Arc<str>,
        container: &'a ContainerEvidence,
        (number, instance): (u32, &'a InstanceEvidence),
        counted: Mark,
    ) -> Option<Self> {
        let shape = pod.shape.containers.get(name)?;
        let seen_running_before = counted.seen_running == number;
        Some(Self { pod, shape, name, container, number, instance, seen_running_before })
    }

    /// The container's hook of that kind.
    pub fn hook(&self, kind: HookKind) -> Option<HookShape> {
        self.shape.hooks[kind]
    }

    /// The runner's latest record of that hook in this instance. A hook that does not run under the runner has none,
    /// whatever the termination log says: the program may have written it.
    pub fn record(&self, kind: HookKind) -> Option<&'a Record> {
        self.hook(kind).filter(|hook| hook.recorded || hook.live)?;
        let of_kind = |record: &&Record| record.hook == kind && record.container == **self.name;
        let number =
            |record: &&Record| (record.numbering.as_ref().map(|numbering| numbering.execution), record.start);
        self.instance.records.values().filter(of_kind).max_by_key(number)
    }

    /// Whether the runner has recorded how that hook ended in this instance.
    pub fn has_recorded_end(&self, kind: HookKind) -> bool {
        self.record(kind).is_some_and(|record| record.ending.is_some())
    }

    /// Whether it is certain that no failed postStart hook killed the container.
    pub fn survived_post_start(&self) -> bool {
        let recorded = || self.record(HookKind::PostStart).and_then(|record| record.ending.as_ref());
        let ended_well =
            || recorded().is_some_and(|ending| ending.outcome == hooked_protocol::Outcome::Succeeded);
        self.shape.hooks.post_start.is_none()
            || self.instance.running_seen.is_some()
            || self.seen_running_before
            || ended_well()
    }

    /// Whether it is certain that nothing but its own program ended the container, the deletion of its Pod aside.
    pub fn ended_by_itself_unless_stopped(&self) -> bool {
        let failed_hook = self.instance.post_start_error.is_some() || self.post_start_failed_at().is_some();
        let made_up = self.instance.end.is_none_or(|end| end.made_up);
        let killed = self.killing().is_some() || self.shape.killed_by_probes() || failed_hook || made_up;
        let hooked = self.record(HookKind::PreStop).is_some();
        self.survived_post_start() && !killed && !hooked && !self.evicted()
    }

    /// Whether the instance before this one ended by itself: a program that does so may do so again, at any moment.
    pub fn has_ended_by_itself_before(&self) -> bool {
        let Some((&number, instance)) = self.container.instances.range(..self.number).next_back() else {
            return false;
        };
        View { number, instance, seen_running_before: false, ..*self }.ended_by_itself_unless_stopped()
    }

    /// Whether the kubelet stopped this instance though nobody had deleted its Pod: it runs a preStop hook, of which the runner
    /// tells, only when it stops a container, and nothing is started again in a Pod that is deleted.
    pub fn stopped_without_a_deletion(&self) -> bool {
        let undeleted = self.instance.ended_undeleted || self.is_started_again();
        self.record(HookKind::PreStop).is_some() && undeleted
    }

    /// Whether only a probe can have stopped this instance, if it was stopped without a deletion: no Event gives another cause;
    /// it is started again, as after no eviction; nobody has changed the Pod; and its sandbox has outlived it, with which
    /// the kubelet would have stopped all in it.
    pub fn only_a_probe_can_have_stopped_it(&self) -> bool {
        let otherwise_reported = self.killing().is_some() || self.pod.changed;
        let lives_on = self.is_started_again() && self.instance.outlived_by_sandbox;
        self.survived_post_start() && lives_on && !otherwise_reported
    }

    fn is_started_again(&self) -> bool {
        self.instance.restarts || self.container.instances.range(self.number + 1..).next().is_some()
    }

    /// Whether an Event about the beginning of an instance is about this one: from its own second until the next one's.
    fn begins_in(&self, second: i64) -> bool {
        let began = self.instance.started_at.unwrap_or(i64::MIN);
        began <= second && self.next().is_none_or(|next| second < next)
    }

    /// Whether a failed postStart hook may be this instance's: one that became Running has none, and an Event of the second of
    /// its beginning is about the one before.
    fn fails_in(&self, second: i64) -> bool {
        let ran = self.instance.running_seen.is_some() || self.seen_running_before;
        !ran && self.begins_in(second)
    }

    /// Whether an Event about the end of an instance is about this one. A container may be killed and started again within
    /// a second; an Event of that second is about the one that ended in it, not about the one that began.
    fn ends_in(&self, second: i64) -> bool {
        let began = self.instance.started_at.unwrap_or(i64::MIN);
        let ended_in_it = self.finished_at().is_none_or(|finished| finished >= second);
        let before_next = self.next().is_none_or(|next| second < next || (second == next && ended_in_it));
        let before = self.container.instances.get(&self.number.saturating_sub(1));
        let ended_before =
            before.and_then(|instance| instance.end?.finished_at).is_some_and(|finished| finished < second);
        let of_the_one_before = second == began && self.number > 1 && !ended_before;
        began <= second && before_next && !of_the_one_before
    }

    /// The second in which the next instance began.
    fn next(&self) -> Option<i64> {
        self.container.instances.range(self.number + 1..).find_map(|(_, instance)| instance.started_at)
    }

    /// The first second of a `FailedPostStartHook` Event of this instance.
    pub fn post_start_failed_at(&self) -> Option<i64> {
        self.container.events.hook_failed.post_start.iter().copied().find(|second| self.fails_in(*second))
    }

    /// The first second of a `FailedPreStopHook` Event of this instance.
    pub fn pre_stop_failed_at(&self) -> Option<i64> {
        self.container.events.hook_failed.pre_stop.iter().copied().find(|second| self.ends_in(*second))
    }

    /// When and why the kubelet first said that it kills this instance.
    pub fn killing(&self) -> Option<(i64, KillingCause)> {
        let of_this = |(second, cause): &(i64, KillingCause)| match cause {
            KillingCause::PostStartHook => self.fails_in(*second),
            _ => self.ends_in(*second),
        };
        self.container.events.killing.iter().copied().find(of_this)
    }

    /// The second in which the container ended.
    pub fn finished_at(&self) -> Option<i64> {
        self.instance.end.and_then(|end| end.finished_at)
    }

    /// The deletion of the Pod, if it had begun when this instance ended.
    pub fn stopped_by(&self) -> Option<Stop> {
        let stop = self.pod.stop?;
        let ended_before = stop.exact && self.finished_at().is_some_and(|end| end < stop.began);
        (!ended_before).then_some(stop)
    }

    /// Whether the kubelet had evicted the Pod when this instance ended.
    pub fn evicted(&self) -> bool {
        let at = self.pod.evicted_at;
        at.is_some_and(|at| self.finished_at().is_none_or(|end| at <= end))
    }

    /// SIGKILL at the end of the grace period: the kubelet does not say so, but nothing else fits. An exit status of
    /// 137 before the deadline is no proof, and none is one after it.
    pub fn killed_at_the_deadline(&self) -> bool {
        let (Some(deadline), Some(end)) = (self.deadline(), self.instance.end) else { return false };
        may_be_sigkill(&end) && end.finished_at.is_some_and(|at| at >= deadline)
    }

    /// The second in which the grace period of this instance's stop ended. Where only the kubelet's last deletion was seen, the
    /// grace is that of the Pod's spec, and it began with the first that was heard of the stop.
    pub fn deadline(&self) -> Option<i64> {
        let stop = self.stopped_by()?;
        if stop.exact {
            return Some(stop.deadline());
        }
        // What is started again was not stopped by the deletion.
        (!self.is_started_again()).then_some(())?;
        let killing = self.killing().filter(|(_, cause)| *cause == KillingCause::Stop);
        let began = killing.map(|(second, _)| second).into_iter().chain(self.pre_stop_began_by()).min()?;
        began.checked_add(stop.grace)
    }

    /// The second in which the kubelet began with the preStop hook, as its runner's beginning tells. The kubelet counts from
    /// before it asks for the hook's process, and that takes a moment.
    fn pre_stop_began_by(&self) -> Option<i64> {
        const MOMENT: u64 = 500_000;
        let start = self.record(HookKind::PreStop)?.start.checked_sub(MOMENT)?;
        i64::try_from(start / 1_000_000).ok()
    }
}

/// See [`super::kubelet::may_be_sigkill`].
fn may_be_sigkill(end: &End) -> bool {
    super::kubelet::may_be_sigkill(end)
}
