//! Policies that are accepted and cannot do what they say.

use hooked_crd::{HandlerKind, HookKind, HookPolicy, Measurement};

use super::shortened::{WORDS, shortened};
use crate::lifecycle::Hook;
use crate::workload::revision::Revision;
use crate::workload::template::policy;

/// Which policies are in force for no hook, and why; none if each is for one.
pub(super) fn matching_nothing(revision: &Revision) -> Option<String> {
    let policies = &revision.hooks.policies;
    let idle = policies.iter().enumerate().filter_map(|(index, policy)| {
        Some(format!("spec.hooks.policies[{index}]: {}", why_idle(revision, index, policy)?))
    });
    let idle: Vec<String> = idle.collect();
    let message = format!("Not in force: {}", idle.join("; "));
    (!idle.is_empty()).then(|| shortened(&message, WORDS))
}

/// Why a policy is in force for no hook, if it is in force for none.
fn why_idle(revision: &Revision, index: usize, policy: &HookPolicy) -> Option<String> {
    let container = policy.container.as_deref();
    if revision.hooks.measurement == Measurement::Observe {
        return Some("hooks are observed, and only the runner can carry policies out".to_owned());
    }
    if let Some(name) = container.filter(|name| !revision.shape.containers.contains_key(*name)) {
        return Some(format!("the template has no container {name} that may have hooks"));
    }
    let is_meant = |hook: &Hook| {
        container.is_none_or(|name| name == &*hook.container)
            && policy.hook.is_none_or(|kind| kind == hook.kind)
    };
    let meant: Vec<Hook> = revision.shape.hooks().filter(is_meant).collect();
    let whose = container.map_or("no container".to_owned(), |name| format!("container {name}"));
    let Some(first) = meant.first() else {
        let (has, which) = (if container.is_some() { "has no" } else { "has a" }, hook_name(policy.hook));
        return Some(format!("{whose} {has} {which}"));
    };
    let exec: Vec<&Hook> = meant.iter().filter(|hook| hook.handler == HandlerKind::Exec).collect();
    if exec.is_empty() {
        let Hook { container, kind, handler } = first;
        let field = hook_name(Some(*kind));
        let handler = handler_name(*handler);
        return Some(format!("the {field} of container {container} is {handler}, and policies are for exec"));
    }
    let before = &revision.hooks.policies[..index];
    let is_taken = |hook: &&Hook| self::policy(before, &hook.container, hook.kind).is_some();
    exec.iter().all(is_taken).then(|| "a policy before it is in force for all that it is for".to_owned())
}

fn hook_name(hook: Option<HookKind>) -> &'static str {
    match hook {
        Some(HookKind::PostStart) => "postStart",
        Some(HookKind::PreStop) => "preStop",
        None => "hook",
    }
}

fn handler_name(handler: HandlerKind) -> &'static str {
    match handler {
        HandlerKind::Exec => "exec",
        HandlerKind::HttpGet => "httpGet",
        HandlerKind::TcpSocket => "tcpSocket",
        HandlerKind::Sleep => "sleep",
    }
}

/// A preStop hook that may take longer than the grace period will be cut off by it, whatever its policy says.
pub(super) fn beyond_grace(revision: &Revision) -> Option<String> {
    let grace = revision.template["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
    let hooks = revision
        .shape
        .hooks()
        .filter(|hook| hook.kind == HookKind::PreStop && hook.handler == HandlerKind::Exec);
    hooks.into_iter().find_map(|hook| {
        let policy = policy(&revision.hooks.policies, &hook.container, hook.kind)?;
        let (retries, delay) = (i64::from(policy.retries.unwrap_or(0)), policy.retry_delay_seconds.unwrap_or(1));
        let longest = (retries + 1) * i64::from(policy.timeout_seconds?) + retries * i64::from(delay);
        (longest >= grace).then(|| {
            format!(
                "the preStop of container {} may take {longest} s by its policy, the grace period is {grace} s: raise \
                 spec.template.spec.terminationGracePeriodSeconds or lower timeoutSeconds or retries",
                hook.container
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::workload::revision::PodHooks;

    /// What is said of policies for a template whose container `web` has an httpGet postStart and an exec preStop, and
    /// whose container `idle` has none.
    fn said(policies: &Value, measurement: &str) -> Option<String> {
        let template = json!({"spec": {"containers": [
            {"name": "web", "lifecycle": {"postStart": {"httpGet": {"port": 80}}, "preStop": {"exec": {"command": ["true"]}}}},
            {"name": "idle"},
        ]}});
        let hooks: PodHooks =
            serde_json::from_value(json!({"policies": policies, "measurement": measurement})).unwrap();
        matching_nothing(&Revision::of_template(&template, hooks, 0).unwrap())
    }

    fn check(policies: &Value, expect: &[&str]) {
        let said = said(policies, "Runner");
        assert_eq!(said.is_some(), !expect.is_empty(), "{said:?}");
        let expect = format!("Not in force: {}", expect.join("; "));
        assert!(said.is_none_or(|said| said == expect), "{policies}: {expect}");
    }

    #[test]
    fn a_policy_that_is_in_force_for_no_hook_is_named_with_the_reason() {
        check(
            &json!([{"container": "web", "hook": "PreStop"}, {"retries": 1, "hook": "PostStart", "container": "idle"}]),
            &["spec.hooks.policies[1]: container idle has no postStart"],
        );
        check(
            &json!([{"container": "wbe", "hook": "PreStop"}, {"container": "web", "hook": "PostStart"}]),
            &[
                "spec.hooks.policies[0]: the template has no container wbe that may have hooks",
                "spec.hooks.policies[1]: the postStart of container web is httpGet, and policies are for exec",
            ],
        );
        check(&json!([{"container": "idle"}]), &["spec.hooks.policies[0]: container idle has no hook"]);
        check(
            &json!([{"hook": "PreStop"}, {"container": "web"}]),
            &["spec.hooks.policies[1]: a policy before it is in force for all that it is for"],
        );
        check(&json!([{"timeoutSeconds": 5}]), &[]);
        check(&json!([]), &[]);
    }

    #[test]
    fn no_policy_is_in_force_where_hooks_are_observed() {
        let said = said(&json!([{"timeoutSeconds": 5}]), "Observe").unwrap();
        assert!(said.contains("policies[0]: hooks are observed"), "{said}");
    }

    #[test]
    fn policies_that_match_no_template_are_told_shortly() {
        let many: Vec<Value> = (0..100).map(|number| json!({"container": format!("c{number}")})).collect();
        assert!(said(&json!(many), "Runner").unwrap().len() < 1100);
    }
}
