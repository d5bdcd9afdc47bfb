//! Revisions: a template and all else that decides about its Pods, under a name made of their content.

mod earlier;
mod essence;
mod handed_over;
mod hash;
mod history;
mod rollback;

use std::sync::Arc;

use hooked_crd::{HandlerKind, HookPolicy, HooksSpec, Measurement};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::accounting::ledger::Unrunnable;
use crate::lifecycle::{PodShape, PodSpec};
use crate::short_hash::short_hash;
use crate::workload::template::{Owner, Runner, give_up, has_exec_hooks, inject};

pub use earlier::{NoEarlier, Present, earlier};
pub use handed_over::handed_over;
pub use history::{Stored, expendable, newest, same};
pub use rollback::{ask_no_rollback, rollback};

/// What the name of an object may have at most, in bytes.
const MAX_NAME: usize = 253;

/// The part of `spec.hooks` that decides about Pods: a change of it is rolled out as one of the template is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PodHooks {
    /// Where the truth about hook runs is asked to come from.
    #[serde(default)]
    pub measurement: Measurement,
    /// Timeouts, retries and failure handling asked for.
    #[serde(default)]
    pub policies: Vec<HookPolicy>,
}

impl PodHooks {
    /// What of a workload's hooks decides about its Pods.
    pub(super) fn of_spec(hooks: Option<&HooksSpec>) -> Self {
        let hooks = hooks.cloned().unwrap_or_default();
        Self {
            measurement: hooks.measurement.unwrap_or_default(),
            policies: hooks.policies.unwrap_or_default(),
        }
    }

    /// As it is stored with a revision; null where nothing is asked for.
    fn to_value(&self) -> Value {
        if *self == Self::default() { Value::Null } else { serde_json::to_value(self).unwrap_or_default() }
    }
}

/// A template, and how the hooks of its Pods are run.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Its name: the hash of the rest.
    pub name: Arc<str>,
    /// The Pod template without null fields and without defaults that the definition adds.
    pub template: Value,
    /// How the hooks of its Pods are run and measured.
    pub hooks: PodHooks,
    /// The hooks and probes of the template's containers.
    pub shape: PodShape,
}

impl Revision {
    /// The revision of a template as a user writes it. An error if the template is not what a Pod's is.
    pub fn of_template(
        template: &Value,
        hooks: PodHooks,
        collision_count: i32,
    ) -> Result<Self, serde_json::Error> {
        let template = hash::canonical(template);
        let name = hash::of_template(&template, &hooks.to_value(), collision_count).into();
        let shape = PodShape::of(&PodSpec::deserialize(&template["spec"])?);
        Ok(Self { name, template, hooks, shape })
    }

    /// The revision of that name as [`Self::data`] was stored.
    pub fn of_data(name: &str, data: &Value) -> Result<Self, serde_json::Error> {
        let hooks = PodHooks::deserialize(&data["hooks"]).unwrap_or_default();
        let template = data["template"].clone();
        let shape = PodShape::of(&PodSpec::deserialize(&template["spec"])?);
        Ok(Self { name: name.into(), template, hooks, shape })
    }

    /// All that decides about the Pods of the revision, as it is stored.
    pub fn data(&self) -> Value {
        let mut data = json!({"template": self.template});
        let hooks = self.hooks.to_value();
        if !hooks.is_null() {
            data["hooks"] = hooks;
        }
        data
    }

    /// A fingerprint of what no defaulting touches: where it differs, the Pods do.
    pub fn essence(&self) -> u64 {
        essence::essence(&self.data())
    }

    /// Pods of the revision as the template has them, but for what the cluster autoscaler is told: their hooks are
    /// observed.
    pub fn as_written(&self, measuring: Measuring) -> PodSource {
        let mut template = self.template.clone();
        give_up(&mut template, &[]);
        PodSource { template, measuring }
    }

    /// Whether a hook of the revision is to run under the runner.
    pub fn wants_runner(&self) -> bool {
        self.hooks.measurement == Measurement::Runner && has_exec_hooks(&self.template["spec"])
    }

    /// Pods of the revision with the runner in front of their exec hooks, if that is asked for and there are such.
    pub fn with_runner(&self, runner: &Runner) -> PodSource {
        if self.hooks.measurement == Measurement::Observe {
            return self.as_written(Measuring::Observed);
        }
        match inject(&self.template, runner, &self.hooks.policies) {
            Some(template) => PodSource { template, measuring: Measuring::Runner },
            None => self.as_written(Measuring::Observed),
        }
    }
}

/// A fingerprint of what [`Revision::data`] gives, by which two are known to be the same.
pub fn fingerprint(data: &Value) -> u64 {
    hash::digest(&hash::canonical(data))
}

/// What Pods of a revision are made from.
#[derive(Clone, Debug, PartialEq)]
pub struct PodSource {
    /// The template, with the runner where the runner is in force.
    pub template: Value,
    /// What became of the wish to measure their hooks by the runner.
    pub measuring: Measuring,
}

/// What became of the wish to measure hooks by the runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measuring {
    /// Hooks are observed, as was asked, or there is no exec hook to measure.
    Observed,
    /// Exec hooks run under the runner.
    Runner,
    /// Hooks are observed though the runner was asked for, for this reason.
    Unavailable(String),
    /// Hooks are observed though the runner was asked for, since it cannot run: a Pod has shown that.
    CannotRun(Unrunnable),
}

impl Measuring {
    /// Whether hooks of that handler run under the runner.
    pub fn measures(&self, handler: HandlerKind) -> bool {
        *self == Self::Runner && handler == HandlerKind::Exec
    }
}

/// The name of the ControllerRevision that holds a revision of a workload.
pub fn object_name(owner: &Owner, revision: &str) -> String {
    let name = format!("{}-{revision}", owner.name);
    if name.len() <= MAX_NAME {
        return name;
    }
    // Two long names that are cut alike are told apart by what comes after.
    let suffix = format!("-{revision}-{}", short_hash(&[&owner.uid], 6));
    let base = owner.name.get(..MAX_NAME - suffix.len()).unwrap_or_default().trim_end_matches(['-', '.']);
    format!("{base}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::template::Delivery;

    #[test]
    fn the_name_of_a_revisions_object_is_allowed_and_its_own() {
        let name = |uid: &str, length| {
            let owner = Owner { name: "a".repeat(length), uid: uid.to_owned() };
            object_name(&owner, "6c9fbdtzkw")
        };
        assert_eq!(name("u-1", 3), "aaa-6c9fbdtzkw");
        assert_eq!(name("u-1", 253).len(), MAX_NAME);
        assert_ne!(name("u-1", 253), name("u-2", 253));
    }

    #[test]
    fn a_field_that_no_schema_knows_is_part_of_the_revision_and_reaches_the_pod() {
        let (hook, runner) =
            (json!({"exec": {"command": ["true"]}}), Runner::new("hooked".to_owned(), Delivery::ImageVolume));
        let template = |is_new: bool| {
            let mut template = json!({"spec": {"containers": [{
                "name": "web", "lifecycle": {"preStop": hook, "newer": {"deep": [1]}}, "newer": "a",
            }], "newer": {"b": true}}});
            if !is_new {
                template["spec"]["newer"] = Value::Null;
            }
            template
        };
        let revision = |is_new| Revision::of_template(&template(is_new), PodHooks::default(), 0).unwrap();
        assert_ne!(revision(true).name, revision(false).name);
        let made = revision(true).with_runner(&runner);
        assert_eq!(made.measuring, Measuring::Runner);
        assert_eq!(made.template["spec"]["newer"], json!({"b": true}));
        let web = &made.template["spec"]["containers"][0];
        assert_eq!((&web["newer"], &web["lifecycle"]["newer"]), (&json!("a"), &json!({"deep": [1]})));
    }

    #[test]
    fn a_revision_is_read_back_as_it_was_stored() {
        let template = json!({"spec": {"containers": [{"name": "web", "command": null}]}});
        let hooks = PodHooks { measurement: Measurement::Observe, policies: Vec::new() };
        let revision = Revision::of_template(&template, hooks, 0).unwrap();
        assert_eq!(Revision::of_data(&revision.name, &revision.data()).unwrap(), revision);
    }
}
