//! What tests set up to have requests refused: quotas, admission, terminating namespaces.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::failure::Failure;
use super::path::Target;
use super::store::Store;
use super::{ApiServer, meta};

/// At most so many objects of a resource in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The name of the `ResourceQuota`.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What it counts, as messages name it: `pods`, `count/replicasets.apps`.
    pub counts: String,
    /// How many there may be.
    pub limit: usize,
}

/// What a request does, as admission sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// A new object.
    Create,
    /// A PUT or a PATCH, of subresources too.
    Update,
    /// A delete.
    Delete,
}

/// A rule by which admission refuses requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The plural name of the resource; empty for all.
    pub resource: String,
    /// The namespace; empty for all.
    pub namespace: String,
    /// What is refused; none for everything.
    pub verb: Option<Verb>,
    /// Only objects whose name begins so.
    pub name_prefix: String,
    /// Only objects with these labels.
    pub labels: BTreeMap<String, String>,
    /// The status code of the answer.
    pub code: u16,
    /// The reason of the answer, such as `Forbidden`.
    pub reason: String,
    /// The message of the answer. `{name}` stands for the object's name.
    pub message: String,
}

impl Refusal {
    /// A webhook that refuses a resource's requests with a message of its own.
    pub fn denied(webhook: &str, resource: &str, verb: Option<Verb>, message: &str) -> Self {
        let message = format!("admission webhook {webhook:?} denied the request: {message}");
        Self::of(resource, verb, (403, "Forbidden"), message)
    }

    /// A webhook that the API server cannot reach, and must not go on without.
    pub fn webhook_down(webhook: &str, resource: &str, verb: Option<Verb>) -> Self {
        let message = format!(
            "Internal error occurred: failed calling webhook {webhook:?}: failed to call webhook: Post \
             \"https://webhook.default.svc:443/?timeout=10s\": dial tcp 10.96.0.10:443: connect: connection refused"
        );
        Self::of(resource, verb, (500, "InternalError"), message)
    }

    fn of(resource: &str, verb: Option<Verb>, (code, reason): (u16, &str), message: String) -> Self {
        Self {
            resource: resource.to_owned(),
            namespace: String::new(),
            verb,
            name_prefix: String::new(),
            labels: BTreeMap::new(),
            code,
            reason: reason.to_owned(),
            message,
        }
    }

    fn meets(&self, target: &Target<'_>, verb: Verb, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        (self.resource.is_empty() || self.resource == target.kind().plural)
            && (self.namespace.is_empty() || self.namespace == target.namespace)
            && self.verb.is_none_or(|one| one == verb)
            && meta::text(object, "name").starts_with(&self.name_prefix)
            && self.labels.iter().all(|(key, value)| labels[key] == **value)
    }
}

/// All policies of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Policies {
    quotas: Vec<Quota>,
    refusals: Vec<Refusal>,
    terminating: BTreeSet<String>,
}

impl ApiServer {
    /// The quotas that new objects must fit in; the list can be changed at any time.
    pub fn quotas(&mut self) -> &mut Vec<Quota> {
        &mut self.policies.quotas
    }

    /// The rules of admission; the list can be changed at any time.
    pub fn refusals(&mut self) -> &mut Vec<Refusal> {
        &mut self.policies.refusals
    }

    /// The namespaces in which nothing can be created any more; the set can be changed at any time.
    pub fn terminating_namespaces(&mut self) -> &mut BTreeSet<String> {
        &mut self.policies.terminating
    }
}

impl Policies {
    /// Whether admission lets a request pass.
    pub(super) fn admit(&self, target: &Target<'_>, verb: Verb, object: &Value) -> Result<(), Failure> {
        let Some(refusal) = self.refusals.iter().find(|refusal| refusal.meets(target, verb, object)) else {
            return Ok(());
        };
        let message = refusal.message.replace("{name}", meta::text(object, "name"));
        Err(Failure::other(refusal.code, &refusal.reason, &message))
    }

    /// Whether the namespace takes new objects.
    pub(super) fn namespace(&self, target: &Target<'_>, name: &str) -> Result<(), Failure> {
        let namespace = target.namespace;
        if !self.terminating.contains(namespace) {
            return Ok(());
        }
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut failure = Failure::forbidden(target.kind(), name, &why);
        let message = format!("namespace {namespace} is being terminated");
        failure.details["causes"] =
            json!([{"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}]);
        Err(failure)
    }

    /// Whether one more object fits in.
    pub(super) fn room(&self, target: &Target<'_>, name: &str, store: &Store) -> Result<(), Failure> {
        let (kind, namespace) = (target.kind(), target.namespace);
        let counted = |counts: &str| {
            counts == kind.qualified()
                || counts.strip_prefix("count/").is_some_and(|rest| rest == kind.qualified())
        };
        for quota in self.quotas.iter().filter(|quota| quota.namespace == namespace && counted(&quota.counts))
        {
            let used = used(target, store);
            if used >= quota.limit {
                let Quota { name: of, counts, limit, .. } = quota;
                let why = format!(
                    "exceeded quota: {of}, requested: {counts}=1, used: {counts}={used}, limited: {counts}={limit}"
                );
                return Err(Failure::forbidden(kind, name, &why));
            }
        }
        Ok(())
    }
}

/// Pods that have ended take no room.
fn used(target: &Target<'_>, store: &Store) -> usize {
    if target.kind().kind != "Pod" {
        return store.len(target.resource, target.namespace);
    }
    let takes_room = |pod: &Value| !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    store.range(target.resource, target.namespace, "").filter(|(_, pod)| takes_room(pod)).count()
}
