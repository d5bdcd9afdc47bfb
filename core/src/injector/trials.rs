//! In which manner the API server takes Pods of others with what is wanted in them, as dry runs have shown.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::manner::{Manner, Wanted};
use crate::watch::chains::controller;
use crate::watch::template_hash;

/// How long it is believed in which manner Pods are taken: policies may be changed meanwhile.
const BELIEVED: SignedDuration = SignedDuration::from_mins(5);
/// How long it is believed that they are taken in none: a quota may be full at the moment.
const REFUSED: SignedDuration = SignedDuration::from_secs(15);
/// Controllers that are remembered: Jobs come and go.
const MOST: usize = 4096;
/// The most bytes of a label's value (`apimachinery/pkg/util/validation`).
const LONGEST_LABEL: usize = 63;
/// The name of a Pod that is only asked about.
const NAME: &str = "hooked-injector-check";

/// The fields of a Pod's spec, and of its containers, that policies look at. Names of volumes differ from Pod to Pod.
const OF_SPEC: [&str; 6] =
    ["securityContext", "serviceAccountName", "runtimeClassName", "hostNetwork", "hostPID", "hostUsers"];
const OF_CONTAINERS: [&str; 3] = ["name", "image", "securityContext"];

/// What Pods are alike: those of one controller that are of one template, and of which the same is wanted. Whoever
/// makes a Pod writes what they like into its references, so that what policies look at counts too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kindred {
    namespace: String,
    controller: String,
    template: String,
    essence: u64,
    wanted: [bool; 2],
}

/// What the API server says to Pods with what is wanted in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It takes them in this manner.
    As(Manner),
    /// It takes them in no manner, or nobody knows.
    InNone,
}

/// What the API server says, as far as it was asked, and until when that is believed.
#[derive(Debug, Default)]
pub(super) struct Trials(BTreeMap<Kindred, (Taken, Timestamp)>);

impl Kindred {
    /// That of a Pod of a namespace, with its spec; none if nobody controls it.
    pub(super) fn of(namespace: &str, (pod, spec): (&ObjectMeta, &Value), wanted: &Wanted) -> Option<Self> {
        // One that is no label's keeps the API server from creating the Pod, and is not remembered.
        let template = Some(template_hash(pod)).filter(|hash| hash.len() <= LONGEST_LABEL);
        Some(Self {
            namespace: namespace.to_owned(),
            controller: controller(pod)?.uid.clone(),
            template: template.unwrap_or_default().to_owned(),
            essence: essence(spec),
            wanted: wanted.parts(),
        })
    }
}

/// A hash of what policies look at.
fn essence(spec: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    for field in OF_SPEC {
        spec[field].to_string().hash(&mut hasher);
    }
    for list in ["initContainers", "containers"] {
        for container in spec[list].as_array().into_iter().flatten() {
            list.hash(&mut hasher);
            for field in OF_CONTAINERS {
                container[field].to_string().hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}

impl Trials {
    /// What the API server says to Pods like that; none if that is to be asked.
    pub(super) fn known(&self, kindred: &Kindred, now: Timestamp) -> Option<Taken> {
        self.0.get(kindred).filter(|(_, until)| now < *until).map(|(taken, _)| *taken)
    }

    /// The API server has not said anything in time. What it has said before is believed for a while longer.
    pub(super) fn went_unanswered(&mut self, kindred: &Kindred, now: Timestamp) {
        let until = now.checked_add(REFUSED).unwrap_or(now);
        match self.0.get_mut(kindred) {
            Some((Taken::As(_), known_until)) => *known_until = until,
            _ => self.learn(kindred.clone(), Taken::InNone, now),
        }
    }

    /// Takes in what the API server has said.
    pub(super) fn learn(&mut self, kindred: Kindred, taken: Taken, now: Timestamp) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let believed = if taken == Taken::InNone { REFUSED } else { BELIEVED };
        self.0.insert(kindred, (taken, now.checked_add(believed).unwrap_or(now)));
    }
}

/// A Pod that is only asked about: it is nobody's, so that nobody, this injector least of all, takes it for one of
/// theirs.
pub(super) fn question(pod: &Value) -> Value {
    let mut question = pod.clone();
    if let Some(metadata) = question["metadata"].as_object_mut() {
        let kept = |field: &str| matches!(field, "labels" | "annotations" | "finalizers");
        metadata.retain(|field, _| kept(field));
        metadata.insert("name".to_owned(), json!(NAME));
    }
    if let Some(pod) = question.as_object_mut() {
        pod.remove("status");
    }
    question
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: Manner = Manner { runner: None, is_held: true };

    fn pod(labels: &Value) -> Value {
        json!({
            "metadata": {"generateName": "web-", "labels": labels, "finalizers": ["theirs"],
                         "ownerReferences": [{"uid": "other"}, {"uid": "set-1", "controller": true}]},
            "spec": {"containers": []}, "status": {},
        })
    }

    fn kindred(namespace: &str, pod: &Value) -> Option<Kindred> {
        let metadata = serde_json::from_value(pod["metadata"].clone()).unwrap();
        Kindred::of(namespace, (&metadata, &pod["spec"]), &Wanted::held())
    }

    #[test]
    fn pods_of_one_template_are_asked_about_once_for_a_while() {
        let (now, later) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        let kindred = |hash: &str| kindred("shop", &pod(&json!({"controller-revision-hash": hash}))).unwrap();
        let mut trials = Trials::default();
        assert_eq!(trials.known(&kindred("a"), now), None);
        trials.learn(kindred("a"), Taken::As(HELD), now);
        trials.learn(kindred("b"), Taken::InNone, now);
        assert_eq!(trials.known(&kindred("a"), later), Some(Taken::As(HELD)));
        assert_eq!(
            (trials.known(&kindred("b"), now), trials.known(&kindred("b"), later)),
            (Some(Taken::InNone), None)
        );
        assert_eq!(trials.known(&kindred("a"), Timestamp::from_second(300).unwrap()), None);
    }

    #[test]
    fn where_nobody_answers_it_is_believed_what_was_said_before() {
        let (now, later) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(400).unwrap());
        let known = kindred("shop", &pod(&json!({"pod-template-hash": "1"}))).unwrap();
        let other = kindred("shop", &pod(&json!({"pod-template-hash": "2"}))).unwrap();
        let mut trials = Trials::default();
        trials.learn(known.clone(), Taken::As(HELD), now);
        for kindred in [&known, &other] {
            assert_eq!(trials.known(kindred, later), None);
            trials.went_unanswered(kindred, later);
        }
        assert_eq!(trials.known(&known, later), Some(Taken::As(HELD)));
        assert_eq!(trials.known(&other, later), Some(Taken::InNone));
        assert_eq!(trials.known(&known, Timestamp::from_second(415).unwrap()), None);
    }

    #[test]
    fn pods_are_alike_that_policies_cannot_tell_apart() {
        let bare = pod(&json!({"pod-template-hash": "1"}));
        assert_eq!(kindred("shop", &json!({"metadata": {}})), None);
        let check = |pointer: &str, value: Value, expect: bool| {
            let mut other = bare.clone();
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            other.pointer_mut(parent).unwrap()[field] = value;
            assert_eq!(kindred("shop", &bare) == kindred("shop", &other), expect, "{other}");
        };
        check("/metadata/name", json!("web-1"), true);
        check("/spec/hostname", json!("web-1"), true);
        check("/spec/volumes", json!([{"name": "kube-api-access-x"}]), true);
        check("/spec/securityContext", json!({"runAsUser": 0}), false);
        check("/spec/containers", json!([{"name": "web", "image": "other"}]), false);
        assert_ne!(kindred("shop", &bare), kindred("other", &bare));
    }

    #[test]
    fn a_pod_that_is_only_asked_about_is_nobodys() {
        let question = question(&pod(&json!({"app": "web"})));
        let metadata = json!({"name": NAME, "labels": {"app": "web"}, "finalizers": ["theirs"]});
        assert_eq!(question["metadata"], metadata);
        assert_eq!(question["spec"], json!({"containers": []}));
        assert!(question["status"].is_null());
    }
}
