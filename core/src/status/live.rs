//! Whether what should come over the live channel comes.

use hooked_crd::Reason;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::basis::Basis;
use super::live_service::LiveService;
use crate::names::condition;

/// By how much the clocks of a node and of the operator may differ, and how long an operator that has just begun to
/// listen is not asked for what it has not heard.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// What to look at if hooks end without a word over the live channel. It is said from the first run that should have
/// been heard of until one is.
pub(super) fn missing(basis: &Basis<'_>) -> Option<String> {
    let LiveService { since, address } = basis.live?;
    // Where no hook is to be heard of any more, nothing is missing.
    let mut hooks = basis.revision.shape.hooks();
    hooks.any(|hook| basis.measuring.measures(hook.handler)).then_some(())?;
    let times = basis.tracker.report_times();
    let asked_from = since.checked_add(MARGIN).map_or(i64::MAX, Timestamp::as_second);
    let missed = times.missed.filter(|missed| *missed >= asked_from);
    let is_missing = match (missed, times.reported) {
        (Some(missed), reported) => reported.is_none_or(|reported| reported < missed),
        // An operator that has just started says what the one before it has found out.
        (None, None) => basis.previous.conditions.iter().any(is_said),
        (None, Some(_)) => false,
    };
    is_missing.then(|| {
        format!(
            "Hooks end without telling the operator at {address}, so they are counted later or not known, and a postStart \
             that hangs cannot be stopped: is there a NetworkPolicy that keeps these Pods from it?"
        )
    })
}

fn is_said(known: &Condition) -> bool {
    known.type_ == condition::MEASURED && known.reason == Reason::LiveReportsMissing.as_str()
}
