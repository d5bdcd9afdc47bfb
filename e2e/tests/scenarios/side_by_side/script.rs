//! What happens, as a seed decides.
//!
//! Nothing happens to which a Deployment's answer is now this and now that: where several versions want the same last
//! place of a quota, and where it is scaled down while Pods do not start.

use hooked_simulation::world::Rng;

use super::asked::{Asked, Lost, Versions};

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

/// How a step is chosen.
impl Asked {
    /// The next step.
    fn next(&self, rng: &mut Rng) -> Step {
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

    /// Scaled down where Pods do not start, a Deployment may take those that serve, and we never do: there both are
    /// only scaled up.
    fn without_quota(&self, rng: &mut Rng) -> Vec<Step> {
        let scale = if self.versions != Versions::One || self.is_broken() || self.paused {
            self.more(rng)
        } else {
            2 + rng.below(5)
        };
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
        if self.versions == Versions::Tangled {
            return steps;
        }
        steps.extend((self.version != self.good).then_some(Step::Undo));
        steps.push(if self.paused { Step::Resume } else { Step::Pause });
        if self.versions == Versions::One {
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
        let has_room =
            self.quota.is_none_or(|quota| self.versions == Versions::One && quota >= self.replicas);
        if self.is_cordoned {
            steps.push(Step::Uncordon);
        } else if has_room {
            steps.extend([Step::Drain; 2]);
        }
        match self.lost {
            Lost::Now => steps.extend([Step::FindNode, Step::RemoveNode]),
            Lost::NotYet if self.quota.is_none() => steps.extend([Step::LoseNode; 2]),
            _ => {}
        }
        steps
    }

    fn more(&self, rng: &mut Rng) -> u32 {
        self.replicas + 1 + rng.below(3)
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
