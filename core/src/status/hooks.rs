//! Runs and kills as users read them: projections of the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hooked_crd::{
    DurationSummary, GoDuration, GraceUse, HandlerKind, HookKind, HookStatus, HookTotals, KillReason,
    KillStatus, Outcome,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use crate::accounting::Tracker;
use crate::accounting::ledger::{Distribution, Ledger};
use crate::lifecycle::PodShape;

/// All runs by outcome, and all kills because of a hook.
pub(super) fn totals(ledger: &Ledger) -> HookTotals {
    let mut totals = HookTotals::default();
    for (key, count) in &ledger.runs {
        let count = signed(*count);
        match key.outcome {
            Outcome::Succeeded => totals.succeeded += count,
            Outcome::Failed => totals.failed += count,
            Outcome::TimedOut => totals.timed_out += count,
            Outcome::Cancelled => totals.cancelled += count,
            Outcome::Skipped => totals.skipped += count,
            Outcome::Unknown | Outcome::Running => totals.unknown += count,
        }
    }
    let because_of_hooks = ledger.kills.iter().filter(|(key, _)| key.reason.is_because_of_a_hook());
    totals.kills = because_of_hooks.map(|(_, kills)| signed(kills.count)).sum();
    totals
}

/// Every hook of the template, and every hook that was ever counted.
pub(super) fn hooks(shape: &PodShape, tracker: &Tracker, ledger: &Ledger) -> Vec<HookStatus> {
    let mut hooks: BTreeMap<(Arc<str>, HookKind), HookStatus> = BTreeMap::new();
    for hook in shape.hooks() {
        hooks.insert(
            (Arc::clone(&hook.container), hook.kind),
            unused(&hook.container, hook.kind, hook.handler),
        );
    }
    for (key, count) in &ledger.runs {
        let id = (Arc::clone(&key.container), key.hook);
        let entry = hooks.entry(id).or_insert_with(|| unused(&key.container, key.hook, key.handler));
        let count = signed(*count);
        match key.outcome {
            Outcome::Succeeded => entry.succeeded += count,
            Outcome::Failed => entry.failed += count,
            Outcome::TimedOut => entry.timed_out += count,
            Outcome::Cancelled => entry.cancelled += count,
            Outcome::Skipped => entry.skipped += count,
            Outcome::Unknown | Outcome::Running => entry.unknown += count,
        }
    }
    for (key, kills) in &ledger.kills {
        let entry = blamed(key.reason).and_then(|hook| hooks.get_mut(&(Arc::clone(&key.container), hook)));
        if let Some(entry) = entry {
            entry.kills += signed(kills.count);
        }
    }
    for (key, durations) in &ledger.durations {
        if let Some(entry) = hooks.get_mut(&(Arc::clone(&key.container), key.hook)) {
            add(&mut entry.duration, durations);
        }
    }
    for (id, running) in tracker.running().by_hook() {
        if let Some(entry) = hooks.get_mut(id) {
            entry.running = running.count();
        }
    }
    hooks.into_values().collect()
}

/// Killed containers per reason.
pub(super) fn kills(ledger: &Ledger) -> Vec<KillStatus> {
    let mut kills: BTreeMap<KillReason, KillStatus> = BTreeMap::new();
    for (key, total) in &ledger.kills {
        let entry = kills.entry(key.reason).or_insert_with(|| KillStatus {
            reason: key.reason,
            count: 0,
            last_time: None,
            last_pod: None,
            last_container: None,
        });
        entry.count += signed(total.count);
        let newer = entry.last_pod.is_none() || total.last_time > entry.last_time.as_ref().map(|time| time.0);
        if newer {
            entry.last_time = total.last_time.map(MicroTime);
            entry.last_pod = Some(total.last_pod.to_string());
            entry.last_container = Some(key.container.to_string());
        }
    }
    kills.into_values().collect()
}

/// How much of the grace period each container's stops have used.
pub(super) fn grace_used(ledger: &Ledger) -> Vec<GraceUse> {
    let uses = ledger.grace_used.iter().map(|(container, shares)| GraceUse {
        container: container.to_string(),
        stops: signed(shares.histogram.count),
        last_percent: percent(shares.last),
        max_percent: percent(shares.max),
    });
    uses.collect()
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a grace period that is used a million times over is forged"
)]
fn percent(share: f64) -> i32 {
    (share * 100.0).round().clamp(0.0, 1e6) as i32
}

/// The hook that a kill is because of.
fn blamed(reason: KillReason) -> Option<HookKind> {
    match reason {
        KillReason::PostStartHookFailed | KillReason::PostStartHookTimedOut => Some(HookKind::PostStart),
        KillReason::PreStopHookFailed
        | KillReason::PreStopHookTimedOut
        | KillReason::GracePeriodExceededInPreStop => Some(HookKind::PreStop),
        _ => None,
    }
}

fn unused(container: &str, hook: HookKind, handler: HandlerKind) -> HookStatus {
    HookStatus {
        container: container.to_owned(),
        hook,
        handler,
        succeeded: 0,
        failed: 0,
        timed_out: 0,
        cancelled: 0,
        skipped: 0,
        unknown: 0,
        kills: 0,
        running: 0,
        duration: DurationSummary::default(),
    }
}

fn add(summary: &mut DurationSummary, more: &Distribution) {
    let seconds = |seconds: f64| GoDuration(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    summary.count += signed(more.histogram.count);
    summary.sum = GoDuration(summary.sum.0 + seconds(more.histogram.sum).0);
    summary.max = summary.max.max(Some(seconds(more.max)));
    summary.last = Some(seconds(more.last));
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use hooked_crd::Source;
    use serde_json::{Value, json};

    use super::*;
    use crate::accounting::ledger::{DURATION_BUCKETS, DurationKey};

    /// What is told of the duration of a preStop whose runs took so many seconds, by source.
    fn check(runs: &[(Source, f64)], expect: &Value) {
        let container = json!({"name": "web", "lifecycle": {"preStop": {"exec": {"command": ["true"]}}}});
        let shape = PodShape::of(&serde_json::from_value(json!({"containers": [container]})).unwrap());
        let mut ledger = Ledger::default();
        for (source, seconds) in runs {
            let (hook, handler, source) = (HookKind::PreStop, HandlerKind::Exec, *source);
            let key = DurationKey { container: "web".into(), hook, handler, source };
            ledger.durations.entry(key).or_default().observe(*seconds, DURATION_BUCKETS);
        }
        let hooks = json!(hooks(&shape, &Tracker::default(), &ledger));
        assert_eq!(&hooks[0]["duration"], expect);
    }

    #[test]
    fn the_duration_of_a_hook_is_told_also_before_it_has_run() {
        check(&[], &json!({"count": 0, "sum": "0s"}));
        check(&[(Source::Runner, 2.0)], &json!({"count": 1, "sum": "2s", "max": "2s", "last": "2s"}));
    }

    #[test]
    fn durations_of_both_sources_are_one() {
        let runs = [(Source::Runner, 0.5), (Source::Runner, 2.0), (Source::Kubelet, 1.0)];
        check(&runs, &json!({"count": 3, "sum": "3.5s", "max": "2s", "last": "1s"}));
    }
}
