//! Manifests of workloads whose programs and hooks do what a scenario needs.

use serde_json::{Value, json};

use crate::host::{HostDirectory, MOUNT};

/// The manifest of a HookedWorkload, to be changed step by step.
#[derive(Clone, Debug)]
pub struct Workload(Value);

/// A container of it.
#[derive(Clone, Debug)]
pub struct Container(Value);

/// An exec handler that runs a script.
pub fn sh(script: impl AsRef<str>) -> Value {
    json!({"exec": {"command": ["/bin/sh", "-c", script.as_ref()]}})
}

impl Container {
    /// A program of the busybox image.
    pub fn script(name: &str, script: &str) -> Self {
        Self(json!({
            "name": name,
            "image": "busybox",
            "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", script],
        }))
    }

    /// A program that ends as soon as it is asked to.
    pub fn polite(name: &str) -> Self {
        Self::script(name, "trap 'exit 0' TERM; sleep 100000 & wait")
    }

    /// A program that does not hear SIGTERM.
    pub fn deaf(name: &str) -> Self {
        Self::script(name, "trap '' TERM; while true; do sleep 1; done")
    }

    /// An nginx.
    pub fn nginx(name: &str) -> Self {
        Self(json!({"name": name, "image": "nginx", "imagePullPolicy": "IfNotPresent"}))
    }

    /// Sets any field.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.0[field] = value;
        self
    }

    /// Gives it a postStart hook.
    #[must_use]
    pub fn post_start(mut self, handler: Value) -> Self {
        self.0["lifecycle"]["postStart"] = handler;
        self
    }

    /// Gives it a preStop hook.
    #[must_use]
    pub fn pre_stop(mut self, handler: Value) -> Self {
        self.0["lifecycle"]["preStop"] = handler;
        self
    }
}

impl Workload {
    /// One replica of these containers, observed, with the grace period that Kubernetes gives. On a busy node the start
    /// of a hook's process alone takes seconds, so only what has no preStop hook has a short one.
    pub fn new(name: &str, containers: impl IntoIterator<Item = Container>) -> Self {
        let containers: Vec<Value> = containers.into_iter().map(|container| container.0).collect();
        Self(json!({
            "apiVersion": "hooked.dev/v1alpha1",
            "kind": "HookedWorkload",
            "metadata": {"name": name},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": name}},
                "hooks": {"measurement": "Observe"},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": containers},
                },
            },
        }))
    }

    /// Gives it another name, and leaves its selector and its labels.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.0["metadata"]["name"] = json!(name);
        self
    }

    /// Sets any field of the spec.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.0["spec"][field] = value;
        self
    }

    /// Sets any field of the Pod's spec.
    #[must_use]
    pub fn pod_with(mut self, field: &str, value: Value) -> Self {
        self.0["spec"]["template"]["spec"][field] = value;
        self
    }

    /// Sets the number of replicas.
    #[must_use]
    pub fn replicas(self, replicas: u32) -> Self {
        self.with("replicas", json!(replicas))
    }

    /// Sets the grace period.
    #[must_use]
    pub fn grace(self, seconds: u32) -> Self {
        self.pod_with("terminationGracePeriodSeconds", json!(seconds))
    }

    /// Makes the template another one that does the same.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.0["spec"]["template"]["metadata"]["annotations"]["version"] = json!(version);
        self
    }

    /// Adds a sidecar.
    #[must_use]
    pub fn sidecar(self, container: Container) -> Self {
        let sidecar = container.with("restartPolicy", json!("Always"));
        self.pod_with("initContainers", json!([sidecar.0]))
    }

    /// Lets every container write to the scenario's directory of the node. Call it last.
    #[must_use]
    pub fn witnessed(mut self, files: &HostDirectory) -> Self {
        let pod = &mut self.0["spec"]["template"]["spec"];
        let mut volumes = pod["volumes"].as_array().cloned().unwrap_or_default();
        volumes.push(files.volume());
        pod["volumes"] = json!(volumes);
        for kind in ["containers", "initContainers"] {
            for container in pod[kind].as_array_mut().into_iter().flatten() {
                container["volumeMounts"] = json!([{"name": "witness", "mountPath": MOUNT}]);
            }
        }
        self
    }

    /// The manifest of another kind that makes the same Pods, with these fields of its spec; those that are null it has
    /// not.
    pub fn of_kind(&self, api_version: &str, kind: &str, fields: &Value) -> Value {
        let mut manifest = self.0.clone();
        (manifest["apiVersion"], manifest["kind"]) = (json!(api_version), json!(kind));
        if let Some(spec) = manifest["spec"].as_object_mut() {
            spec.remove("hooks");
            for (field, value) in fields.as_object().into_iter().flatten() {
                if value.is_null() {
                    spec.remove(field);
                } else {
                    spec.insert(field.clone(), value.clone());
                }
            }
        }
        manifest
    }

    /// A workload of that name which watches the Pods of another.
    pub fn watching(name: &str, api_version: &str, kind: &str, watched: &str) -> Self {
        Self(json!({
            "apiVersion": "hooked.dev/v1alpha1",
            "kind": "HookedWorkload",
            "metadata": {"name": name},
            "spec": {"workloadRef": {"apiVersion": api_version, "kind": kind, "name": watched}},
        }))
    }

    /// The manifest.
    pub fn manifest(&self) -> &Value {
        &self.0
    }
}
