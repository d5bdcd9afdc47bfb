//! Pods that nothing holds, and that went while nobody saw it.

use super::Account;
use crate::lifecycle::{PodShape, Slot};

/// Counts what ended with Pods that are marked and that are there no more, as `is_there` says of their numbers. Their
/// instances ran when they were last seen, and have ended: of their preStop runs nobody knows more. Then nothing of the
/// Pods stays marked.
pub fn count_vanished(account: &mut Account, shape: &PodShape, is_there: impl Fn(u64) -> bool) {
    let ledger = &mut account.ledger;
    let gone: Vec<u64> = ledger.marks.numbers().filter(|number| !is_there(*number)).collect();
    for number in gone {
        for (container, mark) in ledger.marks.get(number).0 {
            let runs = u64::from(mark.post_start.saturating_sub(mark.end));
            let known = shape.containers.get(&container);
            if let Some(hook) = known.and_then(|known| known.hooks.pre_stop).filter(|_| runs > 0) {
                ledger.count_lost(&container, Slot::End, hook.handler, runs);
                account.counted.lost += runs;
            }
        }
        ledger.marks.unmark(number);
    }
}

#[cfg(test)]
mod tests {
    use hooked_crd::{HandlerKind, HookKind, Outcome, Source};
    use serde_json::json;

    use super::super::ledger::{Mark, PodMarks, RunKey, Youngest};
    use super::*;

    fn marked(numbers: &[u64], post_start: u32, end: u32) -> Account {
        let mut account = Account::default();
        for number in numbers {
            let mark = Mark { post_start, end, ..Mark::default() };
            account.ledger.marks.set(*number, PodMarks([("web".into(), mark)].into()), Youngest::default());
        }
        account
    }

    /// How many preStop runs of a container that has one are counted as Unknown, and which numbers stay marked.
    fn check(account: &mut Account, there: &[u64], expect: u64, stay: &[u64]) {
        let key = RunKey {
            container: "web".into(),
            hook: HookKind::PreStop,
            handler: HandlerKind::Exec,
            outcome: Outcome::Unknown,
            source: Source::Kubelet,
        };
        let before = *account.ledger.runs.entry(key.clone()).or_default();
        let spec = json!({"containers": [{"name": "web", "lifecycle": {"preStop": {"exec": {}}}}]});
        let shape = PodShape::of(&serde_json::from_value(spec).unwrap());
        count_vanished(account, &shape, |number| there.contains(&number));
        assert_eq!(account.ledger.runs[&key] - before, expect);
        let marked = (1..10).filter(|number| !account.ledger.marks.get(*number).0.is_empty());
        assert_eq!(marked.collect::<Vec<_>>(), stay);
    }

    #[test]
    fn a_pod_that_went_unseen_has_ended_once_and_nobody_knows_how() {
        let mut account = marked(&[1, 2, 3], 2, 1);
        check(&mut account, &[2], 2, &[2]);
        check(&mut account, &[2], 0, &[2]);
        check(&mut account, &[], 1, &[]);
    }

    #[test]
    fn of_a_pod_whose_ends_are_counted_nothing_is_left_to_count() {
        check(&mut marked(&[1, 2], 1, 1), &[], 0, &[]);
    }
}
