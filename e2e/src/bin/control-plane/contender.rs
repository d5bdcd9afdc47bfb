//! Who is measured: a kind of object, what it asks for, and who controls it.

use std::fmt;

use clap::ValueEnum;
use kube::api::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

/// One way to have Pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Contender {
    /// A Deployment, as most people have it.
    Deployment,
    /// A Deployment whose Pods a HookedWorkload watches: the operator is the controller that is measured.
    Watched,
    /// A Deployment that makes the very Pods that a HookedWorkload makes, and somebody who takes their finalizer off.
    SamePods,
    /// A HookedWorkload without a word about how it is measured.
    Hooked,
    /// A HookedWorkload whose Pods are left as written, but for a finalizer.
    Observe,
    /// A HookedWorkload whose Pods have no finalizer either.
    BestEffort,
}

impl Contender {
    /// Whether it is our kind of object.
    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Hooked | Self::Observe | Self::BestEffort)
    }

    /// Whether our operator is what is measured; otherwise the controller manager is.
    pub(crate) fn has_operator(self) -> bool {
        self.is_ours() || self == Self::Watched
    }

    /// What else is made beside an object of it.
    pub(crate) fn watcher(self, name: &str) -> Option<Value> {
        let referent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
        (self == Self::Watched).then(|| {
            json!({
                "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload",
                "metadata": {"name": name}, "spec": {"workloadRef": referent},
            })
        })
    }

    /// What the API server calls its objects.
    pub(crate) fn resource(self) -> ApiResource {
        let (group, version, kind, plural) = if self.is_ours() {
            ("hooked.dev", "v1alpha1", "HookedWorkload", "hookedworkloads")
        } else {
            ("apps", "v1", "Deployment", "deployments")
        };
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }

    /// An object of it, whose Pods have an own label.
    pub(crate) fn manifest(self, name: &str, replicas: u32, template: &Value) -> Value {
        let ApiResource { api_version, kind, .. } = self.resource();
        let mut template = template.clone();
        template["metadata"]["labels"]["app"] = json!(name);
        let mut manifest = json!({
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": template,
            },
        });
        match self {
            Self::Observe => manifest["spec"]["hooks"] = json!({"measurement": "Observe"}),
            Self::BestEffort => {
                manifest["spec"]["hooks"] = json!({"measurement": "Observe", "evidence": "BestEffort"});
            }
            Self::Deployment | Self::Watched | Self::SamePods | Self::Hooked => {}
        }
        manifest
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Deployment => "deployment",
            Self::Watched => "watched",
            Self::SamePods => "same-pods",
            Self::Hooked => "hooked",
            Self::Observe => "observe",
            Self::BestEffort => "best-effort",
        })
    }
}

/// What all contenders are asked for: one container with an exec hook of each kind.
pub(crate) fn template() -> Value {
    let hook =
        |word: &str| json!({"exec": {"command": ["/bin/sh", "-c", format!("echo {word} >> /tmp/hooks")]}});
    json!({
        "metadata": {"labels": {}},
        "spec": {
            "containers": [{
                "name": "web",
                "image": "registry.example/web:1",
                "ports": [{"containerPort": 8080}],
                "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}},
                "lifecycle": {"postStart": hook("started"), "preStop": hook("stopping")},
            }],
        },
    })
}

/// A template of Pods like this one, which was made from `written` and then changed by the operator, the API server and
/// its admission plugins.
pub(crate) fn template_of(pod: &Value, written: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    let is_token =
        |named: &Value| named["name"].as_str().is_some_and(|name| name.starts_with("kube-api-access-"));
    let drop_tokens = |list: &mut Value| {
        if let Some(list) = list.as_array_mut() {
            list.retain(|named| !is_token(named));
        }
    };
    drop_tokens(&mut spec["volumes"]);
    for kind in ["containers", "initContainers"] {
        for container in spec[kind].as_array_mut().into_iter().flatten() {
            drop_tokens(&mut container["volumeMounts"]);
        }
    }
    // Whoever makes the Pods has these put in, as for the Pod that they are copied from.
    for added in [
        "tolerations",
        "nodeName",
        "serviceAccount",
        "serviceAccountName",
        "priority",
        "preemptionPolicy",
        "enableServiceLinks",
    ] {
        if let Some(spec) = spec.as_object_mut() {
            spec.remove(added);
        }
    }
    spec["tolerations"] = written["spec"]["tolerations"].clone();
    let meta = &pod["metadata"];
    json!({
        "metadata": {"labels": meta["labels"], "annotations": meta["annotations"], "finalizers": meta["finalizers"]},
        "spec": spec,
    })
}
