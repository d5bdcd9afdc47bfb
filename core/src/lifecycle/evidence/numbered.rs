//! The numbers of a container's instances, also where the kubelet counts its restarts anew.
//!
//! Where neither the runtime nor the directory of the container's logs knows of an instance any more, the kubelet
//! counts restarts from 0 again (`calcRestartCountByLogDir` in `pkg/kubelet/kuberuntime/kuberuntime_container.go`). The
//! instances are numbered on here, so that a new one never passes for one that is counted.
//!
//! An instance that was started after all that were seen of its container, and has the number of one of them, is a new
//! one: it says so itself, in whatever order versions of the Pod are shown.

use super::container_id::ContainerId;
use super::instance::InstanceEvidence;
use crate::small_map::SmallMap;

/// Where the kubelet has begun to count a container's restarts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anew {
    /// The second in which the first instance was started that was seen since.
    pub since: i64,
    /// How many instances there had been before.
    pub before: u32,
}

/// Up to where the instances of a container are known: the next sight of the container is numbered by this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbered {
    /// Where the count began anew, the last time that it did.
    pub(crate) anew: Option<Anew>,
    /// The number of the latest instance.
    pub(super) latest: u32,
    /// The second in which the youngest of the instances was started; none where that is not known of the latest, which
    /// may be younger.
    pub(super) started_at: Option<i64>,
    /// The runtime's name for the latest.
    pub(super) container: Option<ContainerId>,
}

impl Numbered {
    /// What the marks of a container know: up to which instance anything is counted, where the count began anew, and a
    /// second before which all that were counted had been started, if one is known.
    pub(super) fn of_marks(latest: u32, anew: Option<Anew>, started_at: Option<i64>) -> Self {
        Self { anew, latest, started_at, container: None }
    }

    /// Gives their numbers to the instances of one sight, which bear the kubelet's. What the kubelet had shown before
    /// its count began anew is left out: the sight is an old one.
    pub(super) fn number(
        &mut self,
        shown: SmallMap<u32, InstanceEvidence>,
    ) -> SmallMap<u32, InstanceEvidence> {
        self.notice(&shown);
        let mut numbered: SmallMap<u32, InstanceEvidence> = SmallMap::default();
        for (count, instance) in shown {
            if let Some(number) = self.number_of(count, &instance) {
                numbered.or_default(number).merge(instance);
            }
        }
        for (number, instance) in numbered.iter() {
            self.note(*number, instance);
        }
        numbered
    }

    fn number_of(&self, count: u32, instance: &InstanceEvidence) -> Option<u32> {
        // Of an instance whose successor it awaits, the kubelet may have lost the count.
        if self.is_latest(instance) {
            return Some(self.latest);
        }
        let Some(Anew { since, before }) = self.anew else { return Some(count) };
        let is_since = instance.started_at.is_none_or(|started| started >= since);
        is_since.then(|| before.saturating_add(count))
    }

    /// Notices whether the count began anew.
    fn notice(&mut self, shown: &SmallMap<u32, InstanceEvidence>) {
        let before = self.anew.map_or(0, |anew| anew.before);
        // A kubelet may show the first sight of an instance by the count of the status before, and put that right.
        let corrected = shown.iter().next_back().filter(|(count, instance)| {
            instance.running_seen.is_some() && self.is_latest(instance) && before + **count < self.latest
        });
        if let Some((count, InstanceEvidence { started_at: Some(since), .. })) = corrected {
            self.anew = Some(Anew { since: *since, before: self.latest - count });
            return;
        }
        let mut young = shown.iter().filter(|(_, instance)| self.is_younger(instance));
        let Some((first, since)) = young.find_map(|(count, it)| Some((*count, it.started_at?))) else {
            return;
        };
        if before.saturating_add(first) <= self.latest {
            self.anew = Some(Anew { since, before: self.latest });
        }
    }

    fn is_latest(&self, instance: &InstanceEvidence) -> bool {
        self.container.is_some() && self.container == instance.container
    }

    /// Whether an instance was started after all that are known.
    fn is_younger(&self, instance: &InstanceEvidence) -> bool {
        let is_later =
            self.started_at.zip(instance.started_at).is_some_and(|(known, started)| started > known);
        is_later && !self.is_latest(instance)
    }

    fn note(&mut self, number: u32, instance: &InstanceEvidence) {
        if number > self.latest {
            let youngest = |started: i64| self.started_at.map_or(started, |known| known.max(started));
            self.started_at = instance.started_at.map(youngest);
            (self.latest, self.container) = (number, instance.container);
        } else if number == self.latest {
            self.started_at = self.started_at.max(instance.started_at);
            self.container = self.container.or(instance.container);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    /// An instance by the kubelet's count, the runtime's name for it, and the second in which it was started.
    type Shown = (u32, &'static str, Option<i64>);

    fn sight(shown: &[Shown]) -> SmallMap<u32, InstanceEvidence> {
        let running_seen = Some(Timestamp::UNIX_EPOCH);
        let instance = |(count, id, started_at): &Shown| {
            let container = ContainerId::of(id);
            (
                *count,
                InstanceEvidence { container, started_at: *started_at, running_seen, ..Default::default() },
            )
        };
        shown.iter().map(instance).collect()
    }

    /// The numbers that instances get, sight by sight.
    fn check(mut numbered: Numbered, sights: &[(&[Shown], &[u32])]) {
        for (nth, (shown, expect)) in sights.iter().enumerate() {
            let numbers: Vec<u32> = numbered.number(sight(shown)).keys().copied().collect();
            assert_eq!(numbers, *expect, "sight {nth}: {shown:?}");
        }
    }

    #[test]
    fn instances_are_numbered_on_where_the_kubelet_counts_anew() {
        check(
            Numbered::default(),
            &[
                (&[(4, "c", Some(90)), (5, "d", Some(100))], &[4, 5]),
                (&[(1, "e", Some(200))], &[6]),
                (&[(1, "e", Some(200)), (2, "f", Some(210))], &[6, 7]),
                // What is shown again is old, and adds nothing.
                (&[(5, "d", Some(100))], &[]),
                (&[(1, "e", Some(200))], &[6]),
                (&[(1, "g", Some(300))], &[8]),
            ],
        );
    }

    #[test]
    fn an_only_instance_that_is_forgotten_is_told_from_the_next_by_its_start() {
        check(Numbered::default(), &[(&[(1, "a", Some(100))], &[1]), (&[(1, "b", Some(101))], &[2])]);
        check(Numbered::default(), &[(&[(1, "a", Some(100))], &[1]), (&[(1, "b", Some(100))], &[1])]);
        check(Numbered::default(), &[(&[(1, "a", Some(100))], &[1]), (&[(1, "a", Some(101))], &[1])]);
    }

    #[test]
    fn no_order_of_sights_makes_a_count_begin_anew() {
        let all: [&[Shown]; 3] = [
            &[(1, "a", Some(10))],
            &[(1, "a", Some(10)), (2, "b", Some(20))],
            &[(2, "b", Some(20)), (3, "c", Some(30))],
        ];
        for nth in 0..81 {
            let mut numbered = Numbered::default();
            for place in [1, 3, 9, 27] {
                let shown = sight(all[nth / place % 3]);
                let counts: Vec<u32> = shown.keys().copied().collect();
                assert_eq!(numbered.number(shown).keys().copied().collect::<Vec<_>>(), counts, "{nth}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_count_begin_anew() {
        check(
            Numbered::default(),
            &[
                (&[(1, "a", Some(100))], &[1]),
                (&[(1, "a", Some(100)), (2, "b", Some(50))], &[1, 2]),
                (&[(1, "a", Some(100))], &[1]),
                (&[(2, "b", Some(50)), (3, "c", Some(120))], &[2, 3]),
            ],
        );
    }

    #[test]
    fn an_ended_instance_is_known_by_its_name_whatever_the_count() {
        let mut numbered = Numbered::default();
        numbered.number(sight(&[(3, "c", Some(100))]));
        // The kubelet has found nothing of the container: the end that it had shown before is that of the last state.
        let mut shown = sight(&[(2, "c", Some(100))]);
        for instance in shown.values_mut() {
            instance.running_seen = None;
        }
        assert!(numbered.number(shown).contains_key(&3));
        check(numbered, &[(&[(4, "d", Some(200))], &[4])]);
    }

    #[test]
    fn a_kubelet_that_puts_its_count_right_makes_no_instance_more() {
        check(
            Numbered::default(),
            &[
                // The first sight of a running instance may have the count of the status before.
                (&[(4, "d", Some(200))], &[4]),
                (&[(1, "d", Some(200))], &[4]),
                (&[(2, "e", Some(300))], &[5]),
            ],
        );
    }

    #[test]
    fn the_next_operator_tells_what_is_not_marked_by_its_start() {
        let marked = |anew, started| Numbered::of_marks(5, anew, started);
        check(marked(None, Some(150)), &[(&[(1, "a", Some(200))], &[6])]);
        check(marked(None, Some(150)), &[(&[(1, "a", Some(200)), (2, "b", Some(210))], &[6, 7])]);
        check(marked(None, Some(150)), &[(&[(5, "a", Some(150)), (6, "b", Some(200))], &[5, 6])]);
        check(marked(None, Some(150)), &[(&[(6, "a", Some(200)), (7, "b", Some(210))], &[6, 7])]);
        // Without that, nothing is counted that may have been.
        check(marked(None, Some(200)), &[(&[(1, "a", Some(200))], &[1])]);
        check(marked(None, None), &[(&[(1, "a", Some(200))], &[1])]);
        let anew = Some(Anew { since: 200, before: 4 });
        check(marked(anew, Some(500)), &[(&[(4, "a", Some(90))], &[]), (&[(1, "b", Some(200))], &[5])]);
        check(marked(anew, Some(500)), &[(&[(1, "b", Some(501))], &[6])]);
    }

    #[test]
    fn of_what_has_no_known_start_nothing_is_told() {
        check(
            Numbered::default(),
            &[(&[(1, "a", Some(10))], &[1]), (&[(2, "", None)], &[2]), (&[(2, "b", Some(30))], &[2])],
        );
    }
}
