//! Workloads that ask for something in Pods of others, and which Pods these are.

use std::collections::{BTreeMap, BTreeSet};

use hooked_crd::Referent;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::slim::SlimWatcher;
use crate::accounting::ledger::Unrunnable;
use crate::pass::Controlled;
use crate::watch::chains::Chains;
use crate::watch::template_hash;
use crate::workload::asked::Asked;

/// How long it is believed who controls what: something that nobody controls may be adopted.
const BELIEVED: SignedDuration = SignedDuration::from_mins(5);

/// Workloads that ask for something in Pods of others, by namespace.
#[derive(Debug, Default)]
pub(super) struct Asking {
    namespaces: BTreeMap<String, Namespace>,
    /// Those that a list which has begun has not shown yet: namespace and UID.
    unlisted: BTreeSet<(String, String)>,
}

#[derive(Debug, Default)]
struct Namespace {
    /// By UID.
    workloads: BTreeMap<String, Workload>,
    chains: Chains,
    /// Until when the chains are believed.
    until: Option<Timestamp>,
}

#[derive(Debug)]
struct Workload {
    referent: Referent,
    asked: Asked,
    /// The revisions in whose Pods the hook-runner cannot run.
    unrunnable: BTreeSet<String>,
}

/// What is asked for in a Pod.
#[derive(Debug, PartialEq)]
pub(super) enum Sought {
    /// This, which may be nothing.
    Asked(Asked),
    /// Who controls this object is to be found out first.
    Ask(OwnerReference),
}

impl Asking {
    /// A workload is there.
    pub(super) fn show(&mut self, workload: SlimWatcher) {
        let SlimWatcher { metadata, referent, asked, unrunnable } = workload;
        let key = key(&metadata);
        self.unlisted.remove(&key);
        match referent.filter(|_| !asked.is_nothing()) {
            Some(referent) => {
                let namespace = self.namespaces.entry(key.0).or_default();
                namespace.workloads.insert(key.1, Workload { referent, asked, unrunnable });
            }
            None => self.remove(&key),
        }
    }

    /// The workload is gone.
    pub(super) fn gone(&mut self, workload: &SlimWatcher) {
        self.remove(&key(&workload.metadata));
    }

    fn remove(&mut self, (namespace, uid): &(String, String)) {
        let Some(known) = self.namespaces.get_mut(namespace) else { return };
        known.workloads.remove(uid);
        if known.workloads.is_empty() {
            self.namespaces.remove(namespace);
        }
    }

    /// A complete list of the workloads of a namespace, or of all, begins.
    pub(super) fn list_begins(&mut self, namespace: Option<&str>) {
        let covered = self.namespaces.iter().filter(|(name, _)| covers(namespace, name));
        let keys =
            covered.flat_map(|(name, known)| known.workloads.keys().map(|uid| (name.clone(), uid.clone())));
        self.unlisted.extend(keys);
    }

    /// The list is complete: what it has not shown is gone.
    pub(super) fn list_ends(&mut self, namespace: Option<&str>) {
        let unlisted = std::mem::take(&mut self.unlisted);
        let (gone, others): (BTreeSet<_>, _) =
            unlisted.into_iter().partition(|(name, _)| covers(namespace, name));
        self.unlisted = others;
        for key in gone {
            self.remove(&key);
        }
    }

    /// What is asked for in a Pod of that namespace.
    pub(super) fn seek(&mut self, namespace: &str, pod: &ObjectMeta, now: Timestamp) -> Sought {
        let Some(Namespace { workloads, chains, until }) = self.namespaces.get_mut(namespace) else {
            return Sought::Asked(Asked::default());
        };
        if until.is_none_or(|until| until <= now) {
            *chains = Chains::default();
            *until = now.checked_add(BELIEVED).ok();
        }
        match chains.leading(pod, workloads.iter().map(|(uid, workload)| (uid, &workload.referent))) {
            Ok(uids) => {
                let asking = uids.iter().filter_map(|uid| workloads.get(*uid));
                let asked = Asked::of_all(asking.clone().map(|workload| &workload.asked));
                let revision = template_hash(pod);
                let cannot_run = |workload: &Workload| {
                    workload.unrunnable.len() >= Unrunnable::MOST_OF_OTHERS
                        || workload.unrunnable.contains(revision)
                };
                let cannot_run = asking.clone().any(cannot_run);
                Sought::Asked(Asked { runner: asked.runner.filter(|_| !cannot_run), ..asked })
            }
            Err(owner) => Sought::Ask(owner),
        }
    }

    /// Takes in who controls an object of the namespace.
    pub(super) fn learn(&mut self, namespace: &str, object: &OwnerReference, controlled: Controlled) {
        if let Some(known) = self.namespaces.get_mut(namespace) {
            known.chains.learn(object, controlled);
        }
    }
}

fn covers(namespace: Option<&str>, name: &str) -> bool {
    namespace.is_none_or(|only| only == name)
}

fn key(metadata: &ObjectMeta) -> (String, String) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    (text(&metadata.namespace), text(&metadata.uid))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn workload(asked: Asked) -> SlimWatcher {
        let text = |text: &str| Some(text.to_owned());
        let metadata = ObjectMeta { namespace: text("shop"), uid: text("w-1"), ..ObjectMeta::default() };
        let (api_version, kind) = ("apps/v1".to_owned(), "Deployment".to_owned());
        let referent = Some(Referent { api_version, kind, name: "web".to_owned() });
        SlimWatcher { metadata, referent, asked, unrunnable: BTreeSet::new() }
    }

    fn owner(kind: &str, name: &str) -> OwnerReference {
        OwnerReference {
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            uid: format!("{kind}-{name}"),
            controller: Some(true),
            ..OwnerReference::default()
        }
    }

    fn pod(controller: OwnerReference) -> ObjectMeta {
        ObjectMeta { owner_references: Some(vec![controller]), ..ObjectMeta::default() }
    }

    fn runner() -> Asked {
        Asked { runner: Some(Vec::new()), holds: false }
    }

    /// One workload that asks for the runner in Pods of the Deployment `web`.
    fn asking() -> Asking {
        let mut asking = Asking::default();
        asking.show(workload(runner()));
        asking
    }

    #[test]
    fn what_is_asked_for_in_a_pod_follows_from_its_chain_of_controllers() {
        let mut asking = asking();
        let (ours, others) = (owner("ReplicaSet", "web-1"), owner("ReplicaSet", "api-1"));
        assert_eq!(asking.seek("shop", &pod(ours.clone()), NOW), Sought::Ask(ours.clone()));
        asking.learn("shop", &ours, Controlled::By(owner("Deployment", "web")));
        asking.learn("shop", &others, Controlled::By(owner("Deployment", "api")));
        assert_eq!(asking.seek("shop", &pod(ours.clone()), NOW), Sought::Asked(runner()));
        for (namespace, pod) in [("shop", pod(others)), ("shop", ObjectMeta::default()), ("test", pod(ours))]
        {
            assert_eq!(
                asking.seek(namespace, &pod, NOW),
                Sought::Asked(Asked::default()),
                "{namespace} {pod:?}"
            );
        }
    }

    #[test]
    fn the_runner_comes_into_no_pod_of_a_template_in_which_it_was_seen_to_be_unable_to_run() {
        fn check(labels: &[(&str, &str)], expect: bool) {
            let mut asking = Asking::default();
            let asked = Asked { holds: true, ..runner() };
            let unrunnable = ["7f".to_owned()].into();
            asking.show(SlimWatcher { unrunnable, ..workload(asked) });
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let pod = ObjectMeta { labels: Some(labels.collect()), ..pod(owner("Deployment", "web")) };
            let Sought::Asked(asked) = asking.seek("shop", &pod, NOW) else {
                panic!("nobody is to be asked")
            };
            assert_eq!((asked.runner.is_some(), asked.holds), (expect, true), "{pod:?}");
        }
        check(&[("pod-template-hash", "7f")], false);
        check(&[("controller-revision-hash", "7f")], false);
        check(&[("pod-template-hash", "8a"), ("controller-revision-hash", "7f")], true);
        check(&[], true);
    }

    #[test]
    fn who_controls_what_is_asked_anew_after_a_while() {
        let mut asking = asking();
        let set = owner("ReplicaSet", "web-1");
        asking.seek("shop", &pod(set.clone()), NOW);
        asking.learn("shop", &set, Controlled::ByNobody);
        let later = |minutes| NOW.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        assert_eq!(asking.seek("shop", &pod(set.clone()), later(4)), Sought::Asked(Asked::default()));
        assert_eq!(asking.seek("shop", &pod(set.clone()), later(5)), Sought::Ask(set));
    }

    #[test]
    fn a_workload_asks_until_it_is_gone_whoever_says_so() {
        let pod = pod(owner("Deployment", "web"));
        let check = |asking: &mut Asking, expect: Asked, why: &str| {
            assert_eq!(asking.seek("shop", &pod, NOW), Sought::Asked(expect), "{why}");
        };
        check(&mut asking(), runner(), "it is there");
        let mut gone = asking();
        gone.gone(&workload(runner()));
        check(&mut gone, Asked::default(), "a watch says that it is gone");
        let mut changed = asking();
        changed.show(workload(Asked::default()));
        check(&mut changed, Asked::default(), "it asks for nothing more");
        let mut unlisted = asking();
        unlisted.list_begins(Some("test"));
        unlisted.list_begins(None);
        unlisted.list_ends(Some("test"));
        check(&mut unlisted, runner(), "a list has begun");
        unlisted.list_ends(None);
        check(&mut unlisted, Asked::default(), "a list has not shown it");
    }
}
