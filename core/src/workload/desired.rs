//! What a workload asks for: its spec, parsed and defaulted once.

use hooked_crd::{Evidence, HookedWorkloadSpec, HooksSpec, RolloutGate, StrategyType};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use thiserror::Error;

use super::revision::{PodHooks, Revision};
use crate::accounting::ledger::{Alias, GateRule};

/// How old Pods give way to new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// All old Pods go before new ones come.
    Recreate,
    /// Step by step, with at most `surge` Pods above and `unavailable` Pods below the number wanted.
    RollingUpdate {
        /// Pods that may exist above the number wanted.
        surge: u32,
        /// Pods that may be missing.
        unavailable: u32,
    },
}

/// Why a spec that the API server has accepted cannot be carried out.
#[derive(Debug, Error)]
pub enum DesiredError {
    /// The template is not what a Pod's is.
    #[error("spec.template.spec cannot be read: {0}")]
    Template(#[source] serde_json::Error),
}

/// A workload's spec with every default in place.
#[derive(Clone, Debug)]
pub struct Desired {
    /// Pods wanted.
    pub replicas: u32,
    /// How they are replaced.
    pub strategy: Strategy,
    /// Seconds for which a Pod must be ready before it is available.
    pub min_ready_seconds: i64,
    /// Old revisions to keep.
    pub revision_history_limit: usize,
    /// Whether the user has paused it.
    pub paused: bool,
    /// Seconds without progress after which a rollout is reported as failed; none if it may take for ever.
    pub progress_deadline_seconds: Option<i64>,
    /// The revision that is asked for.
    pub asked: Revision,
    /// Where the template is another text for a revision that is stored: which text, and which revision.
    pub alias: Option<Alias>,
    /// The selector in its serialized form.
    pub selector: String,
    /// Whether Pods keep their evidence until it is counted.
    pub evidence: Evidence,
    /// Runs kept in `status.recentRuns`.
    pub history_limit: usize,
    /// What is asked of the gate of rollouts, if there is to be one.
    pub gate: Option<GateRule>,
}

impl Desired {
    /// Reads a spec that the API server has accepted.
    pub fn from_spec(spec: &HookedWorkloadSpec, collision_count: i32) -> Result<Self, DesiredError> {
        let replicas = non_negative(spec.replicas, 1);
        let hooks = spec.hooks.clone().unwrap_or_default();
        let pod_hooks = PodHooks::of_spec(spec.hooks.as_ref());
        Ok(Self {
            replicas,
            strategy: strategy(spec, replicas),
            min_ready_seconds: i64::from(non_negative(spec.min_ready_seconds, 0)),
            revision_history_limit: non_negative(spec.revision_history_limit, 10) as usize,
            paused: spec.paused == Some(true),
            progress_deadline_seconds: progress_deadline(spec.progress_deadline_seconds),
            asked: Revision::of_template(&spec.template.0, pod_hooks, collision_count)
                .map_err(DesiredError::Template)?,
            alias: None,
            selector: selector_text(&spec.selector),
            evidence: hooks.evidence.unwrap_or_default(),
            history_limit: history_limit(spec.hooks.as_ref()),
            gate: hooks.rollout_gate.map(|RolloutGate { max_failures, on_failure }| GateRule {
                max_failures: non_negative(max_failures, 0),
                action: on_failure.unwrap_or_default(),
            }),
        })
    }

    /// A deleted workload as far as it can be read: its Pods are stopped and counted whatever its template
    /// has become.
    pub fn of_leaving(spec: &HookedWorkloadSpec, collision_count: i32) -> Result<Self, DesiredError> {
        Self::from_spec(spec, collision_count).or_else(|_| {
            let mut bare = spec.clone();
            bare.template.0 = serde_json::json!({"spec": {}});
            Self::from_spec(&bare, collision_count)
        })
    }
}

/// How many runs are kept in `status.recentRuns`.
pub fn history_limit(hooks: Option<&HooksSpec>) -> usize {
    (non_negative(hooks.and_then(|hooks| hooks.history_limit), 10) as usize).min(50)
}

/// The greatest number there is means that there is no deadline (`HasProgressDeadline`).
fn progress_deadline(seconds: Option<i32>) -> Option<i64> {
    (seconds != Some(i32::MAX)).then(|| i64::from(non_negative(seconds, 600)))
}

fn non_negative(value: Option<i32>, default: u32) -> u32 {
    value.map_or(default, |v| u32::try_from(v).unwrap_or(0))
}

fn strategy(spec: &HookedWorkloadSpec, replicas: u32) -> Strategy {
    let strategy = spec.strategy.clone().unwrap_or_default();
    if strategy.type_ == Some(StrategyType::Recreate) {
        return Strategy::Recreate;
    }
    let rolling = strategy.rolling_update.unwrap_or_default();
    let quarter = IntOrString::String("25%".to_owned());
    let surge = resolve(rolling.max_surge.as_ref().unwrap_or(&quarter), replicas, Round::Up);
    let unavailable = resolve(rolling.max_unavailable.as_ref().unwrap_or(&quarter), replicas, Round::Down);
    // Both can round to zero, with which no rollout could ever move; a Deployment then allows one missing Pod
    // (ResolveFenceposts in kubernetes/pkg/controller/deployment/util).
    let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
    Strategy::RollingUpdate { surge, unavailable: unavailable.min(replicas.max(1)) }
}

#[derive(Clone, Copy)]
enum Round {
    Up,
    Down,
}

/// A number, or a percentage of `replicas`. Anything else was refused at admission and counts as zero.
fn resolve(value: &IntOrString, replicas: u32, round: Round) -> u32 {
    match value {
        IntOrString::Int(number) => u32::try_from(*number).unwrap_or(0),
        IntOrString::String(text) => {
            let percent: u64 = text.trim_end_matches('%').parse().unwrap_or(0);
            let hundredths = percent.saturating_mul(u64::from(replicas));
            let pods = match round {
                Round::Up => hundredths.div_ceil(100),
                Round::Down => hundredths / 100,
            };
            u32::try_from(pods).unwrap_or(u32::MAX)
        }
    }
}

/// A label selector as autoscalers and `kubectl get --selector` read it, expressions included.
pub fn selector_text(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().flatten().map(|requirement| {
        let key = &requirement.key;
        let mut values = requirement.values.clone().unwrap_or_default();
        values.sort();
        match requirement.operator.as_str() {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.clone(),
            _ => format!("!{key}"),
        }
    });
    labels.chain(expressions).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement;

    use super::*;

    fn check_strategy(spec: &serde_json::Value, expect: Strategy) {
        let mut full = serde_json::json!({"selector": {}, "template": {"spec": {"containers": []}}});
        full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let spec: HookedWorkloadSpec = serde_json::from_value(full).unwrap();
        assert_eq!(Desired::from_spec(&spec, 0).unwrap().strategy, expect, "{spec:?}");
    }

    #[test]
    fn the_greatest_deadline_is_none() {
        assert_eq!([None, Some(5), Some(i32::MAX)].map(progress_deadline), [Some(600), Some(5), None]);
    }

    #[test]
    fn percentages_round_as_a_deployments_do() {
        let rolling = |surge, unavailable| Strategy::RollingUpdate { surge, unavailable };
        check_strategy(&serde_json::json!({}), rolling(1, 0));
        check_strategy(&serde_json::json!({"replicas": 10}), rolling(3, 2));
        check_strategy(
            &serde_json::json!({"replicas": 10, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "5%"}}}),
            rolling(0, 1),
        );
        check_strategy(
            &serde_json::json!({"replicas": 3, "strategy": {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}}}),
            rolling(3, 0),
        );
        check_strategy(
            &serde_json::json!({"replicas": 3, "strategy": {"type": "Recreate"}}),
            Strategy::Recreate,
        );
    }

    #[test]
    fn a_selector_is_serialized_with_its_expressions() {
        let requirement = |key: &str, operator: &str, values: &[&str]| LabelSelectorRequirement {
            key: key.into(),
            operator: operator.into(),
            values: Some(values.iter().map(ToString::to_string).collect()),
        };
        let selector = LabelSelector {
            match_labels: Some([("app".to_owned(), "hook".to_owned())].into()),
            match_expressions: Some(vec![
                requirement("tier", "In", &["web", "api"]),
                requirement("old", "DoesNotExist", &[]),
                requirement("zone", "Exists", &[]),
            ]),
        };
        assert_eq!(selector_text(&selector), "app=hook,tier in (api,web),!old,zone");
    }
}
