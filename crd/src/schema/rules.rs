//! What the API server checks at admission beyond types: everything that a Deployment's own validation refuses and that
//! creating a Pod would not show.
//!
//! Messages are worded as a Deployment's are where it has the same check.

use serde_json::{Map, Value, json};

use super::Error;

/// One check in CEL.
struct Rule {
    /// The schema that the rule stands in, as a path such as `spec.selector.matchExpressions[]`.
    at: &'static str,
    /// What must hold; `self` is the value at `at`.
    holds: &'static str,
    /// What is told if it does not.
    message: &'static str,
    /// The field below `at` that is to blame, if not `at` itself.
    field: Option<&'static str>,
    /// How the API server classes the error.
    reason: &'static str,
}

const INVALID: &str = "FieldValueInvalid";
const FORBIDDEN: &str = "FieldValueForbidden";
const REQUIRED: &str = "FieldValueRequired";

const NOT_NEGATIVE: &str = "must be greater than or equal to 0";

const RULES: &[Rule] = &[
    required_to_own("has(self.workloadRef) || has(self.selector)", ".selector"),
    required_to_own("has(self.workloadRef) || has(self.template)", ".template"),
    refused_to_watch("!has(self.workloadRef) || !has(self.selector)", ".selector"),
    refused_to_watch("!has(self.workloadRef) || !has(self.template)", ".template"),
    refused_to_watch("!has(self.workloadRef) || !has(self.strategy)", ".strategy"),
    refused_to_watch("!has(self.workloadRef) || !has(self.minReadySeconds)", ".minReadySeconds"),
    refused_to_watch("!has(self.workloadRef) || !has(self.revisionHistoryLimit)", ".revisionHistoryLimit"),
    refused_to_watch("!has(self.workloadRef) || !has(self.paused)", ".paused"),
    refused_to_watch(
        "!has(self.workloadRef) || !has(self.progressDeadlineSeconds)",
        ".progressDeadlineSeconds",
    ),
    refused_to_watch(
        "!has(self.workloadRef) || !has(self.hooks) || !has(self.hooks.rolloutGate)",
        ".hooks.rolloutGate",
    ),
    Rule {
        at: "spec",
        holds: "!has(self.workloadRef) || self.?replicas.orValue(1) == 1",
        message: "may not be changed with `workloadRef`: scale the workload that it names",
        field: Some(".replicas"),
        reason: FORBIDDEN,
    },
    Rule {
        at: "spec",
        holds: "has(self.workloadRef) == has(oldSelf.workloadRef)",
        message: "may not be added or removed: create a new HookedWorkload",
        field: Some(".workloadRef"),
        reason: INVALID,
    },
    Rule {
        at: "spec.workloadRef",
        holds: "self == oldSelf",
        message: "field is immutable: create a new HookedWorkload to watch another workload",
        field: None,
        reason: INVALID,
    },
    Rule {
        at: "spec.workloadRef",
        holds: "self.kind != 'HookedWorkload' || !self.apiVersion.startsWith('hooked.dev/')",
        message: "a HookedWorkload counts the hooks of its own Pods: name a workload of another kind",
        field: Some(".kind"),
        reason: INVALID,
    },
    not_negative("spec.replicas"),
    not_negative("spec.minReadySeconds"),
    not_negative("spec.revisionHistoryLimit"),
    not_negative("spec.progressDeadlineSeconds"),
    Rule {
        at: "spec",
        holds: "self.?progressDeadlineSeconds.orValue(600) > self.?minReadySeconds.orValue(0)",
        message: "must be greater than minReadySeconds; it is 600 if absent",
        field: Some(".progressDeadlineSeconds"),
        reason: INVALID,
    },
    Rule {
        at: "spec.selector",
        holds: "self.?matchLabels.orValue({}).size() > 0 || self.?matchExpressions.orValue([]).size() > 0",
        message: "empty selector is invalid: name a label of the template in matchLabels",
        field: None,
        reason: INVALID,
    },
    Rule {
        at: "spec.selector",
        holds: "self == oldSelf",
        message: "field is immutable: create a new HookedWorkload to select other Pods",
        field: None,
        reason: INVALID,
    },
    Rule {
        at: "spec.selector.matchExpressions[]",
        holds: "!(self.operator in ['In', 'NotIn']) || self.?values.orValue([]).size() > 0",
        message: "must be specified when `operator` is 'In' or 'NotIn'",
        field: Some(".values"),
        reason: REQUIRED,
    },
    Rule {
        at: "spec.selector.matchExpressions[]",
        holds: "!(self.operator in ['Exists', 'DoesNotExist']) || self.?values.orValue([]).size() == 0",
        message: "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        field: Some(".values"),
        reason: FORBIDDEN,
    },
    Rule {
        at: "spec",
        holds: "!has(self.selector) || !has(self.template) || !has(self.selector.matchLabels) || \
               self.selector.matchLabels.all(k, \
               has(self.template.metadata) && has(self.template.metadata.labels) && \
               k in self.template.metadata.labels && \
               self.template.metadata.labels[k] == self.selector.matchLabels[k])",
        message: "`selector` does not match template `labels`: give the template every label of spec.selector.matchLabels",
        field: Some(".template.metadata.labels"),
        reason: INVALID,
    },
    Rule {
        at: "spec",
        holds: "!has(self.selector) || !has(self.template) || !has(self.selector.matchExpressions) || \
               self.selector.matchExpressions.all(e, \
               has(self.template.metadata) && has(self.template.metadata.labels) && e.key in self.template.metadata.labels ? \
               e.operator == 'Exists' || e.operator != 'DoesNotExist' && has(e.values) && \
               (e.operator == 'In') == (self.template.metadata.labels[e.key] in e.values) : \
               e.operator in ['NotIn', 'DoesNotExist'])",
        message: "`selector` does not match template `labels`: the template's labels must meet spec.selector.matchExpressions",
        field: Some(".template.metadata.labels"),
        reason: INVALID,
    },
    one_of(
        "spec.strategy.type",
        "self in ['', 'RollingUpdate', 'Recreate']",
        "supported values: \"RollingUpdate\", \"Recreate\"",
    ),
    Rule {
        at: "spec.strategy",
        holds: "self.?type.orValue('RollingUpdate') != 'Recreate' || !has(self.rollingUpdate)",
        message: "may not be specified when strategy `type` is 'Recreate'",
        field: Some(".rollingUpdate"),
        reason: FORBIDDEN,
    },
    int_or_percent("spec.strategy.rollingUpdate.maxSurge"),
    int_or_percent("spec.strategy.rollingUpdate.maxUnavailable"),
    Rule {
        at: "spec.strategy.rollingUpdate.maxUnavailable",
        holds: "type(self) == int || !self.matches('^[0-9]+%$') || self.matches('^0*(100|[0-9]?[0-9])%$')",
        message: "must not be greater than 100%",
        field: None,
        reason: INVALID,
    },
    Rule {
        at: "spec.strategy.rollingUpdate",
        holds: "!has(self.maxSurge) || !has(self.maxUnavailable) || \
               (type(self.maxSurge) == int ? self.maxSurge != 0 : !self.maxSurge.matches('^0+%$')) || \
               (type(self.maxUnavailable) == int ? self.maxUnavailable != 0 : !self.maxUnavailable.matches('^0+%$'))",
        message: "may not be 0 when `maxSurge` is 0",
        field: Some(".maxUnavailable"),
        reason: INVALID,
    },
    one_of("spec.template.spec.restartPolicy", "self in ['', 'Always']", "supported values: \"Always\""),
    Rule {
        at: "spec.template.spec",
        holds: "!has(self.activeDeadlineSeconds)",
        message: "activeDeadlineSeconds is not supported: Pods of a HookedWorkload run until they are replaced",
        field: Some(".activeDeadlineSeconds"),
        reason: FORBIDDEN,
    },
    Rule {
        at: "spec.template.spec",
        holds: "self.?ephemeralContainers.orValue([]).size() == 0",
        message: "ephemeral containers not allowed in pod template",
        field: Some(".ephemeralContainers"),
        reason: FORBIDDEN,
    },
];

/// A field without which a workload has no Pods of its own.
const fn required_to_own(holds: &'static str, field: &'static str) -> Rule {
    let message =
        "required: give the workload Pods of its own, or name a workload of others in `workloadRef`";
    Rule { at: "spec", holds, message, field: Some(field), reason: REQUIRED }
}

/// A field that says how a workload's own Pods are made.
const fn refused_to_watch(holds: &'static str, field: &'static str) -> Rule {
    let message = "may not be specified with `workloadRef`: the Pods are made by the workload that it names";
    Rule { at: "spec", holds, message, field: Some(field), reason: FORBIDDEN }
}

const fn not_negative(at: &'static str) -> Rule {
    Rule { at, holds: "self >= 0", message: NOT_NEGATIVE, field: None, reason: INVALID }
}

/// An enumeration that is also satisfied by empty text, which native types take for the default.
const fn one_of(at: &'static str, holds: &'static str, message: &'static str) -> Rule {
    Rule { at, holds, message, field: None, reason: INVALID }
}

const fn int_or_percent(at: &'static str) -> Rule {
    Rule {
        at,
        holds: "type(self) == int ? self >= 0 : self.matches('^[0-9]+%$')",
        message: "must be an integer greater than or equal to 0, or a percentage such as '25%'",
        field: None,
        reason: INVALID,
    }
}

/// Adds every rule to the schema of a HookedWorkload.
pub(super) fn add_to(schema: &mut Value) -> Result<(), Error> {
    for rule in RULES {
        let place = at(schema, rule.at).ok_or_else(|| Error::NoSuchPlace(rule.at.to_owned()))?;
        let mut entry = json!({"rule": rule.holds, "message": rule.message, "reason": rule.reason});
        if let Some(field) = rule.field {
            entry["fieldPath"] = json!(field);
        }
        let rules = place.entry("x-kubernetes-validations").or_insert_with(|| json!([]));
        rules.as_array_mut().ok_or_else(|| Error::NoSuchPlace(rule.at.to_owned()))?.push(entry);
    }
    Ok(())
}

/// The schema at a path such as `spec.containers[].name`.
fn at<'a>(schema: &'a mut Value, path: &str) -> Option<&'a mut Map<String, Value>> {
    let mut place = schema;
    for step in path.split('.') {
        let name = step.trim_end_matches("[]");
        place = place.get_mut("properties")?.get_mut(name)?;
        if name.len() < step.len() {
            place = place.get_mut("items")?;
        }
    }
    place.as_object_mut()
}
