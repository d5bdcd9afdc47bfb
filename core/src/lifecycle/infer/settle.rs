//! What is settled: nothing that can still come changes it.

use hooked_crd::HookKind;
use jiff::Timestamp;

use super::case::Case;
use crate::lifecycle::evidence::InstanceEvidence;
use crate::lifecycle::per_hook::PerHook;
use crate::lifecycle::rules::View;
use crate::lifecycle::run::{Findings, Slot};

/// When something settles.
enum Settles {
    At(Timestamp),
    /// Not before more evidence comes.
    NotYet,
}

impl Case<'_> {
    /// Settles what can be settled of one slot, in order of the instances, and nothing from the instance `until` on.
    /// Returns the instance at which that stopped; none if it did not.
    pub(super) fn settle(&self, slot: Slot, until: Option<u32>, findings: &mut Findings) -> Option<u32> {
        if slot == Slot::PostStart && self.shape.hooks.post_start.is_none() {
            return None;
        }
        let mut expected = self.counted.of(slot) + 1;
        for &number in self.container.instances.range(expected..).map(|(number, _)| number) {
            if number > expected {
                findings.settled.extend(self.lost(slot, expected, number - 1));
            }
            if until == Some(number) {
                return until;
            }
            let Some(view) = self.view(number) else { return Some(number) };
            match self.settled_at(slot, &view) {
                // It ended and was started again before anybody saw how.
                _ if self.is_overtaken(slot, &view) => {
                    findings.settled.extend(self.lost(slot, number, number));
                }
                Settles::At(due) if due > self.now => {
                    findings.complete = false;
                    findings.wake_at(Some(due));
                    return Some(number);
                }
                Settles::At(_) => findings.settled.push(self.finding(slot, &view)),
                Settles::NotYet => {
                    findings.complete &= view.killing().is_none();
                    return Some(number);
                }
            }
            expected = number + 1;
        }
        if slot == Slot::PostStart && self.settle_begun(expected, findings) {
            return None;
        }
        if slot == Slot::End && self.settle_forgotten(expected, findings) {
            return None;
        }
        // An instance whose hook still hung when nobody was left to report its end.
        let hung = self.hanging().map(|(number, _)| number).filter(|number| *number >= expected);
        if let (Some(number), Some(_)) = (hung, self.evidence.closed) {
            findings.settled.extend(self.lost(slot, expected, number));
        }
        None
    }

    /// Settles the end of an instance that only its mark knows: the instance's postStart run is counted, the
    /// kubelet no longer knows the container, and no more evidence will come.
    fn settle_forgotten(&self, expected: u32, findings: &mut Findings) -> bool {
        let number = self.counted.post_start;
        if self.evidence.closed.is_none() || number < expected {
            return false;
        }
        let instance = InstanceEvidence::default();
        let Some(view) =
            View::of(self.evidence, self.name, self.container, (number, &instance), self.counted)
        else {
            return false;
        };
        findings.settled.extend(self.lost(Slot::End, expected, number - 1));
        findings.settled.push(self.finding(Slot::End, &view));
        true
    }

    /// Whether an instance's end is over and can no longer be seen: the container was started again since.
    fn is_overtaken(&self, slot: Slot, view: &View<'_>) -> bool {
        slot == Slot::End && view.instance.end_seen.is_none() && self.is_followed(view)
    }

    /// Whether the kubelet has shown a later instance.
    fn is_followed(&self, view: &View<'_>) -> bool {
        self.container.instances.range(view.number + 1..).next().is_some()
    }

    /// When the end of a later instance was first seen: the end of the one in view was over by then, and what can be
    /// told of it was on its way, though the status may show it only later.
    fn next_end_seen(&self, view: &View<'_>) -> Option<Timestamp> {
        let later = self.container.instances.range(view.number + 1..);
        later.filter_map(|(_, instance)| instance.end_seen).min()
    }

    /// When a slot of an instance settles: a postStart run once its runner has recorded its end, anything
    /// else when the patience after its end was seen is over, or at once where no more evidence can come.
    fn settled_at(&self, slot: Slot, view: &View<'_>) -> Settles {
        let closed_without_end = self.evidence.closed.is_some() && view.instance.end_seen.is_none();
        let running_seen = view.running_proves_its_hook().filter(|_| slot == Slot::PostStart);
        let recorded = slot == Slot::PostStart && view.has_recorded_end(HookKind::PostStart);
        match view.instance.end_seen.or(running_seen) {
            // Nothing outweighs the runner's record.
            _ if closed_without_end || recorded => Settles::At(self.now),
            Some(at) if view.instance.end_seen.is_some() && self.nothing_more_can_come(view) => {
                Settles::At(at)
            }
            Some(at) => {
                let at = self.next_end_seen(view).map_or(at, |next| at.min(next));
                Settles::At(at.saturating_add(self.patience.settlement()).unwrap_or(at))
            }
            // It is over, and its end can no longer be seen.
            None if slot == Slot::PostStart && self.is_followed(view) => Settles::At(self.now),
            None => Settles::NotYet,
        }
    }

    /// Whether no Event can add to what is known of an ended instance: its hooks' ends are recorded, and no
    /// probe can have killed the instance.
    fn nothing_more_can_come(&self, view: &View<'_>) -> bool {
        let PerHook { post_start, pre_stop } = self.shape.hooks;
        let post_start = post_start.is_none() || self.counted.post_start >= view.number;
        let post_start = post_start || view.has_recorded_end(HookKind::PostStart);
        let pre_stop = pre_stop.is_none() || view.has_recorded_end(HookKind::PreStop);
        post_start && pre_stop && !self.shape.killed_by_probes()
    }

    /// Settles the postStart run of an instance that the kubelet does not show yet, if its runner has
    /// recorded the end.
    fn settle_begun(&self, expected: u32, findings: &mut Findings) -> bool {
        let Some(view) = self.view_of_begun().filter(|view| view.number >= expected) else { return false };
        let ended = view.has_recorded_end(HookKind::PostStart);
        if ended {
            findings.settled.extend(self.lost(Slot::PostStart, expected, view.number - 1));
            findings.settled.push(self.finding(Slot::PostStart, &view));
        }
        ended
    }
}
