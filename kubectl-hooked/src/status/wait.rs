//! `status --wait`: until something has come true, can no longer come true, or was waited for long enough.

use futures::{StreamExt, pin_mut};
use hooked_crd::{HookedWorkload, condition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube_runtime::WatchStreamExt;
use kube_runtime::watcher::watch_object;

use super::error::StatusError;
use crate::arguments::{Goal, StatusOptions};
use crate::conditions;
use crate::connect::Connection;
use crate::end::End;
use crate::request::{Asked, Request, RequestError};
use crate::workloads::{get, workloads};

/// How a workload stands to what is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    Reached,
    /// Not yet, and what is so instead.
    NotYet(String),
    /// Not unless somebody changes it, and why.
    OutOfReach(String),
}

/// Waits. Standard error shows each state of the workload that is seen meanwhile, once.
pub(super) async fn wait(connection: &Connection, options: &StatusOptions) -> Result<End, StatusError> {
    let StatusOptions { name, goal, timeout, .. } = options;
    let first = match get(connection, name).await {
        Err(RequestError::NoWorkload { .. }) if *goal == Goal::Deleted => return Ok(End::Done),
        workload => workload?,
    };
    let mut reporter = Reporter { goal: *goal, uid: first.metadata.uid.clone(), reported: String::new() };
    if let Some(end) = reporter.judge(Some(&first)) {
        return Ok(end);
    }
    let watching = watch(connection, name, &mut reporter);
    let Some(limit) = timeout else { return watching.await };
    let Ok(end) = tokio::time::timeout(*limit, watching).await else {
        eprintln!("timed out after {} s; last seen: {}", limit.as_secs_f64(), reporter.reported);
        return Ok(End::TimedOut);
    };
    end
}

async fn watch(connection: &Connection, name: &str, reporter: &mut Reporter) -> Result<End, StatusError> {
    let request = Request { verb: "watch", asked: Asked::Workload, name, namespace: &connection.namespace };
    let changes = watch_object(workloads(connection), name).default_backoff();
    pin_mut!(changes);
    loop {
        match changes.next().await {
            Some(Ok(workload)) => {
                if let Some(end) = reporter.judge(workload.as_ref()) {
                    return Ok(end);
                }
            }
            Some(Err(error)) => match request.interrupted(&error) {
                error @ (RequestError::Forbidden { .. } | RequestError::Unauthorized) => {
                    return Err(error.into());
                }
                error => reporter.say(&format!("{error}; trying again")),
            },
            // A watcher never ends.
            None => return Ok(End::TimedOut),
        }
    }
}

/// Judges each state of the workload that is seen, and reports each new one.
struct Reporter {
    goal: Goal,
    /// Of the workload that was there at first: another of its name is another one.
    uid: Option<String>,
    reported: String,
}

impl Reporter {
    fn judge(&mut self, workload: Option<&HookedWorkload>) -> Option<End> {
        match standing(self.goal, workload.filter(|workload| workload.metadata.uid == self.uid)) {
            Standing::Reached => Some(End::Done),
            Standing::NotYet(state) => {
                self.say(&state);
                None
            }
            Standing::OutOfReach(why) => {
                eprintln!("out of reach: {why}");
                Some(End::OutOfReach)
            }
        }
    }

    fn say(&mut self, state: &str) {
        if self.reported != state {
            eprintln!("waiting: {state}");
            state.clone_into(&mut self.reported);
        }
    }
}

fn standing(goal: Goal, workload: Option<&HookedWorkload>) -> Standing {
    match (goal, workload) {
        (Goal::Deleted, None) => Standing::Reached,
        (Goal::Deleted, Some(workload)) => Standing::NotYet(leaving(workload)),
        (Goal::Ready | Goal::HooksHealthy, None) => Standing::OutOfReach("the workload is gone".to_owned()),
        (Goal::Ready, Some(workload)) => rollout(workload),
        (Goal::HooksHealthy, Some(workload)) => match rollout(workload) {
            // Before the rollout is complete no hook need have run.
            Standing::Reached => hooks_healthy(workload),
            standing => standing,
        },
    }
}

fn leaving(workload: &HookedWorkload) -> String {
    if workload.metadata.deletion_timestamp.is_none() {
        return "nobody has asked for its deletion".to_owned();
    }
    let status = workload.status.clone().unwrap_or_default();
    format!("{} Pods are left", status.replicas + status.terminating_replicas)
}

/// Whether the rollout of the present spec is complete.
fn rollout(workload: &HookedWorkload) -> Standing {
    if workload.metadata.deletion_timestamp.is_some() {
        return Standing::OutOfReach("the workload is being deleted".to_owned());
    }
    // Conditions of an older spec prove nothing of this one.
    let seen = workload.status.as_ref().and_then(|status| status.observed_generation);
    if seen != workload.metadata.generation {
        return Standing::NotYet("the operator has not seen the present spec yet".to_owned());
    }
    if let Some(stalled) = find(workload, condition::STALLED).filter(|stalled| stalled.status == "True") {
        return Standing::OutOfReach(words(stalled));
    }
    match find(workload, condition::READY) {
        Some(ready) if ready.status == "True" => Standing::Reached,
        Some(ready) => Standing::NotYet(words(ready)),
        None => Standing::NotYet("there is no condition Ready yet".to_owned()),
    }
}

fn hooks_healthy(workload: &HookedWorkload) -> Standing {
    match find(workload, condition::HOOKS_HEALTHY) {
        Some(healthy) if healthy.status == "True" => Standing::Reached,
        Some(healthy) => Standing::NotYet(words(healthy)),
        None => Standing::NotYet("there is no condition HooksHealthy yet".to_owned()),
    }
}

fn find<'a>(workload: &'a HookedWorkload, type_: &str) -> Option<&'a Condition> {
    conditions::find(conditions::of(workload), type_)
}

fn words(condition: &Condition) -> String {
    format!("{}={} ({}): {}", condition.type_, condition.status, condition.reason, condition.message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::workload;

    /// A workload of generation 2 with these conditions, seen by the operator at `observed`.
    fn with(observed: i64, conditions: &[(&str, &str)]) -> HookedWorkload {
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|(type_, status)| {
                json!({"type": type_, "status": status, "reason": "Why", "message": "words", "lastTransitionTime": "2026-11-22T10:00:00Z"})
            })
            .collect();
        workload(&json!({"observedGeneration": observed, "conditions": conditions, "terminatingReplicas": 2}))
    }

    fn check(goal: Goal, workload: Option<&HookedWorkload>, expect: &str) {
        let judged = match standing(goal, workload) {
            Standing::Reached => "reached".to_owned(),
            Standing::NotYet(state) => format!("not yet: {state}"),
            Standing::OutOfReach(why) => format!("never: {why}"),
        };
        assert_eq!(judged, expect);
    }

    #[test]
    fn a_rollout_is_complete_when_the_present_spec_is_ready() {
        check(Goal::Ready, Some(&with(2, &[("Ready", "True")])), "reached");
        check(
            Goal::Ready,
            Some(&with(1, &[("Ready", "True")])),
            "not yet: the operator has not seen the present spec yet",
        );
        check(Goal::Ready, Some(&with(2, &[("Ready", "False")])), "not yet: Ready=False (Why): words");
        check(Goal::Ready, Some(&with(2, &[])), "not yet: there is no condition Ready yet");
    }

    #[test]
    fn what_is_stalled_or_gone_is_out_of_reach() {
        check(
            Goal::Ready,
            Some(&with(2, &[("Ready", "False"), ("Stalled", "True")])),
            "never: Stalled=True (Why): words",
        );
        // A condition of an older spec proves nothing.
        check(
            Goal::Ready,
            Some(&with(1, &[("Stalled", "True")])),
            "not yet: the operator has not seen the present spec yet",
        );
        check(Goal::Ready, None, "never: the workload is gone");
    }

    #[test]
    fn hooks_are_healthy_only_when_they_have_had_their_chance_to_fail() {
        check(
            Goal::HooksHealthy,
            Some(&with(2, &[("Ready", "False"), ("HooksHealthy", "True")])),
            "not yet: Ready=False (Why): words",
        );
        check(
            Goal::HooksHealthy,
            Some(&with(2, &[("Ready", "True"), ("HooksHealthy", "False")])),
            "not yet: HooksHealthy=False (Why): words",
        );
        check(Goal::HooksHealthy, Some(&with(2, &[("Ready", "True"), ("HooksHealthy", "True")])), "reached");
    }

    #[test]
    fn a_workload_that_is_gone_is_deleted() {
        check(Goal::Deleted, None, "reached");
        let mut workload = with(2, &[]);
        check(Goal::Deleted, Some(&workload), "not yet: nobody has asked for its deletion");
        workload.metadata.deletion_timestamp = serde_json::from_value(json!("2026-11-22T10:00:00Z")).unwrap();
        check(Goal::Deleted, Some(&workload), "not yet: 2 Pods are left");
        check(Goal::Ready, Some(&workload), "never: the workload is being deleted");
    }
}
