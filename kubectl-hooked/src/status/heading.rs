//! The heading of an overview: what somebody on call reads first.

use hooked_crd::condition::{HOOKS_HEALTHY, MEASURED, READY, REPLICA_FAILURE, STALLED};
use hooked_crd::{HookTotals, KillStatus};
use hooked_crd::{Reason, Referent};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::shares::shares;
use crate::conditions::find;
use crate::overview::Overview;
use crate::render::{Line, Tone, ago, labelled, named, of_condition};

/// Where values begin.
const VALUES: usize = 14;

/// Replicas, conditions, hook runs and kills. Long words are wrapped to `width`.
pub(super) fn heading(overview: &Overview, width: Option<usize>, now: Timestamp) -> Vec<Line> {
    let Overview { namespace, name, watched, generation, desired, paused, deleting, status, .. } = overview;
    let title = format!("HookedWorkload {namespace}/{name}");
    let mut title = Line::new().add(Tone::Strong, title);
    if let Some(Referent { kind, name, .. }) = watched {
        title = title.add(Tone::Faint, format!("  watches {kind} {name}"));
    }
    if *deleting {
        title = title.add(Tone::Unsure, "  being deleted");
    }
    if *paused {
        title = title.add(Tone::Unsure, "  paused");
    }
    if status.observed_generation != Some(*generation) {
        title = title.add(Tone::Unsure, "  the operator has not seen the present spec yet");
    }
    let mut lines = vec![title];
    let replicas = format!(
        "{} of {desired} ready, {} up to date, {} available{}",
        status.ready_replicas,
        status.updated_replicas,
        status.available_replicas,
        if status.terminating_replicas > 0 {
            format!(", {} terminating", status.terminating_replicas)
        } else {
            String::new()
        },
    );
    lines.extend(labelled("Replicas", VALUES, Line::new(), &replicas, width));
    let mut label = "Revisions";
    for line in shares(&status.revisions) {
        lines.push(Line::new().add(Tone::Faint, label).pad_to(VALUES).append(line));
        label = "";
    }
    for (label, condition) in telling(&status.conditions) {
        let start = Line::new().add(tone_of(condition), &condition.status);
        let message = format!(" {}: {}", condition.reason, condition.message);
        lines.extend(labelled(label, VALUES, start, &message, width));
    }
    let totals = totals(&status.hook_totals, status.hooks_running);
    lines.extend(labelled("Hook runs", VALUES, Line::new(), &totals, width));
    let mut label = "Kills";
    for kill in &status.kills {
        let start = Line::new().add(Tone::Bad, format!("{} × {}", kill.count, named(kill.reason)));
        lines.extend(labelled(label, VALUES, start, &last_kill(kill, now), width));
        label = "";
    }
    lines
}

/// The conditions that are worth a line, under the names that people know.
fn telling(conditions: &[Condition]) -> impl Iterator<Item = (&'static str, &Condition)> {
    let stalled = find(conditions, STALLED).filter(|condition| condition.status == "True");
    // That all is as asked is no news; a policy that the grace period cuts off is.
    let measured =
        find(conditions, MEASURED).filter(|known| known.reason != Reason::MeasuredAsAsked.as_str());
    let shown = [
        (READY, find(conditions, READY)),
        (STALLED, stalled),
        ("Failing", find(conditions, REPLICA_FAILURE)),
        (HOOKS_HEALTHY, find(conditions, HOOKS_HEALTHY)),
        (MEASURED, measured),
    ];
    shown.into_iter().filter_map(|(label, condition)| Some((label, condition?)))
}

fn tone_of(condition: &Condition) -> Tone {
    // What these two say is bad if it is true.
    let is_bad = matches!(condition.type_.as_str(), STALLED | REPLICA_FAILURE);
    if is_bad { Tone::Bad } else { of_condition(&condition.status) }
}

fn totals(totals: &HookTotals, running: i64) -> String {
    let HookTotals { succeeded, failed, timed_out, cancelled, skipped, unknown, kills: _ } = *totals;
    let counts = [
        (running, "running"),
        (succeeded, "succeeded"),
        (failed, "failed"),
        (timed_out, "timed out"),
        (cancelled, "cancelled"),
        (skipped, "skipped"),
        (unknown, "unknown"),
    ];
    let shown: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    if shown.is_empty() { "none yet".to_owned() } else { shown.join(", ") }
}

fn last_kill(kill: &KillStatus, now: Timestamp) -> String {
    let whom = match (&kill.last_pod, &kill.last_container) {
        (Some(pod), Some(container)) => format!(", last {container} of {pod}"),
        (Some(pod), None) => format!(", last in {pod}"),
        _ => String::new(),
    };
    let when = kill.last_time.as_ref().map_or_else(String::new, |time| format!(" {} ago", ago(time.0, now)));
    whom + &when
}
