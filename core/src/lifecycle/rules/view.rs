//! What a rule may look at, and the questions that several rules ask of it.

use std::sync::Arc;

use hooked_crd::HookKind;
use hooked_protocol::Record;
use jiff::Timestamp;

use crate::lifecycle::evidence::{
    ContainerEvidence, InstanceEvidence, KillingCause, PodEvidence, Restart, Stop,
};
use crate::lifecycle::mark::Mark;
use crate::lifecycle::record::execution_of;
use crate::lifecycle::shape::{ContainerShape, HookShape};
use crate::mutation::{Mutation, mutated};

/// All that a rule may look at: one instance of one container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// The Pod.
    pub(crate) pod: &'a PodEvidence,
    /// The container's hooks and probes.
    pub(crate) shape: &'a ContainerShape,
    /// The container's name.
    pub(crate) name: &'a Arc<str>,
    /// The container.
    pub(crate) container: &'a ContainerEvidence,
    /// Which instance, from 1.
    pub(crate) number: u32,
    /// What is known of it.
    pub(crate) instance: &'a InstanceEvidence,
    /// Its postStart run was counted because its container was seen running.
    pub(crate) seen_running_before: bool,
}

impl<'a> View<'a> {
    /// The view of instance `number` of a container.
    pub(crate) fn of(
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
    pub(crate) fn hook(&self, kind: HookKind) -> Option<HookShape> {
        self.shape.hooks[kind]
    }

    /// The runner's latest record of that hook in this instance.
    pub(crate) fn record(&self, kind: HookKind) -> Option<&'a Record> {
        self.records(kind).max_by_key(|record| (execution_of(record), record.start))
    }

    /// The runner's records of that hook in this instance, in no order. A hook that does not run under the runner
    /// has none, whatever the termination log says: the program may have written it.
    pub(crate) fn records(&self, kind: HookKind) -> impl Iterator<Item = &'a Record> + use<'a> {
        let runs_under_it = self.hook(kind).is_some_and(|hook| hook.recorded || hook.live);
        let name = self.name;
        let of_hook = move |record: &&Record| {
            let is_its = record.hook == kind || mutated(Mutation::RecordsMixHooks);
            runs_under_it && is_its && record.container == **name
        };
        self.instance.records.values().filter(of_hook)
    }

    /// Whether the runner has recorded how that hook ended in this instance.
    pub(crate) fn has_recorded_end(&self, kind: HookKind) -> bool {
        self.record(kind).is_some_and(|record| record.ending.is_some())
    }

    /// Whether the runner has recorded that the hook began in this instance, and not that it ended.
    pub(crate) fn is_left_open(&self, kind: HookKind) -> bool {
        self.record(kind).is_some_and(|record| record.ending.is_none())
    }

    /// When this instance was seen running, if that proves that its postStart hook has succeeded: a container is shown
    /// as Running only when the hook has returned. Where failures are ignored it proves nothing, and only the record
    /// does. Nor does it where the runner has told of a beginning and of no end: a kubelet that was restarted meanwhile
    /// shows the container as Running, and the hook's process has gone with the kubelet that had called it.
    pub(crate) fn running_proves_its_hook(&self) -> Option<Timestamp> {
        let hook = self.shape.hooks.post_start?;
        let proves = !hook.ignored || mutated(Mutation::RunningProvesIgnoredHook);
        self.instance.running_seen.filter(|_| proves && !self.is_left_open(HookKind::PostStart))
    }

    /// Whether this instance was seen running.
    pub(crate) fn was_seen_running(&self) -> bool {
        self.instance.running_seen.is_some() || self.seen_running_before
    }

    /// Whether it is certain that no failed postStart hook stopped the container.
    pub(crate) fn survived_post_start(&self) -> bool {
        let Some(hook) = self.shape.hooks.post_start else { return true };
        match self.record(HookKind::PostStart).and_then(|record| record.ending.as_ref()) {
            Some(ending) => hook.ignored || ending.outcome == hooked_protocol::Outcome::Succeeded,
            None => self.was_seen_running(),
        }
    }

    /// Whether the kubelet was restarted when a failed postStart had made it stop this instance: it may have asked the
    /// program to stop, and has then forgotten that.
    fn may_be_forgotten(&self) -> bool {
        self.was_seen_running() && !self.survived_post_start()
    }

    /// Whether it is certain that nothing but its own program ended the container, the deletion of its Pod
    /// aside.
    pub(crate) fn ended_by_itself_unless_stopped(&self) -> bool {
        let failed_hook = self.instance.post_start_error.is_some() || self.post_start_failed_at().is_some();
        let made_up = self.instance.end.is_none_or(|end| end.made_up);
        let killed = self.killing().is_some() || self.shape.killed_by_probes() || failed_hook || made_up;
        let hooked = self.record(HookKind::PreStop).is_some();
        self.survived_post_start() && !killed && !hooked && !self.evicted()
    }

    /// Whether the instance before this one ended by itself: a program that does so may do so again, at any
    /// moment.
    pub(crate) fn has_ended_by_itself_before(&self) -> bool {
        let Some((&number, instance)) = self.container.instances.range(..self.number).next_back() else {
            return false;
        };
        View { number, instance, seen_running_before: false, ..*self }.ended_by_itself_unless_stopped()
    }

    /// Whether the kubelet stopped this instance though nobody had deleted the Pod: the kubelet runs a
    /// preStop hook, which the runner records, only when it stops a container, and starts nothing again in a
    /// Pod that is deleted. Nobody knows whether it has stopped one of which it has forgotten that it was to.
    pub(crate) fn stopped_without_a_deletion(&self) -> bool {
        let undeleted = self.instance.ended_undeleted || self.is_started_again();
        (self.record(HookKind::PreStop).is_some() || self.may_be_forgotten()) && undeleted
    }

    /// Whether only a probe can have stopped this instance, if it was stopped without a deletion: no Event
    /// gives another cause; another instance follows, as after no eviction; nobody has changed the Pod; and
    /// the sandbox has outlived the instance, while a stop of the sandbox stops all that is in it.
    pub(crate) fn only_a_probe_can_have_stopped_it(&self) -> bool {
        let otherwise_reported = self.killing().is_some() || self.pod.changed;
        let lives_on = self.is_started_again() && self.instance.outlived_by_sandbox;
        self.survived_post_start() && lives_on && !otherwise_reported
    }

    /// Whether a change of the Pod's spec has stopped this instance: somebody has changed the Pod, it has no probes,
    /// and nothing else stops a container without a deletion and has its sandbox outlive it.
    pub(crate) fn only_a_change_can_have_stopped_it(&self) -> bool {
        let stopped = self.stopped_without_a_deletion() && self.killing().is_none() && !self.evicted();
        let lives_on = self.is_started_again() && self.instance.outlived_by_sandbox;
        let probed = self.shape.killed_by_probes();
        stopped && lives_on && self.survived_post_start() && self.pod.changed && !probed
    }

    /// Whether the kubelet stopped this instance since another container's end restarts all of the Pod. It runs no
    /// preStop hook then (KEP-5532).
    pub(crate) fn restarted_with_all(&self) -> bool {
        let told = self.killing().is_some_and(|(_, cause)| cause == KillingCause::RestartAllContainers);
        told || self.instance.restarts == Some(Restart::WithAll)
    }

    /// Whether another instance of the container follows, or is about to.
    pub(crate) fn is_started_again(&self) -> bool {
        self.instance.restarts.is_some() || self.container.instances.range(self.number + 1..).next().is_some()
    }

    /// Whether an Event about the beginning of an instance is about this instance: it lies between the
    /// beginning of this instance and that of the next.
    fn begins_in(&self, second: i64) -> bool {
        let began = self.instance.started_at.unwrap_or(i64::MIN);
        began <= second && self.next().is_none_or(|next| second < next)
    }

    /// Whether an Event about a failed postStart hook may be about this instance: an instance that became
    /// Running has no such hook, and an Event in the second in which it began is about the instance before.
    fn fails_in(&self, second: i64) -> bool {
        let of_it = self.begins_in(second) && !self.was_found_dead_before(second);
        !self.was_seen_running() && (of_it || mutated(Mutation::EventsKnowNoInstance))
    }

    /// Whether an Event about the end of an instance is about this instance. A container may be killed and
    /// started again within a second: an Event of that second is about the instance that ended in it, not
    /// about the one that began.
    fn ends_in(&self, second: i64) -> bool {
        if mutated(Mutation::EventsKnowNoInstance) {
            return true;
        }
        let began = self.instance.started_at.unwrap_or(i64::MIN);
        let ended_in_it = self.instance.end.is_some_and(|end| end.over_by.is_some_and(|over| over >= second));
        let before_next = self.next().is_none_or(|next| second < next || (second == next && ended_in_it));
        let before = self.container.instances.get(&self.number.saturating_sub(1));
        let ended_before =
            before.and_then(|instance| instance.end?.over_by).is_some_and(|over| over < second);
        let of_the_one_before = second == began && self.number > 1 && !ended_before;
        began <= second && before_next && !of_the_one_before && !self.was_found_dead_before(second)
    }

    /// Whether the instance had been found dead before that second: what was told then is not about it, since of one
    /// that goes with its node nothing is told afterwards.
    fn was_found_dead_before(&self, second: i64) -> bool {
        let found = self.instance.end.filter(|end| end.made_up).and_then(|end| end.over_by);
        found.is_some_and(|found| found < second)
    }

    /// The second in which the next instance began.
    fn next(&self) -> Option<i64> {
        self.container.instances.range(self.number + 1..).find_map(|(_, instance)| instance.started_at)
    }

    /// The first second of a `FailedPostStartHook` Event of this instance.
    pub(crate) fn post_start_failed_at(&self) -> Option<i64> {
        self.container.events.hook_failed.post_start.iter().copied().find(|second| self.fails_in(*second))
    }

    /// The first second of a `FailedPreStopHook` Event of this instance.
    pub(crate) fn pre_stop_failed_at(&self) -> Option<i64> {
        self.container.events.hook_failed.pre_stop.iter().copied().find(|second| self.ends_in(*second))
    }

    /// When and why the kubelet first reported that it kills this instance.
    pub(crate) fn killing(&self) -> Option<(i64, KillingCause)> {
        self.killings().next()
    }

    /// When and why the kubelet reported that it kills this instance, as often as it did.
    pub(super) fn killings(&self) -> impl Iterator<Item = (i64, KillingCause)> {
        let of_this = |(second, cause): &(i64, KillingCause)| match cause {
            KillingCause::PostStartHook => self.fails_in(*second),
            _ => self.ends_in(*second),
        };
        self.container.events.killing.iter().copied().filter(of_this)
    }

    /// The second in which the container ended.
    pub(crate) fn finished_at(&self) -> Option<i64> {
        self.instance.end.and_then(|end| end.finished_at)
    }

    /// The deletion of the Pod, if it had begun when this instance ended.
    pub(crate) fn stopped_by(&self) -> Option<Stop> {
        let stop = self.pod.stop?;
        let ended_before = stop.exact && self.finished_at().is_some_and(|end| end < stop.began);
        (!ended_before).then_some(stop)
    }

    /// Whether the kubelet had evicted the Pod when this instance ended.
    pub(crate) fn evicted(&self) -> bool {
        let at = self.pod.evicted_at;
        at.is_some_and(|at| self.finished_at().is_none_or(|end| at <= end))
    }
}
