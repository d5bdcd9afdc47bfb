//! Who controls what controls Pods: chains of owner references, such as from a Pod by its ReplicaSet to a Deployment.

use std::collections::{BTreeMap, BTreeSet};

use hooked_crd::Referent;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::pass::Controlled;

/// The longest chain that is followed: whoever makes objects may make them own each other.
const LONGEST: usize = 8;
/// The most bytes of a name, a kind, or a group and version (`apimachinery/pkg/util/validation`), and more than a UID
/// has.
const LONGEST_WORD: usize = 320;
/// What Kubernetes itself puts at the end of a chain: other controllers may own these.
const LAST: [(&str, &str); 5] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "CronJob"),
    ("v1", "ReplicationController"),
];
/// What Kubernetes itself puts below these.
const BELOW: [(&str, &str); 2] = [("apps/v1", "ReplicaSet"), ("batch/v1", "Job")];
/// Objects that are remembered in a namespace. Each rollout makes one more, and a new list asks for those that matter.
const MOST: usize = 4096;

/// Who controls what controls Pods of one namespace, as far as was asked.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    /// By what is controlled.
    controllers: BTreeMap<Key, Controlled>,
    /// What Pods have led to since a list has begun.
    used: BTreeSet<Key>,
}

/// An object as a reference names it. Whoever makes an object writes what they like into its references: what is found
/// out of one that is wrong must say nothing of the one that is right.
type Key = [String; 4];

/// What a chain leads to.
#[derive(Clone, Debug, PartialEq)]
enum Climbed {
    /// These, from the Pod's controller on.
    To(Vec<OwnerReference>),
    /// Who controls this one is to be asked first.
    Ask(OwnerReference),
}

impl Chains {
    /// Follows the chain that begins with a Pod's controller; past what Kubernetes itself puts at the end of a chain
    /// only if somebody asks for more (`beyond`).
    fn climb(&mut self, controller: &OwnerReference, beyond: bool) -> Climbed {
        let mut chain = vec![controller.clone()];
        while let Some(last) = chain.last().filter(|_| chain.len() < LONGEST) {
            if !beyond && LAST.contains(&(&*last.api_version, &*last.kind)) {
                break;
            }
            let key = key(last);
            match self.controllers.get(&key) {
                None => return Climbed::Ask(last.clone()),
                Some(known) => {
                    self.used.insert(key);
                    let Controlled::By(next) = known else { break };
                    chain.push(next.clone());
                }
            }
        }
        Climbed::To(chain)
    }

    /// Takes in who controls the object.
    pub(crate) fn learn(&mut self, object: &OwnerReference, controlled: Controlled) {
        if self.controllers.len() >= MOST {
            self.controllers.clear();
        }
        let controlled = match controlled {
            Controlled::By(owner) if !is_plausible(&owner) => Controlled::ByNobody,
            controlled => controlled,
        };
        self.controllers.insert(key(object), controlled);
    }

    /// Whether the chain that begins with a Pod's controller ends with what could not be read, as far as is known.
    pub(crate) fn ends_unread(&self, pod: &ObjectMeta) -> bool {
        let known = |owner: &OwnerReference| self.controllers.get(&key(owner));
        let mut last = controller(pod).and_then(known);
        for _ in 0..LONGEST {
            let Some(Controlled::By(owner)) = last else { break };
            last = known(owner);
        }
        last == Some(&Controlled::Unreadable)
    }

    /// A complete list begins. That something is controlled by nobody, or cannot be read, may have changed since it was
    /// asked: it is asked anew.
    pub(crate) fn list_begins(&mut self) {
        self.used.clear();
        self.controllers.retain(|_, known| matches!(known, Controlled::By(_)));
    }

    /// The list is complete: forgets what no Pod leads to.
    pub(crate) fn list_ends(&mut self) {
        self.controllers.retain(|key, _| self.used.contains(key));
    }
}

impl Chains {
    /// Which of these workloads, by what they name, the chain leads to that begins with a Pod's controller; or whose
    /// controller must be known to say so.
    pub(crate) fn leading<'a, K>(
        &mut self,
        pod: &ObjectMeta,
        named: impl Iterator<Item = (K, &'a Referent)> + Clone,
    ) -> Result<Vec<K>, OwnerReference> {
        let Some(controller) = controller(pod) else { return Ok(Vec::new()) };
        let beyond = named.clone().any(|(_, referent)| is_beyond(referent));
        match self.climb(controller, beyond) {
            Climbed::To(chain) => {
                let leads_to = |referent: &Referent| chain.iter().any(|owner| is(owner, referent));
                Ok(named.filter(|(_, referent)| leads_to(referent)).map(|(key, _)| key).collect())
            }
            Climbed::Ask(owner) => Err(owner),
        }
    }
}

/// What controls a Pod; nobody, if what is named cannot be.
pub(crate) fn controller(pod: &ObjectMeta) -> Option<&OwnerReference> {
    let mut owners = pod.owner_references.iter().flatten();
    owners.find(|owner| owner.controller == Some(true)).filter(|owner| is_plausible(owner))
}

/// Whether an object of such names may be: the API server looks at those of references hardly at all, and they are
/// remembered.
fn is_plausible(owner: &OwnerReference) -> bool {
    key(owner).iter().all(|word| word.len() <= LONGEST_WORD)
}

fn key(OwnerReference { uid, api_version, kind, name, .. }: &OwnerReference) -> Key {
    [uid, api_version, kind, name].map(Clone::clone)
}

/// Whether a workload of that kind may own what Kubernetes itself puts at the end of a chain.
fn is_beyond(referent: &Referent) -> bool {
    let named = (&*referent.api_version, &*referent.kind);
    !LAST.contains(&named) && !BELOW.contains(&named)
}

/// Whether the object is the one that is named, of whatever version of its group.
fn is(owner: &OwnerReference, referent: &Referent) -> bool {
    let group =
        |version: &str| version.rsplit_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default();
    owner.kind == referent.kind
        && owner.name == referent.name
        && group(&owner.api_version) == group(&referent.api_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(kind: &str, name: &str) -> OwnerReference {
        OwnerReference {
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            uid: format!("{kind}-{name}"),
            ..OwnerReference::default()
        }
    }

    #[test]
    fn a_chain_is_followed_as_far_as_is_known_and_asked_on_from_there() {
        let mut chains = Chains::default();
        let (set, deployment) = (owner("ReplicaSet", "web-1"), owner("Deployment", "web"));
        assert_eq!(chains.climb(&set, false), Climbed::Ask(set.clone()));
        chains.learn(&set, Controlled::By(deployment.clone()));
        let both = Climbed::To(vec![set.clone(), deployment.clone()]);
        assert_eq!(chains.climb(&set, false), both, "nobody asks who owns a Deployment");
        assert_eq!(chains.climb(&set, true), Climbed::Ask(deployment.clone()));
        chains.learn(&deployment, Controlled::ByNobody);
        assert_eq!(chains.climb(&set, true), both);
    }

    #[test]
    fn a_kind_that_kubernetes_does_not_know_may_own_what_it_knows() {
        let named = |api_version: &str, kind: &str| {
            let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
            is_beyond(&Referent { api_version, kind, name: "web".to_owned() })
        };
        assert!(
            !named("apps/v1", "Deployment") && !named("apps/v1", "ReplicaSet") && !named("batch/v1", "Job")
        );
        assert!(named("argoproj.io/v1alpha1", "Rollout") && named("example.org/v1", "Deployment"));
    }

    #[test]
    fn what_a_wrong_reference_leads_to_says_nothing_of_the_right_one_and_none_is_remembered_that_cannot_be() {
        let (set, web) = (owner("ReplicaSet", "web-1"), owner("Deployment", "web"));
        let pod = |controller: &OwnerReference| {
            let controller = OwnerReference { controller: Some(true), ..controller.clone() };
            ObjectMeta { owner_references: Some(vec![controller]), ..ObjectMeta::default() }
        };
        let (api_version, kind, name) = (web.api_version.clone(), web.kind.clone(), web.name.clone());
        let referent = Referent { api_version, kind, name };
        let mut chains = Chains::default();
        let leading = |chains: &mut Chains, set: &OwnerReference| {
            chains.leading(&pod(set), [("w", &referent)].into_iter())
        };
        chains.learn(&OwnerReference { name: "none".to_owned(), ..set.clone() }, Controlled::ByNobody);
        chains.learn(&set, Controlled::By(web));
        assert_eq!(leading(&mut chains, &set), Ok(vec!["w"]));
        let endless = OwnerReference { uid: "u".repeat(4096), ..set.clone() };
        assert_eq!(leading(&mut chains, &endless), Ok(Vec::new()), "nobody is asked about it");
        assert!(!chains.ends_unread(&pod(&set)));
        chains.learn(&set, Controlled::Unreadable);
        assert!(chains.ends_unread(&pod(&set)));
    }

    #[test]
    fn objects_that_own_each_other_are_followed_no_further_than_makes_sense() {
        let mut chains = Chains::default();
        let (one, other) = (owner("A", "a"), owner("B", "b"));
        chains.learn(&one, Controlled::By(other.clone()));
        chains.learn(&other, Controlled::By(one.clone()));
        let Climbed::To(chain) = chains.climb(&one, true) else { panic!("all is known") };
        assert_eq!(chain.len(), LONGEST);
    }

    #[test]
    fn what_no_pod_leads_to_is_forgotten_with_the_next_list() {
        let mut chains = Chains::default();
        let (used, unused) = (owner("ReplicaSet", "new"), owner("ReplicaSet", "old"));
        let web = owner("Deployment", "web");
        for set in [&used, &unused] {
            chains.learn(set, Controlled::By(web.clone()));
        }
        chains.climb(&unused, false);
        chains.list_begins();
        chains.climb(&used, false);
        chains.list_ends();
        assert_eq!(chains.climb(&unused, false), Climbed::Ask(unused));
        assert_eq!(chains.climb(&used, false), Climbed::To(vec![used, web]));
    }

    #[test]
    fn what_was_controlled_by_nobody_is_asked_about_anew_with_the_next_list() {
        for known in [Controlled::ByNobody, Controlled::Unreadable] {
            let (mut chains, set) = (Chains::default(), owner("ReplicaSet", "new"));
            chains.learn(&set, known);
            assert_eq!(chains.climb(&set, false), Climbed::To(vec![set.clone()]));
            chains.list_begins();
            assert_eq!(chains.climb(&set, false), Climbed::Ask(set));
        }
    }

    #[test]
    fn a_workload_is_known_by_group_kind_and_name_whatever_the_version() {
        let named = |api_version: &str, kind: &str, name: &str| Referent {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        };
        let web = owner("Deployment", "web");
        assert!(is(&web, &named("apps/v1", "Deployment", "web")));
        assert!(is(&web, &named("apps/v2", "Deployment", "web")));
        assert!(!is(&web, &named("apps.example.org/v1", "Deployment", "web")));
        assert!(!is(&web, &named("apps/v1", "StatefulSet", "web")));
        assert!(!is(&web, &named("apps/v1", "Deployment", "api")));
    }
}
