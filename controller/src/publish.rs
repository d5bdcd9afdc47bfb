//! What the world is told once it is true: metrics and Events, from what was committed and nothing else.

use std::collections::BTreeMap;

use hooked_core::accounting::ledger::Counted;
use hooked_core::status::how_it_ended;
use hooked_crd::{HookTotals, HookedWorkload, KillReason, Outcome, Reason};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use kube_runtime::events::{Event, EventType};

use crate::context::Context;
use crate::metrics::WorkloadMetrics;

/// What is published of a workload.
pub(crate) struct Publication<'a> {
    pub(crate) workload: &'a HookedWorkload,
    pub(crate) counted: &'a Counted,
    /// A hook that hangs, in words, if that was not so before.
    pub(crate) stuck: Option<&'a str>,
    /// The condition that says that it cannot be carried out, if that was not so before.
    pub(crate) invalid: Option<&'a Condition>,
    pub(crate) metrics: WorkloadMetrics,
}

/// Shows the metrics and sends the Events. An Event that is lost is not sent again: it is at most once.
pub(crate) async fn publish(context: &Context, publication: Publication<'_>) {
    let Publication { workload, counted, stuck, invalid, metrics } = publication;
    let reference = workload.object_ref(&());
    let (namespace, name) = (reference.namespace.as_deref(), reference.name.as_deref());
    context.metrics.publish(namespace.unwrap_or_default(), name.unwrap_or_default(), metrics);
    let stuck = stuck.map(|why| warning(Reason::HookStuck.as_str(), "RunHook", why.to_owned()));
    for event in events(counted).into_iter().chain(stuck).chain(invalid.map(refused)) {
        send(context, &event, &reference).await;
    }
}

/// Says in an Event that a workload cannot be carried out until it is changed. `stalled` is the condition that says so.
pub(crate) async fn publish_invalid(context: &Context, workload: &ObjectReference, stalled: &Condition) {
    send(context, &refused(stalled), workload).await;
}

/// In the words of the condition, which whoever may read the Event may read too.
fn refused(stalled: &Condition) -> Event {
    warning(&stalled.reason, "CarryOut", shortened(&stalled.message))
}

/// The most bytes that the API server takes as an Event's note are 1024.
const NOTE: usize = 1000;

/// The beginning of a text that is too long for an Event.
fn shortened(text: &str) -> String {
    let end = (0..=NOTE).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    if text.len() <= NOTE { text.to_owned() } else { format!("{}…", &text[..end]) }
}

/// Says in an Event that a workload leaves, with all that was counted of it: nothing else outlives it.
pub(crate) async fn publish_farewell(context: &Context, workload: &HookedWorkload, totals: &HookTotals) {
    farewell(context, EventType::Normal, note(totals), &workload.object_ref(&())).await;
}

/// Says in an Event that a workload leaves that could not be read, and so was not accounted for to its end.
pub(crate) async fn publish_blind_farewell(context: &Context, workload: &ObjectReference, why: &str) {
    let note = format!(
        "the workload leaves with totals that are incomplete, since it could not be read: {}",
        why.chars().take(800).collect::<String>()
    );
    farewell(context, EventType::Warning, note, workload).await;
}

fn note(totals: &HookTotals) -> String {
    let HookTotals { succeeded, failed, timed_out, cancelled, skipped, unknown, kills } = totals;
    format!(
        "hook runs: {succeeded} succeeded, {failed} failed, {timed_out} timed out, {cancelled} cancelled, \
         {skipped} skipped, {unknown} unknown; {kills} containers killed because of a hook"
    )
}

async fn farewell(context: &Context, type_: EventType, note: String, workload: &ObjectReference) {
    let reason = if type_ == EventType::Normal {
        Reason::HooksAccounted.as_str()
    } else {
        Reason::HooksNotAccounted.as_str()
    };
    let event = Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note),
        action: "Delete".to_owned(),
        secondary: None,
    };
    send(context, &event, workload).await;
}

async fn send(context: &Context, event: &Event, reference: &ObjectReference) {
    if let Err(error) = context.recorder.publish(event, reference).await {
        tracing::debug!(%error, reason = event.reason, "an Event could not be sent");
    }
}

/// One Event for each kind of thing that went wrong: a thousand Pods that fail alike are one line.
fn events(counted: &Counted) -> Vec<Event> {
    let mut failures: BTreeMap<(&str, String), (usize, String)> = BTreeMap::new();
    for run in &counted.runs {
        let reason = match run.outcome {
            Outcome::Failed => Reason::HookFailed.as_str(),
            Outcome::TimedOut => Reason::HookTimedOut.as_str(),
            _ => continue,
        };
        let what = format!("{:?} of container {}", run.id.hook, run.id.container);
        let entry = failures.entry((reason, what)).or_default();
        *entry = (entry.0 + 1, format!("Pod {}: {}", run.pod, how_it_ended(run.outcome, run.exit_code)));
    }
    let mut kills: BTreeMap<(KillReason, &str), (usize, &str)> = BTreeMap::new();
    for kill in &counted.kills {
        let entry = kills.entry((kill.reason, &*kill.container)).or_insert((0, &*kill.pod));
        *entry = (entry.0 + 1, &kill.pod);
    }
    let failures = failures.into_iter().map(|((reason, what), (count, last))| {
        warning(reason, "RunHook", format!("{what} failed{}, last in {last}", times(count)))
    });
    let kills = kills.into_iter().map(|((reason, container), (count, pod))| {
        let note = format!("container {container} was killed{}: {reason:?}, last in Pod {pod}", times(count));
        warning(Reason::ContainerKilled.as_str(), "KillContainer", note)
    });
    failures.chain(kills).collect()
}

fn warning(reason: &str, action: &str, note: String) -> Event {
    let action = action.to_owned();
    Event { type_: EventType::Warning, reason: reason.to_owned(), note: Some(note), action, secondary: None }
}

/// Only what is more than one is said: the API server counts how often the Event itself repeats.
fn times(count: usize) -> String {
    if count == 1 { String::new() } else { format!(" {count} times") }
}

#[cfg(test)]
mod tests {
    use hooked_core::status::invalid;
    use hooked_crd::condition;
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn an_event_says_what_the_condition_says_as_far_as_the_api_server_takes_it() {
        fn check(message: &str, expect: &str) {
            let conditions = invalid(&[], 1, message, Timestamp::UNIX_EPOCH);
            let event = refused(conditions.iter().find(|known| known.type_ == condition::STALLED).unwrap());
            let note = event.note.unwrap();
            assert_eq!((&*event.reason, &*note), ("Invalid", expect));
            assert!(event.type_ == EventType::Warning && note.len() <= 1024);
        }
        check("spec.template.spec: no", "spec.template.spec: no");
        check(&"a".repeat(1000), &"a".repeat(1000));
        check(&"a".repeat(1001), &format!("{}…", "a".repeat(1000)));
        // A character is not cut in two.
        check(&"€".repeat(400), &format!("{}…", "€".repeat(333)));
    }
}
