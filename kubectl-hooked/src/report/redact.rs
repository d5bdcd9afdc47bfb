//! What of an object goes into a report: only fields that are named here. What a later version of Kubernetes adds stays
//! out until somebody has thought about it.

use serde_json::{Map, Value};

/// Of every object. A path names a field and all below it; lists have no step of their own.
const METADATA: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.generation",
    "metadata.resourceVersion",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "metadata.deletionGracePeriodSeconds",
    "metadata.finalizers",
    "metadata.ownerReferences",
    "metadata.labels.hooked.dev/revision",
    "metadata.labels.pod-template-hash",
    "metadata.annotations.hooked.dev/ordinal",
];
/// Below the spec of a Pod, or of a template.
const POD_SPEC: &[&str] = &[
    "nodeName",
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "containers.name",
    "containers.image",
    "containers.env.name",
    "initContainers.name",
    "initContainers.image",
    "initContainers.restartPolicy",
    "initContainers.env.name",
];
/// Below each container's status.
const CONTAINER_STATUS: &[&str] = &[
    "name",
    "image",
    "imageID",
    "ready",
    "started",
    "restartCount",
    "state.running",
    "state.waiting.reason",
    "state.terminated.exitCode",
    "state.terminated.signal",
    "state.terminated.reason",
    "state.terminated.startedAt",
    "state.terminated.finishedAt",
    "lastState.terminated.exitCode",
    "lastState.terminated.signal",
    "lastState.terminated.reason",
    "lastState.terminated.startedAt",
    "lastState.terminated.finishedAt",
];
const CONDITIONS: &[&str] = &["type", "status", "reason", "lastTransitionTime", "observedGeneration"];
const WORKLOAD: &[&str] = &[
    "spec.replicas",
    "spec.paused",
    "spec.strategy",
    "spec.minReadySeconds",
    "spec.progressDeadlineSeconds",
    "spec.revisionHistoryLimit",
    "spec.hooks",
    "status.observedGeneration",
    "status.replicas",
    "status.readyReplicas",
    "status.updatedReplicas",
    "status.availableReplicas",
    "status.terminatingReplicas",
    "status.currentRevision",
    "status.updateRevision",
    "status.revisions",
    "status.hookTotals",
    "status.hooksRunning",
    "status.kills",
    "status.graceUsed",
    "status.recentRuns",
];
const EVENT: &[&str] = &[
    "reason",
    "type",
    "count",
    "firstTimestamp",
    "lastTimestamp",
    "eventTime",
    "involvedObject.kind",
    "involvedObject.name",
    "involvedObject.uid",
    "source.component",
    "reportingComponent",
];
/// Words of others, wherever they stand: they may quote a hook's output, a command or an environment.
const WORDS: [&str; 2] = ["message", "output"];

/// What a report takes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Workload,
    /// A user's Pod.
    Pod,
    /// The operator's own Deployment or Pod, whose arguments tell how it is set up.
    Operator,
    Event,
}

impl Kind {
    fn allowed(self, with_output: bool) -> Vec<String> {
        let owned = |paths: &[&str], below: &str| -> Vec<String> {
            paths.iter().map(|path| format!("{below}{path}")).collect()
        };
        let mut paths = owned(METADATA, "");
        match self {
            Self::Workload => {
                paths.extend(owned(WORKLOAD, ""));
                paths.extend(owned(POD_SPEC, "spec.template.spec."));
            }
            Self::Event => paths.extend(owned(EVENT, "")),
            Self::Pod => paths.extend(owned(POD_SPEC, "spec.")),
            Self::Operator => {
                for below in ["spec.", "spec.template.spec."] {
                    paths.extend(owned(POD_SPEC, below));
                    paths.push(format!("{below}containers.args"));
                }
                paths.extend(owned(&["spec.replicas", "status.replicas", "status.availableReplicas"], ""));
            }
        }
        paths.extend(owned(CONDITIONS, "status.conditions."));
        paths.extend(owned(&["phase", "reason", "startTime", "qosClass"], "status."));
        for list in ["containerStatuses", "initContainerStatuses"] {
            paths.extend(owned(CONTAINER_STATUS, &format!("status.{list}.")));
            if with_output {
                paths.extend(owned(
                    &["state.waiting", "state.terminated.message", "lastState.terminated.message"],
                    &format!("status.{list}."),
                ));
            }
        }
        if with_output {
            paths.extend(owned(&["message", "status.conditions.message", "status.message"], ""));
        }
        paths
    }
}

/// The object as a report has it.
pub(super) fn redacted(object: &Value, kind: Kind, with_output: bool) -> Value {
    kept(object, "", &kind.allowed(with_output), with_output).unwrap_or_default()
}

fn kept(value: &Value, path: &str, allowed: &[String], with_output: bool) -> Option<Value> {
    let is_below =
        |path: &str, above: &str| path.strip_prefix(above).is_some_and(|rest| rest.starts_with('.'));
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| with_output || !WORDS.contains(&name.as_str()));
            let fields = fields.filter_map(|(name, value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                Some((name.clone(), kept(value, &path, allowed, with_output)?))
            });
            let fields: Map<String, Value> = fields.collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        Value::Array(items) => {
            let items: Vec<_> =
                items.iter().filter_map(|item| kept(item, path, allowed, with_output)).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        // Some kubelets put a hook's words behind a reason: `PostStartHookError: …`.
        Value::String(text) if path.ends_with(".reason") && !with_output => {
            let word = text.split(':').next().unwrap_or_default();
            allowed.iter().any(|known| known == path || is_below(path, known)).then(|| word.into())
        }
        leaf => allowed.iter().any(|known| known == path || is_below(path, known)).then(|| leaf.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A Pod with a secret in every field that may carry one.
    fn pod() -> Value {
        let exec = json!({"exec": {"command": ["sh", "CANARY"]}});
        let container = json!({
            "name": "web", "image": "web:1", "command": ["CANARY"], "args": ["--password=CANARY"],
            "env": [{"name": "PASSWORD", "value": "CANARY"}], "workingDir": "CANARY",
            "lifecycle": {"postStart": exec, "preStop": {"httpGet": {"path": "CANARY", "httpHeaders": [{"value": "CANARY"}]}}},
            "livenessProbe": exec, "readinessProbe": exec, "startupProbe": exec,
        });
        let ended = json!({"exitCode": 3, "reason": "Error: CANARY", "message": "CANARY"});
        let status = json!({
            "name": "web", "restartCount": 2, "lastState": {"terminated": ended},
            "state": {"waiting": {"reason": "PostStartHookError: CANARY", "message": "CANARY"}},
        });
        json!({
            "metadata": {
                "name": "web-1", "labels": {"hooked.dev/revision": "r", "team": "CANARY"}, "managedFields": ["CANARY"],
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "CANARY", "hooked.dev/ordinal": "w/1"},
            },
            "spec": {"containers": [container], "initContainers": [container], "ephemeralContainers": [container],
                "volumes": [{"name": "CANARY"}], "hostAliases": ["CANARY"]},
            "status": {"phase": "Running", "message": "CANARY", "containerStatuses": [status],
                "conditions": [{"type": "Ready", "status": "False", "message": "CANARY"}]},
        })
    }

    fn workload() -> Value {
        let template = json!({"metadata": {"annotations": {"a": "CANARY"}}, "spec": pod()["spec"].clone()});
        json!({
            "metadata": pod()["metadata"].clone(), "spec": {"replicas": 3, "template": template, "selector": {"CANARY": "CANARY"}},
            "status": {
                "readyReplicas": 2, "ledger": {"x": "CANARY"},
                "conditions": [{"type": "Ready", "reason": "HookFailed", "message": "CANARY"}],
                "recentRuns": [{"pod": "web-1", "outcome": "Failed", "output": "CANARY", "message": "CANARY"}],
            },
        })
    }

    #[test]
    fn a_secret_is_in_no_field_of_a_report_whichever_it_was_put_in() {
        let event =
            json!({"reason": "Failed", "message": "CANARY", "metadata": {"annotations": {"a": "CANARY"}}});
        for (kind, object) in [(Kind::Pod, pod()), (Kind::Workload, workload()), (Kind::Event, event)] {
            let text = redacted(&object, kind, false).to_string();
            assert!(!text.contains("CANARY"), "{kind:?}: {text}");
        }
        // The operator's own arguments are no user's.
        let mut operator = pod();
        operator["spec"]["containers"][0]["args"] = json!(["--leader-elect"]);
        let text = redacted(&operator, Kind::Operator, false).to_string();
        assert!(!text.contains("CANARY") && text.contains("--leader-elect"), "{text}");
    }

    #[test]
    fn what_helps_a_maintainer_is_kept() {
        let kept = redacted(&pod(), Kind::Pod, false);
        assert_eq!(
            kept,
            json!({
                "metadata": {"name": "web-1", "labels": {"hooked.dev/revision": "r"},
                    "annotations": {"hooked.dev/ordinal": "w/1"}},
                "spec": {"containers": [{"name": "web", "image": "web:1", "env": [{"name": "PASSWORD"}]}],
                    "initContainers": [{"name": "web", "image": "web:1", "env": [{"name": "PASSWORD"}]}]},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}],
                    "containerStatuses": [{"name": "web", "restartCount": 2,
                        "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
                        "state": {"waiting": {"reason": "PostStartHookError"}}}]},
            })
        );
        let kept = redacted(&workload(), Kind::Workload, false);
        assert_eq!(kept["status"]["recentRuns"], json!([{"pod": "web-1", "outcome": "Failed"}]));
    }

    #[test]
    fn output_and_messages_come_only_where_they_are_asked_for_and_commands_never() {
        let kept = redacted(&workload(), Kind::Workload, true);
        assert_eq!(kept["status"]["recentRuns"][0]["output"], "CANARY");
        assert!(!kept["spec"].to_string().contains("CANARY"), "{kept}");
    }
}
