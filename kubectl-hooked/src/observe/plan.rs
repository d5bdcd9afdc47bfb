//! What is to be watched, and what no longer.

use std::collections::BTreeSet;

use hooked_crd::{HookedWorkload, HookedWorkloadSpec, Referent};
use kube::ResourceExt;

use super::kinds::Known;

/// The label of what this command has made, and its value: only that is removed.
const MADE_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kubectl-hooked-observe");

/// What is to be done, and what is to be known.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) notes: Vec<String>,
}

/// Something to be done, or that is so already.
#[derive(Debug)]
pub(super) enum Step {
    /// It is watched.
    Keep { name: String, referent: Referent },
    /// It is to be watched.
    Create(Box<HookedWorkload>),
    /// It is gone.
    Remove { name: String, uid: String, referent: Referent },
}

impl Step {
    /// What is to be created.
    pub(super) fn manifest(&self) -> Option<&HookedWorkload> {
        match self {
            Self::Create(manifest) => Some(manifest),
            Self::Keep { .. } | Self::Remove { .. } => None,
        }
    }
}

/// The objects of a kind in the namespace: their names, and whether something controls them.
pub(super) struct Listed {
    pub(super) kind: Known,
    /// Or why they could not be listed.
    pub(super) objects: Result<Vec<(String, bool)>, String>,
}

/// A HookedWorkload that watches another workload.
pub(super) fn watching(name: &str, referent: Referent) -> HookedWorkload {
    let spec = HookedWorkloadSpec { workload_ref: Some(referent), ..HookedWorkloadSpec::default() };
    let mut made = HookedWorkload::new(name, spec);
    let (label, value) = MADE_BY;
    made.labels_mut().insert(label.to_owned(), value.to_owned());
    made
}

/// The HookedWorkload that watches that workload, if one does. Versions of a kind are the same objects.
pub(super) fn watched_by(referent: &Referent, known: &[HookedWorkload]) -> Option<String> {
    let mut watching = known.iter().filter(|workload| {
        workload.spec.workload_ref.as_ref().is_some_and(|watched| is_same(watched, referent))
    });
    watching.next().map(ResourceExt::name_any)
}

fn is_same(one: &Referent, other: &Referent) -> bool {
    let group = |api_version: &str| api_version.split_once('/').map(|(group, _)| group.to_owned());
    one.name == other.name && one.kind == other.kind && group(&one.api_version) == group(&other.api_version)
}

/// Everything that was listed is watched, and what this command had watched and is gone is not. Of kinds that could not
/// be listed nothing is known, and nothing is changed.
pub(super) fn plan(listed: &[Listed], known: &[HookedWorkload]) -> Plan {
    let mut plan = Plan::default();
    let mut names: BTreeSet<String> = known.iter().map(ResourceExt::name_any).collect();
    for Listed { kind, objects } in listed {
        let objects = match objects {
            Ok(objects) => objects,
            Err(why) => {
                plan.notes.push(format!("{} are left as they are: {why}", kind.qualified()));
                continue;
            }
        };
        let wanted = objects.iter().filter(|(_, is_controlled)| !(kind.only_uncontrolled && *is_controlled));
        for (name, _) in wanted {
            let referent = kind.referent(name);
            if watched_by(&referent, known).is_some() {
                continue;
            }
            let name = free(&names, name, &kind.kind);
            names.insert(name.clone());
            plan.steps.push(Step::Create(Box::new(watching(&name, referent))));
        }
        let gone = known.iter().filter_map(|workload| gone(workload, kind, objects));
        plan.steps.extend(gone);
    }
    plan
}

/// A name that none has: that of the workload, or with its kind behind it.
fn free(taken: &BTreeSet<String>, name: &str, kind: &str) -> String {
    let with_kind = format!("{name}-{}", kind.to_lowercase());
    let numbered = (2..).map(|number: u32| format!("{with_kind}-{number}"));
    let mut names = [name.to_owned(), with_kind.clone()].into_iter().chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or(with_kind)
}

fn gone(workload: &HookedWorkload, kind: &Known, objects: &[(String, bool)]) -> Option<Step> {
    let referent = workload.spec.workload_ref.clone()?;
    let (label, value) = MADE_BY;
    let is_ours = workload.labels().get(label).is_some_and(|known| known == value);
    let is_of_kind = is_same(&referent, &kind.referent(&referent.name));
    let is_there = objects.iter().any(|(name, _)| *name == referent.name);
    let uid = workload.uid()?;
    (is_ours && is_of_kind && !is_there).then(|| Step::Remove { name: workload.name_any(), uid, referent })
}
