//! Whether conditions say that a workload cannot be carried out until it is changed.

use hooked_crd::Reason;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::names::condition;

/// Reasons for which a workload cannot be carried out.
const INVALID: [Reason; 4] =
    [Reason::InvalidTemplate, Reason::Invalid, Reason::ReferentForbidden, Reason::ReferentKindUnknown];

/// Whether they say so. A rollout that is late or has stopped is no such thing: its Pods are looked after.
pub fn is_invalid(conditions: &[Condition]) -> bool {
    stalled(conditions).is_some_and(|(reason, _)| INVALID.contains(&reason))
}

/// The condition that says that other workloads ask for the same Pods, if those before did not say so.
pub fn newly_overlapping<'a>(previous: &[Condition], conditions: &'a [Condition]) -> Option<&'a Condition> {
    let reasons = [Reason::SelectorOverlap, Reason::WatchOverlap].map(Reason::as_str);
    let says = |known: &&Condition| reasons.contains(&&*known.reason);
    conditions.iter().find(says).filter(|_| !previous.iter().any(|known| says(&known)))
}

/// The condition that says so, or that the gate of the rollout is closed, if those before did not say so for the same
/// reason: what is told once. A rollout that is late may still get on by itself, and is not told.
pub fn newly_stalled<'a>(previous: &[Condition], conditions: &'a [Condition]) -> Option<&'a Condition> {
    let (reason, condition) = stalled(conditions)?;
    let is_told = reason == Reason::HooksFailing || INVALID.contains(&reason);
    let was_said = stalled(previous).is_some_and(|(said, _)| said == reason);
    (is_told && !was_said).then_some(condition)
}

fn stalled(conditions: &[Condition]) -> Option<(Reason, &Condition)> {
    let known =
        conditions.iter().find(|known| known.type_ == condition::STALLED && known.status == "True")?;
    Some((Reason::from_name(&known.reason)?, known))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::status::invalid;
    use crate::status::tests::Case;
    use crate::workload::target::{Target, Why};

    /// The conditions of a workload for which everything is carried out.
    fn carried_out() -> Vec<Condition> {
        Case::new(&json!({})).status().conditions
    }

    /// The conditions of a workload whose template is refused, or else a write that follows from it.
    fn refused(invalid: bool) -> Vec<Condition> {
        let (mut case, words) = (Case::new(&json!({})), "why".to_owned());
        if invalid {
            case.target = Target::Hold { at: None, why: Why::Refused(words) };
        } else {
            case.failure = Some(crate::status::tests::failure(&words));
        }
        case.status().conditions
    }

    fn unreadable() -> Vec<Condition> {
        invalid(&[], 1, "why", None, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_refused_template_and_an_unreadable_object_are_invalid_and_a_write_that_a_quota_refuses_is_not() {
        for (conditions, expect) in [
            (carried_out(), false),
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
            let told = newly_stalled(previous, conditions);
            assert_eq!(told.map(|told| &*told.reason), expect, "{previous:?} {conditions:?}");
            assert!(told.is_none_or(|told| told.message == "why"), "{told:?}");
        }
        check(&[], &refused(true), Some("InvalidTemplate"));
        check(&carried_out(), &refused(true), Some("InvalidTemplate"));
        check(&refused(true), &refused(true), None);
        check(&carried_out(), &unreadable(), Some("Invalid"));
        check(&unreadable(), &unreadable(), None);
        check(&unreadable(), &refused(true), Some("InvalidTemplate"));
        check(&refused(true), &carried_out(), None);
        check(&carried_out(), &refused(false), None);
    }

    #[test]
    fn that_others_ask_for_the_same_pods_is_told_once_and_stalls_nothing() {
        let mut case = Case::new(&json!({}));
        case.overlapping = vec!["api", "web"];
        let conditions = case.status().conditions;
        let told = newly_overlapping(&carried_out(), &conditions).unwrap();
        assert_eq!((&*told.status, &*told.reason), ("False", "SelectorOverlap"));
        assert!(told.message.contains("HookedWorkload api, web: give"), "{}", told.message);
        assert!(newly_overlapping(&conditions, &conditions).is_none() && !is_invalid(&conditions));
        case.overlapping = ["a", "b", "c", "d", "e", "f", "g"].to_vec();
        let conditions = case.status().conditions;
        let told = newly_overlapping(&[], &conditions).unwrap();
        assert!(told.message.contains("a, b, c, d, e and 2 more"), "{}", told.message);
    }
}
