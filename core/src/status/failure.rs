//! What cannot be done to Pods: as a Deployment says it, in a condition of its own.

use hooked_crd::Reason;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::shortened::{WORDS, shortened};
use crate::names::condition;

/// Why Pods cannot be created, deleted or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaFailure {
    /// `FailedCreate`, `FailedDelete` or `FailedUpdate`.
    pub reason: Reason,
    /// In words, with the API server's own.
    pub words: String,
}

impl ReplicaFailure {
    /// What conditions say of it, if they say anything.
    pub fn of_conditions(conditions: &[Condition]) -> Option<Self> {
        let said = conditions.iter().find(|known| known.type_ == condition::REPLICA_FAILURE)?;
        Some(Self { reason: Reason::from_name(&said.reason)?, words: said.message.clone() })
    }

    /// The words as a condition has them.
    pub(super) fn message(&self) -> String {
        shortened(&self.words, WORDS)
    }
}

/// Whether conditions say that something is not carried out which those before did not say: what is told once, and
/// not again for each Pod that fares alike, or because a number in the words is another.
pub fn newly_failing<'a>(previous: &[Condition], conditions: &'a [Condition]) -> Vec<&'a Condition> {
    let is_told = |failing: &Condition| {
        previous.iter().any(|known| {
            (&known.type_, &known.reason) == (&failing.type_, &failing.reason)
                && gist(&known.message) == gist(&failing.message)
        })
    };
    conditions.iter().filter(|known| is_failing(known) && !is_told(known)).collect()
}

fn is_failing(known: &Condition) -> bool {
    let reason = Reason::from_name(&known.reason);
    match (known.type_.as_str(), known.status.as_str()) {
        (condition::REPLICA_FAILURE, "True") => reason.is_some(),
        (condition::PROGRESSING, "False") => reason == Some(Reason::ReplicaSetCreateError),
        _ => false,
    }
}

/// Words without the numbers in them, such as those of a quota's use or of a connection's port.
pub fn gist(words: &str) -> String {
    words.split(|letter: char| letter.is_ascii_digit()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn says(type_: &str, status: &str, reason: &str, message: &str) -> Vec<Condition> {
        vec![Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            observed_generation: Some(1),
        }]
    }

    fn failing(reason: &str, message: &str) -> Vec<Condition> {
        says("ReplicaFailure", "True", reason, message)
    }

    fn check(previous: &[Condition], conditions: &[Condition], expect: Option<&str>) {
        let told = newly_failing(previous, conditions);
        assert_eq!(told.first().map(|told| &*told.reason), expect, "{previous:?} {conditions:?}");
    }

    #[test]
    fn a_failure_is_told_when_it_begins_and_when_its_words_are_others() {
        let quota = || failing("FailedCreate", "exceeded quota: used: pods=3, limited: pods=3");
        check(&[], &quota(), Some("FailedCreate"));
        check(&quota(), &quota(), None);
        check(&quota(), &[], None);
        check(&quota(), &failing("FailedCreate", "exceeded quota: used: pods=12, limited: pods=12"), None);
        check(&quota(), &failing("FailedCreate", "webhook"), Some("FailedCreate"));
        check(&quota(), &failing("FailedDelete", "webhook"), Some("FailedDelete"));
    }

    #[test]
    fn a_revision_that_cannot_be_stored_is_told_as_a_deployments_is() {
        let stuck = || says("Progressing", "False", "ReplicaSetCreateError", "quota");
        check(&says("Progressing", "True", "ReplicaSetUpdated", ""), &stuck(), Some("ReplicaSetCreateError"));
        check(&stuck(), &stuck(), None);
        check(&[], &says("Progressing", "False", "ProgressDeadlineExceeded", ""), None);
    }

    #[test]
    fn a_process_goes_on_with_what_the_one_before_has_said() {
        let of = |conditions: &[Condition]| ReplicaFailure::of_conditions(conditions);
        let known = of(&failing("FailedUpdate", "policy")).unwrap();
        assert_eq!((known.reason, &*known.words), (Reason::FailedUpdate, "policy"));
        assert_eq!(of(&says("Ready", "False", "FailedUpdate", "policy")), None);
        assert_eq!(of(&failing("ReasonOfALaterVersion", "policy")), None);
    }
}
