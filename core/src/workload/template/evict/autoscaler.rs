//! The cluster autoscaler's and kubectl drain's verdicts on our Pods, beside those on a Deployment's of the same
//! template.
//!
//! The rules are those of kubernetes/autoscaler (`simulator/drainability/rules/rules.go` with the defaults of its
//! flags, and `utils/drain`) and of kubectl (`pkg/drain/filters.go`), in their order. What depends on time, on other
//! Pods or on a `PodDisruptionBudget` is the same for both Pods, and is left out.

use hooked_crd::Evidence;
use serde_json::{Value, json};

use super::{SAFE, SAFE_VOLUMES};
use crate::workload::revision::{Measuring, PodHooks, PodSource, Revision};
use crate::workload::template::{Delivery, Identity, Owner, Runner, manifest};

/// Why a node is kept, by the name of the rule that keeps it; none if the Pod may go with it.
fn kept(pod: &Value, namespace: &str) -> Option<&'static str> {
    let annotation = |name: &str| pod["metadata"]["annotations"][name].as_str();
    let controller = pod["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let kind =
        controller.filter(|owner| owner["controller"] == true).find_map(|owner| owner["kind"].as_str());
    let is_replicated =
        |kind: &str| ["ReplicationController", "Job", "ReplicaSet", "StatefulSet"].contains(&kind);
    if annotation("kubernetes.io/config.mirror").is_some() || kind == Some("DaemonSet") {
        return None;
    }
    // `safetoevict` interrupts: no rule after it is asked.
    if annotation(SAFE) == Some("true") {
        return None;
    }
    if !kind.is_some_and(is_replicated) {
        return Some("replicated");
    }
    if namespace == "kube-system" {
        return Some("system");
    }
    if annotation(SAFE) == Some("false") {
        return Some("notsafetoevict");
    }
    let named: Vec<&str> =
        annotation(SAFE_VOLUMES).filter(|names| !names.is_empty()).unwrap_or("").split(',').collect();
    let mut volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let blocks = |volume: &Value| {
        let is_on_disk = volume["emptyDir"].is_object() && volume["emptyDir"]["medium"] != "Memory";
        (volume["hostPath"].is_object() || is_on_disk) && !named.contains(&volume["name"].as_str().unwrap())
    };
    volumes.any(blocks).then_some("localstorage")
}

/// Why `kubectl drain` refuses without a further flag; none if it goes on.
fn refused(pod: &Value) -> Option<&'static str> {
    let mut volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let mut owners = pod["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    if pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string() {
        return None;
    }
    if volumes.any(|volume| volume["emptyDir"].is_object()) {
        return Some("--delete-emptydir-data");
    }
    (!owners.any(|owner| owner["controller"] == true)).then_some("--force")
}

/// As the API server stores the Pod: a volume without a source is an emptyDir.
fn defaulted(mut pod: Value) -> Value {
    for volume in pod["spec"]["volumes"].as_array_mut().into_iter().flatten() {
        let sources =
            volume.as_object().unwrap().iter().filter(|(field, value)| *field != "name" && !value.is_null());
        if sources.count() == 0 {
            volume["emptyDir"] = json!({});
        }
    }
    pod
}

/// The Pod that a `ReplicaSet` makes of a template.
fn of_deployment(template: &Value) -> Value {
    let mut pod = json!({"metadata": template["metadata"], "spec": template["spec"]});
    pod["metadata"]["ownerReferences"] = json!([{"kind": "ReplicaSet", "name": "web-1", "controller": true}]);
    defaulted(pod)
}

/// The Pod that we make of the same.
fn of_ours(source: &PodSource) -> Value {
    let owner = Owner { name: "web".to_owned(), uid: "u".to_owned() };
    let identity = Identity { owner: &owner, name: "web-1", revision: "rev", number: 1 };
    defaulted(manifest(&source.template, &identity, Evidence::Durable))
}

/// Our Pods of a template: observed, and with the runner in each of the ways in which it comes.
fn each_of_ours(template: &Value) -> Vec<(Measuring, Value)> {
    let revision = Revision::of_template(template, PodHooks::default(), 0).unwrap();
    let runner = |delivery| Runner::new("hooked".to_owned(), delivery);
    let sources = [
        revision.as_written(Measuring::Observed),
        revision.with_runner(&runner(Delivery::ImageVolume)),
        revision.with_runner(&runner(Delivery::InitContainer)),
    ];
    sources.into_iter().map(|source| (source.measuring.clone(), of_ours(&source))).collect()
}

/// Every template of these annotations and volumes, with a hook for the runner.
fn each_template(mut check: impl FnMut(&Value)) {
    let safe = [None, Some("true"), Some("false"), Some(""), Some("True"), Some("yes")];
    let given_up =
        [None, Some(""), Some("data"), Some("cache"), Some("cache,data"), Some(" data"), Some("data,")];
    let sources = [
        json!({}),
        json!({"emptyDir": {}}),
        json!({"emptyDir": {"medium": ""}}),
        json!({"emptyDir": {"medium": "Memory"}}),
        json!({"emptyDir": {"medium": "HugePages"}}),
        json!({"emptyDir": {"sizeLimit": "1Gi"}}),
        json!({"hostPath": {"path": "/data"}}),
        json!({"configMap": {"name": "c"}}),
        json!({"persistentVolumeClaim": {"claimName": "c"}}),
        json!({"image": {"reference": "models:1"}}),
    ];
    let named = |name: &str, source: &Value| {
        let mut volume = source.clone();
        volume["name"] = json!(name);
        volume
    };
    let mut volumes = vec![Value::Null, json!([])];
    volumes.extend(sources.iter().map(|source| json!([named("data", source)])));
    volumes.extend(sources.iter().map(|source| json!([named("data", source), named("cache", &sources[1])])));
    let hook = json!({"preStop": {"exec": {"command": ["true"]}}});
    for safe in safe {
        for given_up in given_up {
            for volumes in &volumes {
                let mut template = json!({"spec": {"containers": [{"name": "web", "lifecycle": hook}]}});
                if !volumes.is_null() {
                    template["spec"]["volumes"] = volumes.clone();
                }
                for (name, value) in [(SAFE, safe), (SAFE_VOLUMES, given_up)] {
                    if let Some(value) = value {
                        template["metadata"]["annotations"][name] = json!(value);
                    }
                }
                check(&template);
            }
        }
    }
}

#[test]
fn the_autoscaler_says_of_our_pod_what_it_says_of_a_deployments() {
    let mut verdicts = std::collections::BTreeMap::new();
    each_template(|template| {
        let expect = kept(&of_deployment(template), "shop");
        *verdicts.entry(expect).or_insert(0) += 1;
        for (measuring, pod) in each_of_ours(template) {
            assert_eq!(kept(&pod, "shop").is_some(), expect.is_some(), "{measuring:?} {template}");
        }
    });
    // Each rule that a template can meet has decided.
    let rules: Vec<_> = verdicts.keys().copied().collect();
    assert_eq!(rules, [None, Some("localstorage"), Some("notsafetoevict")]);
}

/// The one difference: which namespace it will be in no template says, and what is said of the Pod goes before it.
#[test]
fn in_kube_system_our_pod_may_go_where_a_deployments_may_not() {
    let template = json!({"spec": {"containers": [{"name": "web"}]}});
    assert_eq!(kept(&of_deployment(&template), "kube-system"), Some("system"));
    for (_, pod) in each_of_ours(&template) {
        assert_eq!(kept(&pod, "kube-system"), None);
    }
}

#[test]
fn without_what_we_say_of_it_our_pod_would_keep_every_node() {
    let template = json!({"spec": {"containers": [{"name": "web"}]}});
    for (_, mut pod) in each_of_ours(&template) {
        pod["metadata"]["annotations"] = json!({});
        assert_eq!(kept(&pod, "shop"), Some("replicated"));
    }
}

/// Our volumes with the records are emptyDirs, however the runner comes in: that is said in docs/hooks.md.
#[test]
fn kubectl_drain_asks_for_our_volumes_with_the_runner_and_for_nothing_else() {
    each_template(|template| {
        let expect = refused(&of_deployment(template));
        for (measuring, pod) in each_of_ours(template) {
            let asked = if measuring == Measuring::Runner { Some("--delete-emptydir-data") } else { expect };
            assert_eq!(refused(&pod), asked, "{measuring:?} {template}");
        }
    });
}
