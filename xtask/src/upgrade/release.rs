//! A release: its definition, its other manifests and its image, brought into the cluster one by one.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hooked_cluster::{Progress, Target};
use serde_json::{Value, json};

use super::predecessor::Predecessor;
use crate::image;
use crate::install::{OPERATOR, SYSTEM};
use crate::kubectl::Kubectl;

/// The definition, below the folder of a release's manifests.
const DEFINITION: &str = "crd/hooked.dev_hookedworkloads.yaml";

/// What is installed of one revision.
pub(super) struct Release {
    /// As it is told.
    pub(super) name: &'static str,
    config: PathBuf,
    archive: PathBuf,
}

impl Release {
    /// The one before this.
    pub(super) fn of_predecessor(predecessor: &Predecessor, progress: &Progress) -> Result<Self> {
        let source = predecessor.check_out()?;
        let archive = predecessor.image(&source, progress)?;
        Ok(Self { name: "the predecessor", config: source.join("config"), archive })
    }

    /// What is in this tree.
    pub(super) fn of_tree(progress: &Progress) -> Result<Self> {
        progress.say("building this tree's image");
        let config = image::workspace()?.join("config");
        Ok(Self { name: "this release", config, archive: image::build()? })
    }

    /// `kubectl apply` of its definition alone.
    pub(super) fn apply_definition(&self, kubectl: &Kubectl) -> Result<()> {
        kubectl.run(&["apply", "-f", &self.config.join(DEFINITION).display().to_string()])?;
        let established =
            ["wait", "--for=condition=Established", "crd/hookedworkloads.hooked.dev", "--timeout=5s"];
        // Of a definition that has no condition yet kubectl says that it cannot be waited for.
        kubectl.wait_until("the definition is served", Duration::from_secs(60), || {
            Ok(kubectl.succeeds(&established))
        })
    }

    /// Has its operator run in place of the one that does, and returns when it is rolled out. The definition stays.
    pub(super) fn run_operator(&self, target: &Target, kubectl: &Kubectl) -> Result<()> {
        // The image's name is the same for all: who starts from now on finds this one.
        target.load(&self.archive)?;
        let installed = kubectl.succeeds(&["-n", SYSTEM, "get", OPERATOR]);
        for object in self.all_but_definition(target.kubectl()?)? {
            kubectl.apply(&object)?;
        }
        if installed {
            kubectl.run(&["-n", SYSTEM, "rollout", "restart", OPERATOR])?;
        }
        kubectl.run(&["-n", SYSTEM, "rollout", "status", OPERATOR, "--timeout=300s"])
    }

    fn all_but_definition(&self, mut kubectl: Command) -> Result<Vec<Value>> {
        let built = kubectl.arg("kustomize").arg(self.config.join("default")).output()?;
        ensure!(built.status.success(), "kubectl kustomize: {}", String::from_utf8_lossy(&built.stderr));
        let text = String::from_utf8(built.stdout)?;
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).context("the manifests are no YAML")?;
        Ok(objects.into_iter().filter(|object| object["kind"] != "CustomResourceDefinition").collect())
    }

    /// The fields of the status that its definition knows; none if it keeps whatever it is given.
    fn known_fields(&self) -> Result<Option<BTreeSet<String>>> {
        let text = fs::read_to_string(self.config.join(DEFINITION))?;
        let definition: Value = serde_saphyr::from_str(&text).context("the definition is no YAML")?;
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let status = &schema["properties"]["status"];
        let known = status["properties"].as_object().context("a definition without a status")?;
        let keeps_all = status["x-kubernetes-preserve-unknown-fields"] == json!(true);
        Ok((!keeps_all).then(|| known.keys().cloned().collect()))
    }

    /// Whether a status of `newer` loses fields in this one's definition.
    pub(super) fn loses_fields_of(&self, newer: &Self) -> Result<bool> {
        let Some(known) = self.known_fields()? else { return Ok(false) };
        let text = fs::read_to_string(newer.config.join(DEFINITION))?;
        let definition: Value = serde_saphyr::from_str(&text).context("the definition is no YAML")?;
        let status = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
        let written = status["properties"].as_object().context("a definition without a status")?;
        Ok(written.keys().any(|field| !known.contains(field)))
    }
}
