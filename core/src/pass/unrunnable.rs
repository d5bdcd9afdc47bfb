//! What Pods show of a hook-runner that cannot run, and what the ledger remembers of it.

use std::sync::Arc;

use jiff::Timestamp;

use super::Memory;
use super::prepare::Prepared;
use crate::accounting::Account;
use crate::accounting::ledger::{Ledger, Unrunnable};
use crate::lifecycle::RunnerSight;

/// Takes in what Pods show of the hook-runner. The commit that says so makes no Pod of that revision with the runner.
pub(super) fn know_unrunnable(account: &mut Account, prepared: &mut Prepared, memory: &Memory) {
    let Ledger { unrunnable, high_water: last, .. } = &mut account.ledger;
    for (revision, shown) in shown(memory, *last) {
        unrunnable.entry(Arc::clone(revision)).or_insert(shown);
    }
    if let Some(shown) = unrunnable.get(&prepared.revision.name) {
        prepared.observe(shown);
    }
}

/// The same of Pods that others make. The injector may know of the commit only after it has put the runner into one
/// more: such a Pod too is made anew, but ever more rarely, since others may go on to make such Pods. Where the spec is
/// another than before (`is_anew`) the runner is tried again.
pub(super) fn know_unrunnable_of_others(
    account: &mut Account,
    is_anew: bool,
    memory: &mut Memory,
    now: Timestamp,
) {
    let Ledger { unrunnable, high_water: last, .. } = &mut account.ledger;
    if is_anew {
        unrunnable.clear();
    }
    let all: Vec<_> = shown(memory, *last).map(|(revision, shown)| (Arc::clone(revision), shown)).collect();
    for (revision, shown) in all {
        let known = unrunnable.get(&revision).map(|known| known.last);
        let mut stuck = memory.replicas.revision(&revision).stuck();
        let is_news = known.is_none_or(|last| stuck.any(|number| number > last));
        let mut may_be_deleted =
            || memory.watching.as_mut().is_none_or(|watching| watching.may_delete(&revision, now));
        if is_news && may_be_deleted() {
            unrunnable.insert(revision, shown);
        }
    }
    while unrunnable.len() > Unrunnable::MOST_OF_OTHERS {
        let oldest = unrunnable.iter().min_by_key(|(_, shown)| shown.last);
        let Some(oldest) = oldest.map(|(revision, _)| Arc::clone(revision)) else { break };
        unrunnable.remove(&oldest);
    }
}

/// The revisions with Pods that serve nobody since the hook-runner in them cannot run, and what one of each shows.
fn shown(memory: &Memory, last: u64) -> impl Iterator<Item = (&Arc<str>, Unrunnable)> {
    memory.replicas.revisions().filter_map(move |(revision, counts)| {
        let shown = counts.stuck().find_map(|number| {
            let RunnerSight::CannotRun(inability) = memory.replicas.get(number)?.runner else { return None };
            let node = memory.tracker.evidence(number).and_then(|evidence| evidence.node.clone());
            Some(Unrunnable { inability, node, last })
        });
        Some((revision, shown?))
    })
}

/// A revision that nothing is made of any more may try the runner again when it is gone back to.
pub(super) fn forget_unrunnable(account: &mut Account, prepared: &Prepared) {
    let Ledger { sizes, unrunnable, .. } = &mut account.ledger;
    let is_sized = |revision: &str| sizes.as_ref().is_none_or(|sizes| sizes.has(revision));
    let is_asked = |revision: &str| *prepared.desired.asked.name == *revision;
    unrunnable.retain(|revision, _| is_sized(revision) || is_asked(revision));
}

#[cfg(test)]
mod tests {
    use hooked_crd::HookedWorkloadSpec;

    use super::super::Watching;
    use super::super::prepare::Source;
    use super::*;
    use crate::accounting::ledger::{Sizes, Total};
    use crate::lifecycle::Inability;
    use crate::workload::desired::Desired;
    use crate::workload::replicas::PodFact;
    use crate::workload::revision::Measuring;
    use crate::workload::target::Target;
    use crate::workload::template::{Delivery, Runner};

    /// A Pod of that revision in which the runner cannot run.
    fn stuck(number: u64, revision: &str) -> PodFact {
        let fact = PodFact::unseen(number, &format!("web-{number}"), &format!("u-{number}"), revision, false);
        PodFact { seen: true, runner: RunnerSight::CannotRun(Inability::NotPulled), ..fact }
    }

    #[test]
    fn pods_of_others_that_came_with_the_runner_after_all_are_made_anew_too() {
        let (mut account, mut memory) = (Account::default(), Memory::default());
        memory.watching = Some(Watching::since(None));
        let mut check = |number: u64, is_anew: bool, expect: &[(&str, u64)]| {
            memory.replicas.observe(stuck(number, &format!("rev-{}", number / 10)));
            account.ledger.high_water = number;
            let now = Timestamp::from_second(number.cast_signed() * 60).unwrap();
            know_unrunnable_of_others(&mut account, is_anew, &mut memory, now);
            let known = account.ledger.unrunnable.iter().map(|(revision, shown)| (&**revision, shown.last));
            assert_eq!(known.collect::<Vec<_>>(), expect, "{number}");
            memory.replicas.observe_gone(number);
        };
        check(11, false, &[("rev-1", 11)]);
        check(12, false, &[("rev-1", 12)]);
        check(21, false, &[("rev-1", 12), ("rev-2", 21)]);
        check(22, true, &[("rev-2", 22)]);
    }

    #[test]
    fn of_revisions_of_others_the_youngest_are_remembered() {
        let (mut account, mut memory) = (Account::default(), Memory::default());
        for number in 1..=20 {
            memory.replicas.observe(stuck(number, &format!("rev-{number:02}")));
            account.ledger.high_water = number;
            know_unrunnable_of_others(&mut account, false, &mut memory, Timestamp::UNIX_EPOCH);
            memory.replicas.observe_gone(number);
        }
        let known: Vec<&str> = account.ledger.unrunnable.keys().map(|revision| &**revision).collect();
        assert_eq!((known.len(), known[0], known[15]), (16, "rev-05", "rev-20"));
    }

    #[test]
    fn a_runner_that_a_pod_shows_to_be_unable_is_in_no_pod_from_that_commit_on() {
        let hook = serde_json::json!({"preStop": {"exec": {"command": ["true"]}}});
        let template = serde_json::json!({"spec": {"containers": [{"name": "web", "lifecycle": hook}]}});
        let spec = serde_json::json!({"selector": {}, "replicas": 3, "template": template});
        let spec: HookedWorkloadSpec = serde_json::from_value(spec).unwrap();
        let desired = Desired::from_spec(&spec, 0).unwrap();
        let asked = desired.asked.clone();
        let runner = Runner::new("hooked".to_owned(), Delivery::ImageVolume);
        let source = asked.with_runner(&runner);
        assert_eq!(source.measuring, Measuring::Runner);
        let revision = Arc::new(asked.clone());
        let target = Target::Roll { to: Arc::clone(&asked.name) };
        let mut prepared = Prepared {
            desired,
            collision_count: None,
            target,
            revision,
            source: Source::Known(source),
            ask_again: None,
            trouble: None,
        };
        let name = prepared.revision.name.to_string();
        let with = |runner, ready_since| {
            let mut memory = Memory::default();
            let fact = PodFact::unseen(7, "web-7", "u-7", &name, true);
            memory.replicas.observe(PodFact { seen: true, runner, ready_since, ..fact });
            memory
        };
        let mut account = Account::default();
        account.ledger.high_water = 7;
        // One that serves proves that it could run, and one that is only on its way shows nothing.
        let cannot = RunnerSight::CannotRun(Inability::OtherArchitecture);
        for (runner, ready_since) in [(RunnerSight::InPlace, None), (cannot, Some(0))] {
            know_unrunnable(&mut account, &mut prepared, &with(runner, ready_since));
            assert_eq!(
                (account.ledger.unrunnable.len(), prepared.source.measuring()),
                (0, &Measuring::Runner)
            );
        }
        know_unrunnable(&mut account, &mut prepared, &with(cannot, None));
        let shown = Unrunnable { inability: Inability::OtherArchitecture, node: None, last: 7 };
        assert_eq!(account.ledger.unrunnable.get(&*name), Some(&shown));
        let known = prepared.revision.as_written(Measuring::CannotRun(shown.clone()));
        assert_eq!(prepared.source, Source::Known(known));
        // Of what nobody has asked about it is known too, and none is made of it all the same.
        prepared.source = Source::Unasked(Measuring::Runner);
        prepared.observe(&shown);
        assert_eq!(prepared.source, Source::Unasked(Measuring::CannotRun(shown)));
        // It is remembered for as long as the revision is asked for, or has Pods.
        let total = Total { replicas: 0, most: 0 };
        account.ledger.sizes = Some(Sizes::new(vec![("rev".into(), 0)], total));
        forget_unrunnable(&mut account, &prepared);
        assert_eq!(account.ledger.unrunnable.len(), 1);
        prepared.desired.asked.name = "other".into();
        forget_unrunnable(&mut account, &prepared);
        assert_eq!(account.ledger.unrunnable.len(), 0);
    }
}
