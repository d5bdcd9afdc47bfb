//! Whether conditions say that a workload cannot be carried out until it is changed.

use hooked_crd::Reason;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::names::condition;

/// Whether they say so. A rollout that is late is no such thing: it may still get on by itself.
pub fn is_invalid(conditions: &[Condition]) -> bool {
    stalled(conditions).is_some()
}

/// The condition that says so, if those before did not say so for the same reason: what is told once.
pub fn newly_invalid<'a>(previous: &[Condition], conditions: &'a [Condition]) -> Option<&'a Condition> {
    let said = stalled(previous).map(|known| &*known.reason);
    stalled(conditions).filter(|stalled| said != Some(&*stalled.reason))
}

fn stalled(conditions: &[Condition]) -> Option<&Condition> {
    conditions.iter().find(|known| {
        known.type_ == condition::STALLED
            && known.status == "True"
            && matches!(Reason::from_name(&known.reason), Some(Reason::InvalidTemplate | Reason::Invalid))
    })
}

#[cfg(test)]
mod tests {
    use hooked_crd::{HookedWorkloadSpec, HookedWorkloadStatus};
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::accounting::ledger::{Counted, Ledger};
    use crate::status::{Basis, Refusal, invalid, status};
    use crate::workload::desired::Desired;
    use crate::workload::plan::{Blocked, Rollout};
    use crate::workload::tally::PodSet;

    /// The conditions of a workload whose last write was refused so, or was not.
    fn carried_out(refusal: Option<&Refusal>) -> Vec<Condition> {
        let spec: HookedWorkloadSpec =
            serde_json::from_value(json!({"selector": {}, "template": {"spec": {"containers": []}}}))
                .unwrap();
        let basis = Basis {
            previous: &HookedWorkloadStatus::default(),
            generation: 1,
            collision_count: None,
            desired: &Desired::from_spec(&spec, 0).unwrap(),
            pods: &PodSet::default(),
            ledger: &Ledger::default(),
            counted: &Counted::default(),
            rollout: &Rollout::Blocked(Blocked::InvalidTemplate),
            refusal,
            live: None,
            now: Timestamp::UNIX_EPOCH,
        };
        status(&basis).unwrap().conditions
    }

    fn refused(invalid: bool) -> Vec<Condition> {
        carried_out(Some(&Refusal { invalid, message: "why".to_owned() }))
    }

    fn unreadable() -> Vec<Condition> {
        invalid(&[], 1, "why", Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_refused_template_and_an_unreadable_object_are_invalid_and_a_write_that_a_quota_refuses_is_not() {
        for (conditions, expect) in [
            (carried_out(None), false),
            (refused(false), false),
            (refused(true), true),
            (unreadable(), true),
            (Vec::new(), false),
        ] {
            assert_eq!(is_invalid(&conditions), expect, "{conditions:?}");
        }
    }

    #[test]
    fn that_a_workload_has_become_invalid_is_told_once_in_the_words_of_its_condition() {
        fn check(previous: &[Condition], conditions: &[Condition], expect: Option<&str>) {
            let told = newly_invalid(previous, conditions);
            assert_eq!(told.map(|told| &*told.reason), expect, "{previous:?} {conditions:?}");
            assert!(told.is_none_or(|told| told.message == "why"), "{told:?}");
        }
        check(&[], &refused(true), Some("InvalidTemplate"));
        check(&carried_out(None), &refused(true), Some("InvalidTemplate"));
        check(&refused(true), &refused(true), None);
        check(&carried_out(None), &unreadable(), Some("Invalid"));
        check(&unreadable(), &unreadable(), None);
        check(&unreadable(), &refused(true), Some("InvalidTemplate"));
        check(&refused(true), &carried_out(None), None);
        check(&carried_out(None), &refused(false), None);
    }
}
