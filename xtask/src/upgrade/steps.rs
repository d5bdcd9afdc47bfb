//! What is done to the cluster, and what must be so after each step.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hooked_cluster::{Progress, Target};
use serde_json::{Value, json};

use super::load::{CRASHING, HOOKS, NAMESPACE, REPLICAS, SCALED, workloads};
use super::observer::{Observer, counted};
use super::pods::{self, Pods};
use super::release::Release;
use super::witness::Witness;
use crate::install::{PODS, SYSTEM};
use crate::kubectl::Kubectl;

/// Stops take half a minute here, on a machine that builds something else besides.
const PATIENCE: Duration = Duration::from_secs(300);
/// What an operator says of a definition that drops what it writes.
const OUTDATED: &str = "is older than this operator";

/// An upgrade that is tested.
pub(super) struct Upgrade<'a> {
    pub(super) target: &'a Target,
    pub(super) kubectl: Kubectl<'a>,
    pub(super) old: &'a Release,
    pub(super) new: &'a Release,
    pub(super) witness: &'a Witness,
    pub(super) observer: &'a Observer,
    pub(super) progress: &'a Progress,
}

impl Upgrade<'_> {
    /// Takes all steps, and returns how many runs were counted.
    pub(super) fn run(&self, goes_back: bool) -> Result<i64> {
        let (old, new) = (self.old, self.new);
        self.step("the predecessor with its own definition", || self.begin())?;
        self.step("its operator with the definition of this release", || {
            self.untouched(|| new.apply_definition(&self.kubectl))
        })?;
        self.step("the operator of this release takes over while Pods stop", || {
            self.replace_operator(new)?;
            self.knows_its_fields()
        })?;
        self.step("the operator of this release with the definition of the predecessor", || {
            self.untouched(|| old.apply_definition(&self.kubectl))?;
            self.replace_operator(new)?;
            self.tells_of_definition(old.loses_fields_of(new)?)
        })?;
        self.step("the definition of this release again", || {
            self.untouched(|| new.apply_definition(&self.kubectl))
        })?;
        self.knows_its_fields()?;
        if goes_back {
            self.step("back to the predecessor's operator", || self.replace_operator(old))?;
            self.step("back to all of the predecessor", || {
                self.untouched(|| old.apply_definition(&self.kubectl))
            })?;
            self.step("and forth", || {
                self.untouched(|| new.apply_definition(&self.kubectl))?;
                self.replace_operator(new)
            })?;
        }
        self.end()
    }

    /// Shows what a step that failed has left.
    pub(super) fn dump(&self) {
        let views: [&[&str]; 4] = [
            &["get", "hookedworkloads,pods", "--all-namespaces", "-o", "wide"],
            &["-n", NAMESPACE, "get", "hookedworkloads", "-o", "json"],
            &["-n", SYSTEM, "logs", "-l", PODS, "--prefix", "--tail=100"],
            &["-n", NAMESPACE, "get", "events"],
        ];
        for view in views {
            let text = self.kubectl.output(view).unwrap_or_else(|error| format!("{error:#}"));
            eprintln!("---- kubectl {}\n{text}", view.join(" "));
        }
    }

    /// Does something, has Pods come and go after it, and looks whether what their hooks did is counted.
    fn step(&self, name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        self.progress.say(name);
        let done = || {
            work()?;
            self.come_and_go()?;
            self.until_counted()?;
            self.observer.check()
        };
        done().with_context(|| name.to_owned())
    }

    fn begin(&self) -> Result<()> {
        self.old.run_operator(self.target, &self.kubectl)?;
        self.kubectl.run(&["create", "namespace", NAMESPACE])?;
        for workload in workloads(self.witness) {
            self.kubectl.apply(&workload)?;
        }
        self.until_ready()
    }

    /// Does something that no Pod may notice.
    fn untouched(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let before = Pods::that_live(&self.kubectl)?;
        work()?;
        before.live_on(&self.kubectl)
    }

    /// Has a release's operator run, with Pods that stop before the one that goes can count it.
    fn replace_operator(&self, release: &Release) -> Result<()> {
        self.scale(&SCALED, REPLICAS + 1)?;
        self.until_ready()?;
        self.scale(&SCALED, REPLICAS)?;
        self.until("the Pods that are too many are asked to stop", || {
            let live = Pods::that_live(&self.kubectl)?;
            Ok(SCALED.iter().all(|name| live.of(name) == REPLICAS as usize))
        })?;
        self.untouched(|| release.run_operator(self.target, &self.kubectl))?;
        self.progress.say(&format!("the operator of {} is rolled out", release.name));
        Ok(())
    }

    /// Every workload has a Pod more for a moment.
    fn come_and_go(&self) -> Result<()> {
        self.scale(&SCALED, REPLICAS + 1)?;
        self.until_ready()?;
        self.scale(&SCALED, REPLICAS)
    }

    fn scale(&self, names: &[&str], replicas: u32) -> Result<()> {
        let replicas = format!("--replicas={replicas}");
        names.iter().try_for_each(|name| self.kubectl.run(&["-n", NAMESPACE, "scale", "hw", name, &replicas]))
    }

    /// Waits until all serve what is asked for, but for the one that cannot.
    fn until_ready(&self) -> Result<()> {
        self.until("all workloads are ready", || {
            let ready = |workload: &Value| {
                let (spec, status) = (&workload["spec"], &workload["status"]);
                status["observedGeneration"] == workload["metadata"]["generation"]
                    && status["readyReplicas"] == spec["replicas"]
            };
            let workloads = self.workloads()?;
            Ok(SCALED
                .iter()
                .all(|name| workloads.iter().any(|one| one["metadata"]["name"] == **name && ready(one))))
        })
    }

    /// Waits until as many runs are counted as hooks have noted, while no Pod is on its way.
    fn until_counted(&self) -> Result<()> {
        let settled = || -> Result<bool> {
            let stops =
                pods::all(&self.kubectl)?.iter().any(|pod| !pod["metadata"]["deletionTimestamp"].is_null());
            let workloads = self.workloads()?;
            let of_scaled = workloads.iter().filter(|workload| workload["metadata"]["name"] != CRASHING);
            Ok(!stops && self.differences(of_scaled)?.is_empty())
        };
        let counted = self.until("as many runs are counted as there were", settled);
        counted.or_else(|error| bail!("{error:#}\n{}", self.differences(&self.workloads()?)?.join("\n")))
    }

    /// Where counts are not what hooks have noted.
    fn differences<'w>(&self, workloads: impl IntoIterator<Item = &'w Value>) -> Result<Vec<String>> {
        let mut differences = Vec::new();
        for workload in workloads {
            let name = workload["metadata"]["name"].as_str().unwrap_or_default();
            for hook in HOOKS {
                let (counted, noted) = (counted(&workload["status"], hook), self.witness.runs(name, hook)?);
                if counted != noted {
                    differences
                        .push(format!("{name}: {counted} runs of {hook} are counted, and {noted} were"));
                }
            }
        }
        Ok(differences)
    }

    /// Whether what only this release writes reaches the API server.
    fn knows_its_fields(&self) -> Result<()> {
        self.until("every workload tells its revisions", || {
            Ok(self
                .workloads()?
                .iter()
                .all(|workload| workload["status"]["revisions"][0]["desired"].is_i64()))
        })
    }

    /// Whether the operator says that the definition drops what it writes, if and only if it does.
    fn tells_of_definition(&self, drops: bool) -> Result<()> {
        let logs = ["-n", SYSTEM, "logs", "-l", PODS, "--tail=-1"];
        if drops {
            return self.until("the operator tells of the older definition", || {
                Ok(self.kubectl.output(&logs)?.contains(OUTDATED))
            });
        }
        ensure!(
            !self.kubectl.output(&logs)?.contains(OUTDATED),
            "the operator takes its definition for older"
        );
        Ok(())
    }

    /// Stops everything, compares for the last time, and looks whether anything is left.
    fn end(&self) -> Result<i64> {
        self.progress.say("the end of all workloads");
        self.scale(&[&SCALED[..], &[CRASHING]].concat(), 0)?;
        self.until("no Pod is left", || Ok(pods::all(&self.kubectl)?.is_empty()))?;
        // A Pod goes only after the write that counts its last run.
        let workloads = self.workloads()?;
        let differences = self.differences(&workloads)?;
        ensure!(differences.is_empty(), "{}", differences.join("\n"));
        let runs = workloads.iter().flat_map(|workload| HOOKS.map(|hook| counted(&workload["status"], hook)));
        let runs = runs.sum();
        self.kubectl.run(&["-n", NAMESPACE, "delete", "hw", "--all", "--timeout=120s"])?;
        self.until("the stored revisions are gone", || {
            let left = self.kubectl.json(&["-n", NAMESPACE, "get", "controllerrevisions,hw,pods"])?;
            Ok(left["items"] == json!([]))
        })?;
        self.kubectl.run(&["delete", "namespace", NAMESPACE, "--timeout=120s"])?;
        Ok(runs)
    }

    fn workloads(&self) -> Result<Vec<Value>> {
        let workloads = self.kubectl.json(&["-n", NAMESPACE, "get", "hookedworkloads"])?;
        workloads["items"].as_array().cloned().context("a list without items")
    }

    fn until(&self, what: &str, is_so: impl FnMut() -> Result<bool>) -> Result<()> {
        self.kubectl.wait_until(what, PATIENCE, is_so)
    }
}
