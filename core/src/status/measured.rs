//! What of all that `spec.hooks` asks for is not in force.

use hooked_crd::{HandlerKind, Measurement, Reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::basis::Basis;
use super::shortened::shortened;
use super::{live, policies};
use crate::accounting::ledger::Unrunnable;
use crate::names::condition;
use crate::workload::revision::Measuring;
use crate::workload::template::without_log;

/// The most bytes of somebody else's words on why the runner is not there: others follow in the same condition.
const WHY: usize = 600;

/// Something that is asked for and not in force.
pub(super) struct Shortfall {
    pub(super) reason: Reason,
    pub(super) words: String,
}

/// What is asked for and not in force, the worst first; nothing if all is.
pub(super) fn shortfalls(basis: &Basis<'_>) -> Vec<Shortfall> {
    let of_runner = if asks_for_runner(basis) { of_runner(basis) } else { Vec::new() };
    let idle = policies::matching_nothing(basis.revision);
    let idle = idle.map(|words| Shortfall { reason: Reason::PolicyMatchesNothing, words });
    of_runner.into_iter().chain(idle).collect()
}

/// How hooks are known where all is as asked.
pub(super) fn how(basis: &Basis<'_>) -> &'static str {
    if basis.revision.hooks.measurement == Measurement::Observe {
        "hooks are observed, as spec.hooks.measurement asks"
    } else if asks_for_runner(basis) {
        "exec hooks run under the hook-runner"
    } else {
        "there is no exec hook to run under the hook-runner"
    }
}

/// The condition that says that something is not in force, if those before did not say so for the same reason: what is
/// told once.
pub fn newly_unmeasured<'a>(previous: &[Condition], conditions: &'a [Condition]) -> Option<&'a Condition> {
    let told = conditions.iter().find(|known| known.type_ == condition::MEASURED)?;
    let is_well = told.reason == Reason::MeasuredAsAsked.as_str();
    let was_told = previous.iter().any(|known| known.type_ == told.type_ && known.reason == told.reason);
    (!is_well && !was_told).then_some(told)
}

fn asks_for_runner(basis: &Basis<'_>) -> bool {
    let mut hooks = basis.revision.shape.hooks();
    basis.revision.hooks.measurement == Measurement::Runner
        && hooks.any(|hook| hook.handler == HandlerKind::Exec)
}

/// Why hooks are not measured that were to run under the runner.
fn of_runner(basis: &Basis<'_>) -> Vec<Shortfall> {
    let counts = basis.replicas.revision(&basis.revision.name);
    let (observed, pods) = (counts.shown_without_runner(), counts.shown_alive());
    let policies = not_in_force(basis.revision.hooks.policies.len());
    if let Measuring::Unavailable(why) = basis.measuring {
        let words = format!(
            "Hooks are observed, not measured, in {observed} of {pods} Pods: {}{policies}",
            shortened(why, WHY)
        );
        return vec![Shortfall { reason: Reason::RunnerUnavailable, words }];
    }
    if let Measuring::CannotRun(shown) = basis.measuring {
        let words = format!(
            "Hooks are observed, not measured, in {observed} of {pods} Pods: {}, and then try again by kubectl hooked \
             restart{policies}",
            cannot_run(shown)
        );
        return vec![Shortfall { reason: Reason::RunnerCannotRun, words }];
    }
    let from_before = (observed > 0).then(|| {
        let words = format!(
            "Hooks are observed, not measured, in {observed} of {pods} Pods, which were taken over or made before the \
             hook-runner could be put in: replace these Pods, for example by kubectl hooked restart{policies}"
        );
        Shortfall { reason: Reason::PodsFromBefore, words }
    });
    let no_log = no_log(basis).map(|words| Shortfall { reason: Reason::NoTerminationLog, words });
    let missing = live::missing(basis).map(|words| Shortfall { reason: Reason::LiveReportsMissing, words });
    [from_before, no_log, missing].into_iter().flatten().collect()
}

/// What a Pod has shown of the runner, and what helps.
pub(super) fn cannot_run(Unrunnable { inability, node, .. }: &Unrunnable) -> String {
    let node = node.as_ref().map(|node| format!(" on node {node}")).unwrap_or_default();
    format!("a Pod{node} has shown that the hook-runner {}; {}", inability.what(), inability.remedy())
}

/// Where the runner is not in force, what was asked of it is not either.
pub(super) fn not_in_force(count: usize) -> String {
    const NAMED: usize = 8;
    let named: Vec<String> =
        (0..count.min(NAMED)).map(|index| format!("spec.hooks.policies[{index}]")).collect();
    let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
    if named.is_empty() { String::new() } else { format!("; not in force: {}{more}", named.join(", ")) }
}

/// Any byte in such a log would keep the kubelet from showing what the container has printed.
fn no_log(basis: &Basis<'_>) -> Option<String> {
    let containers = without_log(&basis.revision.template["spec"]);
    let first = containers.first()?;
    let more = match containers.len() {
        1 => String::new(),
        count => format!(" and {} others", count - 1),
    };
    let otherwise = if basis.live.is_some() {
        "what its hooks did is known over the live channel alone"
    } else {
        "its hooks are observed in effect"
    };
    Some(format!(
        "The hook-runner writes no record into the termination log of container {first}{more}, whose \
         terminationMessagePolicy is FallbackToLogsOnError: {otherwise}; set terminationMessagePolicy: File"
    ))
}

#[cfg(test)]
mod tests;
