//! Facts about one Pod's containers, grouped by the container's instances.
//!
//! Merging is commutative and idempotent: facts may come in any order, again and again, and late.

mod container_id;
mod earliest;
mod events;
mod instance;
mod kept;
mod live;
mod numbered;
mod plain;
mod plain_record;
mod stop;

use std::sync::Arc;

use hooked_protocol::Record;

use super::mark::PodMarks;
use super::record::second_of;
use super::shape::PodShape;
use crate::small_map::SmallMap;
use earliest::earliest;

pub(crate) use container_id::ContainerId;
pub(crate) use events::EventEvidence;
pub use events::KillingCause;
pub use instance::End;
pub(crate) use instance::{InstanceEvidence, PostStartError, Restart};
pub(crate) use kept::Kept;
pub(crate) use live::LiveRecords;
pub use numbered::Anew;
pub(crate) use numbered::Numbered;
pub(crate) use plain::Common;
pub(crate) use stop::Closed;
pub use stop::Stop;

/// All that is known of a Pod's hook runs and kills and not counted yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodEvidence {
    /// The Pod's name.
    pub pod: Arc<str>,
    /// The Pod's UID.
    pub uid: Arc<str>,
    /// The hash of the template that the Pod was made from.
    pub revision: Arc<str>,
    /// The second in which the API server created the Pod.
    pub created: Option<i64>,
    /// The node that the Pod is bound to.
    pub node: Option<Arc<str>>,
    /// The hooks and probes of the Pod's containers.
    pub shape: Arc<PodShape>,
    /// The deletion of the Pod.
    pub stop: Option<Stop>,
    /// Second in which the kubelet evicted the Pod, or by which it had.
    pub evicted_at: Option<i64>,
    /// The control plane deleted the Pod because its node was gone, or did not answer.
    pub node_lost: bool,
    /// Somebody has changed the Pod's spec since it was created, or may have.
    pub changed: bool,
    /// No more evidence will come: every container has ended for good, or nobody is left to report it.
    pub closed: Option<Closed>,
    /// What is known of each container.
    pub containers: SmallMap<Arc<str>, ContainerEvidence>,
}

/// What is known of a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerEvidence {
    /// Each instance of the container, from 1, that anything is known of.
    pub instances: SmallMap<u32, InstanceEvidence>,
    /// The kubelet's Events about the container.
    pub events: EventEvidence,
    /// What the container's runners have reported while their hooks ran.
    pub live: LiveRecords,
    /// By what the instances are numbered; none while they bear the kubelet's numbers.
    pub(crate) numbered: Option<Numbered>,
}

impl PodEvidence {
    /// Forgets what is counted and can no longer decide anything. The present instances are kept: an Event
    /// that comes later must find its instance.
    pub fn prune(&mut self) {
        for container in self.containers.values_mut() {
            container.prune();
        }
    }

    /// Takes in what a sight of the Pod shows, whose instances bear the kubelet's numbers.
    pub fn see(&mut self, mut sight: Self) {
        for (name, shown) in sight.containers.iter_mut() {
            if let Some(numbered) = self.containers.get_mut(name).and_then(|known| known.numbered.as_mut()) {
                shown.instances = numbered.number(std::mem::take(&mut shown.instances));
            }
        }
        self.merge(sight);
    }

    /// Numbers the instances that still bear the kubelet's numbers, by what is marked of the Pod. All instances that
    /// are marked had been started by the second `youngest_start`, if that is known.
    pub fn number(&mut self, marks: &PodMarks, youngest_start: Option<i64>) {
        // No instance of a Pod that was created since is marked: the marks are of the Pod that had its number before.
        let is_older = |start: &i64| self.created.is_none_or(|created| created <= *start);
        let youngest_start = youngest_start.filter(is_older);
        for (name, known) in self.containers.iter_mut() {
            if known.numbered.is_none() {
                let mark = marks.of(name);
                let counted = mark.post_start.max(mark.end);
                let mut numbered = Numbered::of_marks(counted, mark.anew, youngest_start);
                known.instances = numbered.number(std::mem::take(&mut known.instances));
                known.numbered = Some(numbered);
            }
        }
    }

    /// A second by which all instances had been started that anything is known of, shown or not. A hook begins after
    /// its container, and an Event tells of the start of one.
    pub fn youngest_start(&self) -> Option<i64> {
        let instances = || self.containers.values().flat_map(|known| known.instances.values());
        let logged = instances().flat_map(|instance| instance.records.values());
        let records = logged.chain(self.containers.values().flat_map(|known| known.live.iter()));
        let told = self.containers.values().flat_map(|known| known.events.started.iter().copied());
        instances().filter_map(|instance| instance.started_at).chain(records.map(second_of)).chain(told).max()
    }

    /// What a runner has reported of a run in `container`.
    pub fn of_live(container: &str, record: Record) -> Self {
        let mut facts = ContainerEvidence::default();
        facts.live.insert(record);
        Self { containers: [(Arc::from(container), facts)].into(), ..Self::default() }
    }

    /// Takes in other facts about the same Pod.
    pub fn merge(&mut self, other: Self) {
        let Self { pod, uid, revision, node, shape, stop, containers, .. } = other;
        if !uid.is_empty() {
            (self.pod, self.uid, self.revision) = (pod, uid, revision);
        }
        if !shape.containers.is_empty() {
            self.shape = shape;
        }
        self.created = self.created.or(other.created);
        self.node = self.node.take().or(node);
        self.stop = match (self.stop, stop) {
            (Some(ours), Some(theirs)) => Some(ours.merge(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        self.evicted_at = earliest(self.evicted_at, other.evicted_at);
        self.node_lost |= other.node_lost;
        self.changed |= other.changed;
        self.closed = earliest(self.closed, other.closed);
        for (name, facts) in containers {
            self.containers.or_default(name).merge(facts);
        }
    }
}

impl ContainerEvidence {
    /// Forgets what can no longer decide anything: instances before the latest one, and Events up to the
    /// beginning of the latest one.
    fn prune(&mut self) {
        let Some((_, instance)) = self.instances.last_key_value() else { return };
        if let Some(began) = instance.started_at {
            self.events.prune(began);
            self.live.prune(began);
        }
        self.instances.keep_last();
    }

    fn merge(&mut self, other: Self) {
        let Self { instances, events, live, numbered: _ } = other;
        for (number, facts) in instances {
            self.instances.or_default(number).merge(facts);
        }
        self.events.merge(events);
        self.live.merge(live);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::Slot;

    /// A Pod that was created in that second, and whose container the kubelet shows as its first instance.
    fn pod(created: i64, started_at: i64) -> PodEvidence {
        let instance = InstanceEvidence { started_at: Some(started_at), ..InstanceEvidence::default() };
        let web = ContainerEvidence { instances: [(1, instance)].into(), ..ContainerEvidence::default() };
        let containers = [(Arc::from("web"), web)].into();
        PodEvidence { created: Some(created), containers, ..PodEvidence::default() }
    }

    /// By which number a first instance is known that was started in second 200, where one is marked.
    fn check(created: i64, youngest_start: i64, expect: u32) {
        let mut marks = PodMarks::default();
        marks.advance(&"web".into(), Slot::PostStart, 1);
        let mut pod = pod(created, 200);
        pod.number(&marks, Some(youngest_start));
        let numbers: Vec<u32> = pod.containers.get("web").unwrap().instances.keys().copied().collect();
        assert_eq!(numbers, [expect], "{created} {youngest_start}");
    }

    #[test]
    fn marks_of_the_pod_before_make_no_count_of_a_younger_pod_begin_anew() {
        check(100, 150, 2);
        check(100, 200, 1);
        check(151, 150, 1);
    }

    #[test]
    fn an_instance_counts_as_started_also_where_an_event_alone_tells_of_it() {
        let mut pod = pod(100, 200);
        assert_eq!(pod.youngest_start(), Some(200));
        if let Some(web) = pod.containers.get_mut("web") {
            web.events.started.insert(210);
        }
        assert_eq!(pod.youngest_start(), Some(210));
    }
}
