//! What is asked for, what stands in its way, and what is to come of it.

use hooked_e2e::{Container, Workload};
use serde_json::{Value, json};

use super::script::{Ground, Step};

/// Of which versions Pods are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    One,
    Several,
    /// Of several versions more than the quota has room for.
    Tangled,
}

/// One node is lost in a script: it takes a minute until that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    NotYet,
    Now,
    Before,
}

/// What users ask for, and what stands in the way.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) ground: Ground,
    pub(super) replicas: u32,
    pub(super) version: u32,
    /// Versions whose image is nowhere to be had.
    broken: Vec<u32>,
    /// The last version that was complete.
    pub(super) good: u32,
    pub(super) paused: bool,
    newest: u32,
    pub(super) versions: Versions,
    pub(super) quota: Option<u32>,
    pub(super) is_cordoned: bool,
    pub(super) lost: Lost,
}

impl Asked {
    pub(super) fn new(ground: Ground) -> Self {
        Self {
            ground,
            replicas: 4,
            version: 1,
            broken: Vec::new(),
            good: 1,
            paused: false,
            newest: 1,
            versions: Versions::One,
            quota: None,
            is_cordoned: false,
            lost: Lost::NotYet,
        }
    }

    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Scale(replicas) => {
                self.replicas = replicas;
                if self.versions != Versions::One && self.quota.is_some() {
                    self.versions = Versions::Tangled;
                }
            }
            Step::Roll | Step::Break => {
                self.newest += 1;
                self.version = self.newest;
                if step == Step::Break {
                    self.broken.push(self.version);
                }
            }
            Step::Undo => self.version = self.good,
            Step::Pause => self.paused = true,
            Step::Resume => self.paused = false,
            Step::Quota(pods) => self.quota = Some(pods),
            Step::LiftQuota => {
                self.quota = None;
                if self.versions == Versions::Tangled {
                    self.versions = Versions::Several;
                }
            }
            Step::Drain => self.is_cordoned = true,
            Step::Uncordon => self.is_cordoned = false,
            Step::LoseNode => self.lost = Lost::Now,
            Step::FindNode | Step::RemoveNode => self.lost = Lost::Before,
            Step::Lose | Step::Evict | Step::TakeOut => {}
        }
        if self.versions == Versions::One && !self.paused && self.version != self.good {
            self.versions = Versions::Several;
        }
    }

    /// Both have come to rest.
    pub(super) fn note_rest(&mut self) {
        if self.is_complete() {
            (self.good, self.versions) = (self.version, Versions::One);
        }
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.contains(&self.version)
    }

    pub(super) fn starts(&self, version: u32) -> bool {
        !self.broken.contains(&version)
    }

    /// Whether it ends with Pods of one version. Under a quota a rollout needs room for one more than must serve, and
    /// one that is undone room for all.
    pub(super) fn is_complete(&self) -> bool {
        if self.paused || self.is_broken() {
            return false;
        }
        let Some(quota) = self.quota else { return true };
        let (_, must_serve) = self.limits();
        self.versions == Versions::One
            || quota as usize > must_serve
            || (self.version == self.good && quota >= self.replicas)
    }

    /// How many Pods there are to be in the end, and how many of these there is room for.
    pub(super) fn pods(&self) -> (usize, usize) {
        let is_between = self.versions != Versions::One && !self.is_complete();
        let wanted = if is_between { self.limits().0 } else { self.replicas as usize };
        (wanted, wanted.min(self.quota.map_or(usize::MAX, |pods| pods as usize)))
    }

    /// Pods that there may be with the surge, and that must serve: a quarter more and a quarter less.
    pub(super) fn limits(&self) -> (usize, usize) {
        let replicas = self.replicas as usize;
        (replicas + replicas.div_ceil(4), replicas - replicas / 4)
    }

    /// How many the budget lets nobody evict: half of them.
    pub(super) fn protected(&self) -> usize {
        (self.replicas as usize).div_ceil(2)
    }

    /// Whatever is broken, paused, refused or lost ends well.
    pub(super) fn good_end(&self) -> Vec<Step> {
        let mut steps = vec![Step::Resume, Step::Undo];
        steps.extend(self.quota.map(|_| Step::LiftQuota));
        steps.extend(self.is_cordoned.then_some(Step::Uncordon));
        steps.extend((self.lost == Lost::Now).then_some(Step::FindNode));
        steps
    }

    pub(super) fn manifest(&self, name: &str) -> Value {
        let image = if self.is_broken() { "nowhere.invalid/nothing:1" } else { "busybox" };
        let container =
            Container::polite("web").with("image", json!(image)).with("imagePullPolicy", json!("Never"));
        let workload = Workload::new(name, [container]).replicas(self.replicas).grace(1);
        let workload = workload.with("paused", json!(self.paused)).version(&self.version.to_string());
        if name == "theirs" {
            workload.of_kind("apps/v1", "Deployment", &json!({}))
        } else {
            workload.manifest().clone()
        }
    }
}
