//! What happens, and what is asked for after it.
//!
//! Nothing is asked for that a Deployment answers now so and now otherwise: that is where its ReplicaSets want the same
//! last place of a quota, and where it is scaled down while Pods do not start.

use hooked_e2e::{Container, Workload};
use hooked_simulation::world::Rng;
use serde_json::{Value, json};

/// What a user or an accident does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Scale(u32),
    /// To a new version that starts.
    Roll,
    /// To a new version that does not start.
    Break,
    /// To the last version that was complete.
    Undo,
    Pause,
    Resume,
    /// A Pod that serves is deleted.
    Lose,
    /// A Pod that serves is evicted.
    Evict,
    /// A Pod that serves gets a label that the selector does not match.
    TakeOut,
    /// Each namespace may have so many Pods.
    Quota(u32),
    LiftQuota,
    /// A node is cordoned, and its Pods are evicted.
    Drain,
    Uncordon,
    /// A node says and does nothing any more.
    LoseNode,
    FindNode,
    /// The lost node's object is deleted.
    RemoveNode,
}

/// Where Pods run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    RealNode,
    SimulatedNodes,
}

impl Ground {
    /// How many things happen.
    pub(super) fn steps(self) -> usize {
        match self {
            Self::RealNode => 6,
            Self::SimulatedNodes => 10,
        }
    }
}

/// What users ask for, and what stands in the way.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    ground: Ground,
    pub(super) replicas: u32,
    version: u32,
    /// Versions whose image is nowhere to be had.
    broken: Vec<u32>,
    /// The last version that was complete.
    good: u32,
    paused: bool,
    newest: u32,
    /// Whether Pods of other versions than one are wanted.
    mixed: bool,
    quota: Option<u32>,
    /// Whether several versions want more Pods than the quota has room for.
    tangled: bool,
    is_cordoned: bool,
    is_lost: bool,
    /// One node is lost in a script: it takes a minute until that is believed.
    was_lost: bool,
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
            mixed: false,
            quota: None,
            tangled: false,
            is_cordoned: false,
            is_lost: false,
            was_lost: false,
        }
    }

    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Scale(replicas) => {
                self.replicas = replicas;
                self.tangled |= self.mixed && self.quota.is_some();
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
            Step::LiftQuota => (self.quota, self.tangled) = (None, false),
            Step::Drain => self.is_cordoned = true,
            Step::Uncordon => self.is_cordoned = false,
            Step::LoseNode => (self.is_lost, self.was_lost) = (true, true),
            Step::FindNode | Step::RemoveNode => self.is_lost = false,
            Step::Lose | Step::Evict | Step::TakeOut => {}
        }
        self.mixed |= !self.paused && self.version != self.good;
    }

    /// Both have come to rest.
    pub(super) fn note_rest(&mut self) {
        if self.is_complete() {
            (self.good, self.mixed) = (self.version, false);
        }
    }

    fn is_broken(&self) -> bool {
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
        !self.mixed || quota as usize > must_serve || (self.version == self.good && quota >= self.replicas)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    /// The version that is asked for.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// How many Pods there are to be in the end, and how many of these there is room for.
    pub(super) fn pods(&self) -> (usize, usize) {
        let wanted = if self.mixed && !self.is_complete() { self.limits().0 } else { self.replicas as usize };
        (wanted, wanted.min(self.quota.map_or(usize::MAX, |pods| pods as usize)))
    }

    /// Pods that there may be with the surge, and that must serve: a quarter more and a quarter less.
    pub(super) fn limits(&self) -> (usize, usize) {
        let replicas = self.replicas as usize;
        (replicas + replicas.div_ceil(4), replicas - replicas / 4)
    }

    /// How many the PodDisruptionBudget lets nobody evict: half of them.
    pub(super) fn protected(&self) -> usize {
        (self.replicas as usize).div_ceil(2)
    }

    /// Whatever is broken, paused, refused or lost ends well.
    pub(super) fn good_end(&self) -> Vec<Step> {
        let mut steps = vec![Step::Resume, Step::Undo];
        steps.extend(self.quota.map(|_| Step::LiftQuota));
        steps.extend(self.is_cordoned.then_some(Step::Uncordon));
        steps.extend(self.is_lost.then_some(Step::FindNode));
        steps
    }

    /// The next step.
    pub(super) fn next(&self, rng: &mut Rng) -> Step {
        let mut steps = match self.quota {
            None => self.without_quota(rng),
            Some(quota) => self.within(quota, rng),
        };
        if self.ground == Ground::SimulatedNodes {
            steps.extend(self.of_nodes());
            if self.quota.is_none() {
                steps.extend([Step::Quota((self.replicas + rng.below(3)).saturating_sub(1)); 2]);
            }
        }
        rng.pick(&steps)
    }

    /// Scaled down where Pods do not start, a Deployment may take those that serve, and we never do: there both are only
    /// scaled up.
    fn without_quota(&self, rng: &mut Rng) -> Vec<Step> {
        let scale =
            if self.mixed || self.is_broken() || self.paused { self.more(rng) } else { 2 + rng.below(5) };
        vec![
            Step::Scale(scale),
            Step::Roll,
            Step::Break,
            Step::Break,
            // Nothing happens then, unless there is something to go back from.
            if self.version == self.good { Step::Roll } else { Step::Undo },
            if self.paused { Step::Resume } else { Step::Pause },
            Step::Lose,
            Step::Evict,
            Step::TakeOut,
        ]
    }

    fn within(&self, quota: u32, rng: &mut Rng) -> Vec<Step> {
        let mut steps = vec![Step::LiftQuota];
        if self.tangled {
            return steps;
        }
        steps.extend((self.version != self.good).then_some(Step::Undo));
        steps.push(if self.paused { Step::Resume } else { Step::Pause });
        if !self.mixed {
            let scale = if self.paused { self.more(rng) } else { 2 + rng.below(6) };
            steps.extend([Step::Scale(scale), Step::Roll, Step::Break, Step::Lose]);
            // The budget lets nobody evict what is not replaced.
            steps.extend((quota >= self.replicas).then_some(Step::Evict));
        } else if quota as usize <= self.limits().0 {
            // There is no room for a Pod of any version.
            steps.push(Step::Scale(self.more(rng)));
        }
        steps
    }

    fn of_nodes(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let has_room = self.quota.is_none_or(|quota| !self.mixed && quota >= self.replicas);
        if self.is_cordoned {
            steps.push(Step::Uncordon);
        } else if has_room {
            steps.extend([Step::Drain; 2]);
        }
        if self.is_lost {
            steps.extend([Step::FindNode, Step::RemoveNode]);
        } else if !self.was_lost && self.quota.is_none() {
            steps.extend([Step::LoseNode; 2]);
        }
        steps
    }

    fn more(&self, rng: &mut Rng) -> u32 {
        self.replicas + 1 + rng.below(3)
    }

    pub(super) fn manifest(&self, name: &str) -> Value {
        let image = if self.is_broken() { "nowhere.invalid/nothing:1" } else { "busybox" };
        let container =
            Container::polite("web").with("image", json!(image)).with("imagePullPolicy", json!("Never"));
        let workload = Workload::new(name, [container]).replicas(self.replicas).grace(1);
        let workload = workload.with("paused", json!(self.paused)).version(&self.version.to_string());
        let mut manifest = workload.manifest().clone();
        if name == "theirs" {
            (manifest["apiVersion"], manifest["kind"]) = (json!("apps/v1"), json!("Deployment"));
            if let Some(spec) = manifest["spec"].as_object_mut() {
                spec.remove("hooks");
            }
        }
        manifest
    }
}

/// The steps of a script, some of them at once.
pub(super) fn script(ground: Ground, seed: u64) -> Vec<Vec<Step>> {
    let (mut rng, mut asked) = (Rng::new(seed), Asked::new(ground));
    let mut script: Vec<_> = (0..ground.steps())
        .map(|_| {
            let step = asked.next(&mut rng);
            asked.take(step);
            asked.note_rest();
            vec![step]
        })
        .collect();
    script.push(asked.good_end());
    script
}

#[test]
fn the_script_of_a_test_has_a_quota_a_drain_and_a_lost_node_in_it() {
    let steps: Vec<_> = script(Ground::SimulatedNodes, super::SEED).concat();
    assert!(steps.iter().any(|step| matches!(step, Step::Quota(_))), "{steps:?}");
    for accident in [Step::Drain, Step::LoseNode, Step::FindNode] {
        assert!(steps.contains(&accident), "{accident:?} is not in {steps:?}");
    }
}
