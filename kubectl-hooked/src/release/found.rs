//! What there is: the HookedWorkload, and the Deployment that is to take its Pods over.

use hooked_core::names::{RELEASE_FROM_ANNOTATION, REVISION_LABEL, TEMPLATE_HASH_LABEL};
use serde_json::{Value, json};

use super::error::ReleaseError;
use crate::ownership::{DEPLOYMENT, Objects, REPLICA_SET, WORKLOAD, condition, gitops, owner_of, selector};

/// What there is.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    /// None once it has let go of its Pods.
    pub(super) workload: Option<Value>,
    pub(super) deployment: Option<Value>,
    /// Each ReplicaSet that nobody controls and that the Deployment would take for its own, and scale.
    pub(super) free: Vec<String>,
}

impl Found {
    /// Looks what there is.
    pub(super) async fn look(objects: &Objects, name: &str) -> Result<Self, ReleaseError> {
        let workload = objects.find(WORKLOAD, name).await?;
        if let Some(watched) = workload.as_ref().and_then(watched) {
            let (name, namespace) = (name.to_owned(), objects.namespace().to_owned());
            return Err(ReleaseError::Watching { name, namespace, watched });
        }
        let deployment = objects.find(DEPLOYMENT, name).await?;
        let mut found = Self { name: name.to_owned(), workload, deployment, free: Vec::new() };
        if found.workload.is_none() && found.from().is_none() {
            let (name, namespace) = (name.to_owned(), objects.namespace().to_owned());
            return Err(ReleaseError::NoWorkload { name, namespace });
        }
        if let Some(workload) = found.workload.as_ref().filter(|_| found.from().is_none()) {
            let sets = objects.list(REPLICA_SET, &selector(workload)).await?;
            let free = sets.iter().filter(|set| owner_of(set).is_none());
            found.free = free.filter_map(|set| set["metadata"]["name"].as_str()).map(str::to_owned).collect();
        }
        Ok(found)
    }

    /// From which workload the Deployment takes over.
    pub(super) fn from(&self) -> Option<From> {
        self.deployment.as_ref().and_then(From::of)
    }
}

/// What a workload watches instead of having Pods, if it does.
fn watched(workload: &Value) -> Option<String> {
    let watched = workload["spec"]["workloadRef"].as_object()?;
    let text = |field: &str| watched.get(field).and_then(Value::as_str).unwrap_or_default();
    Some(format!("{} {}", text("kind"), text("name")))
}

/// What a Deployment remembers of the workload that it takes over from, which is gone by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct From {
    /// The UID of the workload, by which its revisions are known.
    pub(super) uid: String,
    /// The revision of its Pods.
    pub(super) revision: String,
}

impl From {
    fn of(deployment: &Value) -> Option<Self> {
        let annotations = &deployment["metadata"]["annotations"];
        let text = |name: &str| annotations[name].as_str().map(str::to_owned);
        Some(Self { uid: text(RELEASE_FROM_ANNOTATION)?, revision: text(REVISION_LABEL)? })
    }
}

/// Whether a Deployment is to take over from a workload.
pub(super) fn is_releasing(deployment: &Value) -> bool {
    From::of(deployment).is_some()
}

/// The Deployment that takes over from a workload. Paused it makes no ReplicaSet, and without one no Pod.
pub(super) fn releasing(workload: &Value) -> Value {
    let metadata = &workload["metadata"];
    let mut annotations = gitops::unmarked(&metadata["annotations"]);
    annotations.retain(|name, _| {
        !name.starts_with("hooked.dev/") && name != "kubectl.kubernetes.io/last-applied-configuration"
    });
    annotations.insert(RELEASE_FROM_ANNOTATION.to_owned(), metadata["uid"].clone());
    annotations.insert(REVISION_LABEL.to_owned(), workload["status"]["updateRevision"].clone());
    json!({
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": gitops::unmarked(&metadata["labels"]),
            "annotations": annotations,
        },
        "spec": spec(workload),
    })
}

/// The spec of a Deployment that asks for what the workload does, but paused.
fn spec(workload: &Value) -> Value {
    let mut spec = workload["spec"].clone();
    if let Some(fields) = spec.as_object_mut() {
        fields.remove("hooks");
        fields.insert("paused".to_owned(), true.into());
    }
    spec
}

/// What the Deployment is to say by now, where the workload asks for something else than when it was made.
pub(super) fn drifted(deployment: &Value, workload: &Value) -> Option<Value> {
    let of = From::of(deployment);
    let is_same = deployment["spec"]["replicas"] == workload["spec"]["replicas"]
        && of.as_ref().map(|of| json!(of.revision)) == Some(workload["status"]["updateRevision"].clone())
        && of.as_ref().map(|of| json!(of.uid)) == Some(workload["metadata"]["uid"].clone());
    (!is_same).then(|| {
        let mut changed = deployment.clone();
        changed["spec"] = spec(workload);
        for name in [RELEASE_FROM_ANNOTATION, REVISION_LABEL] {
            changed["metadata"]["annotations"][name] =
                releasing(workload)["metadata"]["annotations"][name].clone();
        }
        changed
    })
}

/// The ReplicaSet that takes Pods of a revision over: it selects them by their hash.
pub(super) fn replica_set(deployment: &Value, revision: &str, template: &Value, replicas: &Value) -> Value {
    let mut template = template.clone();
    template["metadata"]["labels"][TEMPLATE_HASH_LABEL] = revision.into();
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][TEMPLATE_HASH_LABEL] = revision.into();
    let name = deployment["metadata"]["name"].as_str().unwrap_or_default();
    json!({
        "metadata": {
            "name": format!("{name}-{revision}"),
            "namespace": deployment["metadata"]["namespace"],
            "labels": template["metadata"]["labels"],
            "annotations": {},
        },
        "spec": {
            "replicas": replicas,
            "minReadySeconds": deployment["spec"]["minReadySeconds"],
            "selector": selector,
            "template": template,
        },
    })
}

/// What is in the way of giving its Pods to a Deployment.
pub(super) fn obstacles(found: &Found, force: bool) -> Vec<String> {
    let mut obstacles = Vec::new();
    let Some(workload) = &found.workload else { return obstacles };
    let name = &found.name;
    if found.deployment.is_some() && found.from().is_none() {
        obstacles.push(format!("  Deployment {name} is there already: rename or delete it"));
    }
    if workload["spec"]["paused"] == true {
        obstacles.push(format!("  it is paused: `kubectl hooked resume {name}` first"));
    }
    // One that is being deleted has told whom its Pods go to.
    let is_leaving = workload["metadata"]["deletionTimestamp"].is_string();
    if !is_leaving && !is_rolled_out(workload) {
        obstacles
            .push(format!("  its rollout is not complete: wait for `kubectl hooked status {name} --wait`"));
    }
    if is_leaving && found.from().is_none() {
        obstacles.push("  it is being deleted, and its Pods may be".to_owned());
    }
    for set in &found.free {
        obstacles.push(format!(
            "  ReplicaSet {set} has no controller: the Deployment would take it for its own, and make Pods of its template: \
             `kubectl delete replicaset {set} --cascade=orphan` first"
        ));
    }
    if let Some(keeper) = gitops::keeper(workload).filter(|_| !force) {
        let (annotation, value) = keeper.keep;
        obstacles.push(format!(
            "  {} owns it and would make it again, or delete its Pods: docs/moving.md has the order that is safe, which \
             begins with the annotation {annotation}: {value} in its manifest; --force goes on all the same",
            keeper.name
        ));
    }
    obstacles
}

/// Whether its rollout is complete, as the operator says of the present spec.
fn is_rolled_out(workload: &Value) -> bool {
    let is_ready = condition(workload, "Ready").is_some_and(|known| known["status"] == "True");
    let status = &workload["status"];
    is_ready
        && status["observedGeneration"] == workload["metadata"]["generation"]
        && status["updateRevision"].is_string()
}
