//! Whether a status says anything new, and how soon that is to be written.

use hooked_crd::HookedWorkloadStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::accounting::ledger::Ledger;

/// How soon a status is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Nothing is new: it is not written.
    None,
    /// What is counted has changed: users are told within a second, and finalizers wait for it.
    Told,
    /// Something follows from it: Pods wait for it.
    Urgent,
}

/// What `status` says beyond `previous`. The ledgers are compared as values, since the API server may write the same
/// number in another way.
pub fn news(
    previous: &HookedWorkloadStatus,
    committed: &Ledger,
    status: &HookedWorkloadStatus,
    ledger: &Ledger,
) -> News {
    let is_urgent = previous.ledger.is_none()
        || committed.sizes != ledger.sizes
        || committed.high_water != ledger.high_water
        || committed.operator != ledger.operator
        || committed.unrunnable != ledger.unrunnable
        || previous.observed_generation != status.observed_generation
        || previous.current_revision != status.current_revision
        || previous.update_revision != status.update_revision
        || says(&previous.conditions) != says(&status.conditions);
    let bare = |status: &HookedWorkloadStatus| HookedWorkloadStatus { ledger: None, ..status.clone() };
    if is_urgent {
        News::Urgent
    } else if committed != ledger || bare(previous) != bare(status) {
        News::Told
    } else {
        News::None
    }
}

/// What conditions say, without the counts that stand in their messages.
fn says(conditions: &[Condition]) -> Vec<(&str, &str, &str)> {
    conditions.iter().map(|known| (&*known.type_, &*known.status, &*known.reason)).collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::accounting::ledger::{Sizes, Total};

    fn status(reason: &str, message: &str, replicas: i32) -> HookedWorkloadStatus {
        let ready = Condition {
            type_: "Ready".to_owned(),
            status: "False".to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            last_transition_time: Time(jiff::Timestamp::UNIX_EPOCH),
            observed_generation: Some(1),
        };
        let ledger = Some(serde_json::json!({}));
        HookedWorkloadStatus { replicas, conditions: vec![ready], ledger, ..Default::default() }
    }

    fn check(status: &HookedWorkloadStatus, ledger: &Ledger, expect: News) {
        let before = self::status("Rolling", "1 of 3 Pods", 1);
        assert_eq!(news(&before, &Ledger::default(), status, ledger), expect, "{status:?}");
    }

    #[test]
    fn only_what_something_follows_from_is_urgent() {
        let (same, none) = (status("Rolling", "1 of 3 Pods", 1), Ledger::default());
        check(&same, &none, News::None);
        check(&status("Rolling", "2 of 3 Pods", 2), &none, News::Told);
        check(&status("Done", "3 of 3 Pods", 3), &none, News::Urgent);
        check(&same, &Ledger { high_water: 1, ..Ledger::default() }, News::Urgent);
        let sizes = Some(Sizes::new(vec![("rev".into(), 1)], Total::default()));
        check(&same, &Ledger { sizes, ..Ledger::default() }, News::Urgent);
        let last = Ledger { progressed_at: Some(jiff::Timestamp::UNIX_EPOCH), ..Ledger::default() };
        check(&same, &last, News::Told);
        let first = HookedWorkloadStatus { ledger: None, ..same.clone() };
        assert_eq!(news(&first, &none, &same, &none), News::Urgent);
    }
}
