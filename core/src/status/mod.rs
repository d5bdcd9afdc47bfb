//! What users read: a projection of Pods and ledger, with the history that the previous status holds.

mod conditions;
mod counts;
mod hooks;
mod live;
mod recent;
mod stalled;

use hooked_crd::{HookedWorkloadStatus, Reason};
use jiff::Timestamp;

use crate::accounting::ledger::{Counted, Ledger, LedgerError};
use crate::names;
use crate::workload::desired::{Desired, Held};
use crate::workload::plan::Rollout;
use crate::workload::tally::{PodSet, RunningTally};

pub use conditions::{how_it_ended, invalid};
pub use counts::{Progress, ReplicaCounts};
pub use live::LiveService;
pub use recent::describe;
pub use stalled::{is_invalid, newly_invalid};

/// Why the API server did not carry out a write that the plan asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whether the template itself was refused: then nothing helps but changing it.
    pub invalid: bool,
    /// The server's words, with field paths as in the template.
    pub message: String,
}

/// What a status is made from.
#[derive(Debug)]
pub struct Basis<'a> {
    /// The status before.
    pub previous: &'a HookedWorkloadStatus,
    /// The generation of the spec that was acted upon.
    pub generation: i64,
    /// How often the revision's hash had been taken by another template.
    pub collision_count: Option<i32>,
    /// What the workload asks for.
    pub desired: &'a Desired,
    /// Its Pods.
    pub pods: &'a PodSet,
    /// What is counted, with what this pass has counted.
    pub ledger: &'a Ledger,
    /// What this pass has counted.
    pub counted: &'a Counted,
    /// Where the rollout stands.
    pub rollout: &'a Rollout,
    /// A write that was refused in this pass.
    pub refusal: Option<&'a Refusal>,
    /// The live channel, if the operator serves it.
    pub live: Option<&'a LiveService>,
    /// The time.
    pub now: Timestamp,
}

/// The status to commit.
pub fn status(basis: &Basis<'_>) -> Result<HookedWorkloadStatus, LedgerError> {
    let Basis { previous, generation, collision_count, desired, pods, ledger, counted, rollout, .. } = basis;
    let counts = ReplicaCounts::of(basis.desired, basis.pods, basis.now);
    let current = match rollout {
        Rollout::Done => Some(desired.revision.clone()),
        _ => previous.current_revision.clone(),
    };
    Ok(HookedWorkloadStatus {
        observed_generation: Some(*generation),
        replicas: counts.alive,
        updated_replicas: counts.updated,
        ready_replicas: counts.ready,
        available_replicas: counts.available,
        unavailable_replicas: counts.unavailable,
        terminating_replicas: counts.terminating,
        selector: Some(desired.selector.clone()),
        current_revision: current,
        update_revision: match desired.held {
            Held::No => Some(desired.revision.clone()),
            // What is not rolled out is not told as if it were.
            Held::AtRevision | Held::WithoutRevision => previous.update_revision.clone(),
        },
        collision_count: *collision_count,
        conditions: conditions::conditions(basis, &counts),
        hook_totals: hooks::totals(ledger),
        hooks_running: pods.running().by_hook().values().map(RunningTally::count).sum(),
        last_hook: recent::last_hook(counted).or_else(|| previous.last_hook.clone()),
        hooks: hooks::hooks(desired, pods, ledger),
        kills: hooks::kills(ledger),
        grace_used: hooks::grace_used(ledger),
        recent_runs: recent::recent_runs(previous, pods, counted, desired.history_limit),
        ledger: Some(ledger.store()?),
    })
}

/// The words in which `status` says that a hook hangs, if the status before did not say so: what is told once.
pub fn newly_stuck<'a>(previous: &HookedWorkloadStatus, status: &'a HookedWorkloadStatus) -> Option<&'a str> {
    fn stuck(status: &HookedWorkloadStatus) -> Option<&str> {
        let mut conditions = status.conditions.iter();
        let said = conditions.find(|known| known.type_ == names::condition::HOOKS_HEALTHY)?;
        (said.reason == Reason::HookStuck.as_str()).then_some(&*said.message)
    }
    stuck(status).filter(|_| stuck(previous).is_none())
}

/// Whether committing `status` would change anything. The ledgers are compared as values, since the API server may
/// write the same number in another way.
pub fn is_news(
    previous: &HookedWorkloadStatus,
    committed: &Ledger,
    status: &HookedWorkloadStatus,
    ledger: &Ledger,
) -> bool {
    let bare = |status: &HookedWorkloadStatus| HookedWorkloadStatus { ledger: None, ..status.clone() };
    previous.ledger.is_none() || committed != ledger || bare(previous) != bare(status)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hooked_crd::{HandlerKind, HookKind, Outcome, Source};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
    use serde_json::json;

    use super::*;
    use crate::accounting::ledger::{LastRun, RunKey};
    use crate::lifecycle::evidence::PodEvidence;
    use crate::workload::PodFact;
    use crate::workload::desired::PodHooks;
    use crate::workload::plan::Blocked;

    fn desired(spec: &serde_json::Value) -> Desired {
        let mut full = json!({"selector": {}, "template": {"spec": {"containers": [{"name": "web"}]}}});
        full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        Desired::from_spec(&serde_json::from_value(full).unwrap(), 0).unwrap()
    }

    fn held_at_old(desired: Desired) -> Desired {
        let template = json!({"spec": {"containers": []}});
        desired.held_at("old".to_owned(), template, PodHooks::default()).unwrap()
    }

    /// The status of a workload that was at the revision `old`.
    fn status_of(
        desired: &Desired,
        rollout: &Rollout,
        pods: &PodSet,
        ledger: &Ledger,
    ) -> HookedWorkloadStatus {
        let old = || Some("old".to_owned());
        let previous =
            HookedWorkloadStatus { current_revision: old(), update_revision: old(), ..Default::default() };
        let basis = Basis {
            previous: &previous,
            generation: 1,
            collision_count: None,
            desired,
            pods,
            ledger,
            counted: &Counted::default(),
            rollout,
            refusal: None,
            live: None,
            now: Timestamp::UNIX_EPOCH,
        };
        status(&basis).unwrap()
    }

    fn check_revisions(desired: &Desired, rollout: &Rollout, current: &str, update: &str) {
        let status = status_of(desired, rollout, &PodSet::default(), &Ledger::default());
        assert_eq!(
            (status.current_revision.as_deref(), status.update_revision.as_deref()),
            (Some(current), Some(update)),
            "{desired:?}"
        );
    }

    #[test]
    fn a_revision_is_told_as_the_one_rolled_out_only_if_it_is_rolled_out() {
        let refused = Rollout::Blocked(Blocked::InvalidTemplate);
        let new = desired(&json!({}));
        check_revisions(&new, &Rollout::Done, &new.revision, &new.revision);
        check_revisions(&new, &Rollout::Blocked(Blocked::AwaitingAvailability), "old", &new.revision);
        check_revisions(&new.clone().without_revision(), &refused, "old", "old");
        check_revisions(&held_at_old(new), &refused, "old", "old");
    }

    fn condition(status: &HookedWorkloadStatus, type_: &str) -> Condition {
        status.conditions.iter().find(|known| known.type_ == type_).unwrap().clone()
    }

    /// The preStop hook of the container `web` has failed, and the template is now one of these `containers`.
    fn check_healthy(containers: &serde_json::Value, status: &str, reason: &str) {
        let desired = desired(&json!({"template": {"spec": {"containers": containers}}}));
        let mut ledger = Ledger::default();
        let (container, hook, outcome) = ("web".into(), HookKind::PreStop, Outcome::Failed);
        let last = LastRun { outcome, pod: "web-1".into(), exit_code: Some(3) };
        ledger.last.insert((Arc::clone(&container), hook), last);
        let key = RunKey { container, hook, handler: HandlerKind::Exec, outcome, source: Source::Runner };
        ledger.runs.insert(key, 1);
        let told = status_of(&desired, &Rollout::Done, &PodSet::default(), &ledger);
        let healthy = condition(&told, names::condition::HOOKS_HEALTHY);
        assert_eq!((&*healthy.status, &*healthy.reason), (status, reason), "{containers}");
        assert_eq!(told.hook_totals.failed, 1, "what is counted stays counted");
        assert!(told.hooks.iter().any(|hook| hook.failed == 1), "{:?}", told.hooks);
    }

    #[test]
    fn a_hook_that_has_failed_is_no_matter_of_health_once_the_template_has_it_no_more() {
        let hook = json!({"exec": {"command": ["false"]}});
        check_healthy(&json!([{"name": "web", "lifecycle": {"preStop": hook}}]), "False", "HookFailed");
        check_healthy(&json!([{"name": "web"}]), "True", "NoHookIsFailing");
        check_healthy(&json!([{"name": "web", "lifecycle": {"postStart": hook}}]), "True", "NoHookIsFailing");
        check_healthy(&json!([{"name": "app", "lifecycle": {"preStop": hook}}]), "True", "NoHookIsFailing");
    }

    /// Two Pods of the revision at which a workload is paused, which is `old` or the one that is asked for.
    fn check_paused(desired: &Desired, rollout: &Rollout, ready: (&str, &str), updated: i32) {
        let mut pods = PodSet::default();
        for ordinal in [1, 2] {
            let uid = format!("u-{ordinal}");
            let mut fact = PodFact::unseen(ordinal, "web", &uid, &desired.revision, true);
            (fact.seen, fact.ready_since) = (true, Some(0));
            pods.observe(fact, PodEvidence::default(), Timestamp::UNIX_EPOCH);
        }
        let told = status_of(desired, rollout, &pods, &Ledger::default());
        let said = |type_| condition(&told, type_);
        let (is_ready, progressing) = (said(names::condition::READY), said(names::condition::PROGRESSING));
        assert_eq!((&*is_ready.status, &*is_ready.reason), ready, "{is_ready:?}");
        assert_eq!((&*progressing.status, &*progressing.reason), ("Unknown", "Paused"), "{progressing:?}");
        assert_eq!((told.replicas, told.updated_replicas), (2, updated));
    }

    #[test]
    fn a_paused_workload_is_ready_only_if_its_template_is_rolled_out() {
        let paused = || desired(&json!({"replicas": 2, "paused": true}));
        let blocked = Rollout::Blocked(Blocked::Paused);
        let scaling = Rollout::Step { create: 1, delete: Vec::new() };
        let (template, hooks) = (paused().template, PodHooks::default());
        let (old, revision) = (held_at_old(paused()), paused().revision);
        check_paused(&old, &blocked, ("False", "PausedWithChange"), 0);
        check_paused(&old, &scaling, ("False", "PausedWithChange"), 0);
        let new = paused().held_at(revision, template, hooks).unwrap();
        check_paused(&new, &Rollout::Done, ("True", "RolloutComplete"), 2);
        check_paused(&new, &blocked, ("False", "Paused"), 2);
    }
}
