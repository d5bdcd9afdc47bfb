//! What there is: the Deployment, its `ReplicaSets`, and the HookedWorkload that is to take their Pods over.

use hooked_core::names::ADOPT_FROM_ANNOTATION;
use hooked_core::workload::revision::{PodHooks, Revision};
use serde_json::{Value, json};

use super::error::AdoptError;
use crate::ownership::{DEPLOYMENT, Objects, REPLICA_SET, WORKLOAD, gitops, hash_of, owner_of, selector};

/// What there is.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    /// None once it has let go of its `ReplicaSets`.
    pub(super) deployment: Option<Value>,
    /// Those that it controls or has left behind, the one with the most Pods last.
    pub(super) replica_sets: Vec<Value>,
    /// Others that the selector matches and that nobody controls: they would be waited for.
    pub(super) strays: Vec<String>,
    pub(super) workload: Option<Value>,
}

impl Found {
    /// Looks what there is.
    pub(super) async fn look(objects: &Objects, name: &str) -> Result<Self, AdoptError> {
        let deployment = objects.find(DEPLOYMENT, name).await?;
        let workload = objects.find(WORKLOAD, name).await?;
        let Some(known) = deployment.as_ref().or(workload.as_ref()) else {
            let (name, namespace) = (name.to_owned(), objects.namespace().to_owned());
            return Err(AdoptError::NoDeployment { name, namespace });
        };
        if workload.as_ref().is_some_and(|workload| is_watching(workload, name)) {
            let (name, namespace) = (name.to_owned(), objects.namespace().to_owned());
            return Err(AdoptError::Watching { name, namespace });
        }
        let from = format!("Deployment/{name}");
        let is_adopting =
            |workload: &Value| workload["metadata"]["annotations"][ADOPT_FROM_ANNOTATION] == *from;
        if !workload.as_ref().is_none_or(is_adopting) {
            return Err(AdoptError::NotAdopting { name: name.to_owned() });
        }
        let all = objects.list(REPLICA_SET, &selector(known)).await?;
        let (replica_sets, strays) = sort(all, name);
        Ok(Self { name: name.to_owned(), deployment, replica_sets, strays, workload })
    }
}

/// Whether a workload watches the Deployment of that name.
fn is_watching(workload: &Value, deployment: &str) -> bool {
    let watched = &workload["spec"]["workloadRef"];
    watched["kind"] == DEPLOYMENT.name && watched["name"] == *deployment
}

/// The `ReplicaSets` that the Deployment controls or has left behind, and the names of others that nobody controls.
fn sort(all: Vec<Value>, deployment: &str) -> (Vec<Value>, Vec<String>) {
    let (mut its, mut strays) = (Vec::new(), Vec::new());
    for set in all {
        let name = set["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let left = hash_of(&set).map(|hash| format!("{deployment}-{hash}"));
        match owner_of(&set) {
            Some(owner) if owner["kind"] == DEPLOYMENT.name && owner["name"] == *deployment => its.push(set),
            None if left.as_deref() == Some(&*name) => its.push(set),
            None => strays.push(name),
            Some(_) => {}
        }
    }
    its.sort_by_key(|set| set["spec"]["replicas"].as_i64());
    (its, strays)
}

/// The HookedWorkload that takes over from a Deployment. Marks by which others know what is theirs stay behind.
pub(super) fn adopting(deployment: &Value) -> Value {
    let metadata = &deployment["metadata"];
    let mut annotations = gitops::unmarked(&metadata["annotations"]);
    let is_servers = |name: &String| {
        ["deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"]
            .contains(&&**name)
    };
    annotations.retain(|name, _| !is_servers(name));
    let from = format!("Deployment/{}", metadata["name"].as_str().unwrap_or_default());
    annotations.insert(ADOPT_FROM_ANNOTATION.to_owned(), from.into());
    json!({
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": gitops::unmarked(&metadata["labels"]),
            "annotations": annotations,
        },
        "spec": deployment["spec"],
    })
}

/// What the workload is to ask for instead of what it does, where somebody has changed the Deployment meanwhile.
pub(super) fn drifted(workload: &Value, deployment: &Value) -> Option<Value> {
    let (asks, is_asked) = (&workload["spec"], &deployment["spec"]);
    let same = ["replicas", "paused"].iter().all(|field| asks[field] == is_asked[field])
        && template(asks) == template(is_asked);
    (!same).then(|| {
        let fields =
            ["replicas", "paused", "template"].map(|field| (field.to_owned(), is_asked[field].clone()));
        Value::Object(fields.into_iter().collect())
    })
}

/// The template without what means nothing, as revisions are compared.
fn template(spec: &Value) -> Option<Value> {
    Some(Revision::of_template(&spec["template"], PodHooks::default(), 0).ok()?.template)
}

/// What is in the way of taking over from it.
pub(super) fn obstacles(found: &Found, force: bool) -> Vec<String> {
    let mut obstacles = Vec::new();
    let namespace = found.deployment.as_ref().and_then(|known| known["metadata"]["namespace"].as_str());
    let namespace = namespace.unwrap_or_default();
    for stray in &found.strays {
        obstacles.push(format!(
            "  ReplicaSet {stray} has labels that the selector matches, and nobody controls it: delete it, or give it \
             other labels"
        ));
    }
    let Some(deployment) = &found.deployment else { return obstacles };
    let name = &found.name;
    if let Some(owner) = owner_of(deployment) {
        obstacles.push(format!(
            "  {} {} controls it, and would make it again: have that make a HookedWorkload instead",
            owner["kind"].as_str().unwrap_or_default(),
            owner["name"].as_str().unwrap_or_default()
        ));
    }
    if !is_rolled_out(deployment) {
        obstacles.push(format!(
            "  its rollout is not complete: wait for `kubectl rollout status deployment/{name} -n {namespace}`"
        ));
    }
    if let Some(keeper) = gitops::keeper(deployment).filter(|_| !force) {
        let (annotation, value) = keeper.keep;
        obstacles.push(format!(
            "  {} owns it and would make it again, or delete its Pods: docs/moving.md has the order that is safe, which \
             begins with the annotation {annotation}: {value} in its manifest; --force goes on all the same",
            keeper.name
        ));
    }
    obstacles
}

/// Whether all Pods that are asked for are of the present template and available, and there are no others.
fn is_rolled_out(deployment: &Value) -> bool {
    let (spec, status) = (&deployment["spec"], &deployment["status"]);
    let count = |field: &str| status[field].as_i64().unwrap_or(0);
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    status["observedGeneration"].as_i64() >= deployment["metadata"]["generation"].as_i64()
        && ["replicas", "updatedReplicas", "availableReplicas"].iter().all(|field| count(field) == wanted)
}

/// The hashes of `ReplicaSets` of which the workload has no revision yet.
pub(super) fn not_stored(replica_sets: &[Value], revisions: &[Value], workload: &Value) -> Vec<String> {
    use hooked_core::workload::revision::Stored;
    let uid = workload["metadata"]["uid"].as_str().unwrap_or_default();
    let stored: Vec<Stored> = revisions.iter().filter_map(|known| Stored::of_object(known, uid)).collect();
    let hashes = replica_sets.iter().filter_map(hash_of);
    let is_missing = |hash: &&str| stored.iter().all(|known| known.revision != **hash);
    hashes.filter(is_missing).map(str::to_owned).collect()
}
