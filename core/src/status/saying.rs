//! What a condition says, and since when it has its status.

use hooked_crd::Reason;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::names::condition;

/// What a condition says; its transition time comes from the status before.
pub(super) struct Saying {
    pub(super) type_: &'static str,
    pub(super) status: &'static str,
    pub(super) reason: Reason,
    pub(super) message: String,
}

pub(super) fn say(
    type_: &'static str,
    status: &'static str,
    reason: Reason,
    message: impl Into<String>,
) -> Saying {
    debug_assert!(reason.is_given_by(type_, status), "{reason} does not say that {type_}={status} gives it");
    Saying { type_, status, reason, message: message.into() }
}

/// Whether the operator writes conditions of that type.
pub fn is_ours(known: &Condition) -> bool {
    condition::ALL.contains(&known.type_.as_str())
}

/// Conditions with the time since which each has had its status.
pub(super) fn dated(
    sayings: Vec<Saying>,
    previous: &[Condition],
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let dated = sayings.into_iter().map(|Saying { type_, status, reason, message }| {
        let same = previous.iter().find(|known| known.type_ == type_ && known.status == status);
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message,
            last_transition_time: same.map_or(Time(now), |known| known.last_transition_time.clone()),
            observed_generation: Some(generation),
        }
    });
    dated.collect()
}
