//! Turns made of a seed: which faults there are in a world, and how often, is a part of the seed too.

use super::World;
use super::rng::Rng;
use super::turn::{Cascade, Fate, Feed, Refused, Turn};

/// How often what happens in a world, in thousandths of all turns or of all of a kind.
#[derive(Clone, Debug)]
struct Mix {
    answers: u32,
    shows: u32,
    nodes: u32,
    users: u32,
    /// Of requests: those that do not simply get their reply.
    unanswered: u32,
    /// Faults of nodes and Pods.
    node_faults: u32,
    /// Of the faults of nodes and Pods: restarts of kubelets and nodes.
    accidents: u32,
    /// Crashes, stops, freezes and clocks that are set.
    process_faults: u32,
    relists: u32,
    /// Of the user's turns: those that an administrator takes.
    policies: u32,
}

/// Makes the turns of a seed.
#[derive(Clone, Debug)]
pub struct Generator {
    rng: Rng,
    mix: Mix,
    workloads: u32,
    /// Which workload begins with the Pods of a Deployment, if one does. It has a source of its own: what else happens
    /// in the world of a seed does not depend on it.
    deployed: Option<u32>,
    handover: Rng,
    /// What happens around Pods of others, in worlds in which workloads watch them; it has a source of its own too.
    watching: Option<Rng>,
    /// How many turns there are.
    left: u32,
    made: u32,
    /// What comes next, whatever else would.
    next: Option<Turn>,
}

impl Generator {
    /// The turns of a seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut often = |least: u32, most: u32, perhaps: u32| {
            if rng.chance(perhaps) { least + rng.below(most - least + 1) } else { 0 }
        };
        let mix = Mix {
            answers: often(200, 500, 1000),
            shows: often(60, 500, 1000),
            nodes: often(80, 400, 1000),
            users: often(3, 30, 1000),
            unanswered: often(10, 300, 700),
            node_faults: often(1, 25, 600),
            accidents: often(50, 300, 500),
            process_faults: often(1, 8, 700),
            relists: often(1, 15, 500),
            policies: often(50, 300, 400),
        };
        let (workloads, left) = (1 + rng.below(2), 200 + rng.below(1500));
        let mut handover = Rng::new(seed ^ u64::MAX);
        let deployed = handover.chance(200).then(|| handover.below(workloads));
        let mut watching = Rng::new(seed.rotate_left(32) ^ 0x7761_7463_6865_7273);
        let watching = watching.chance(250).then_some(watching);
        Self { rng, mix, workloads, deployed, handover, watching, left, made: 0, next: None }
    }

    /// The next turn; none at the end.
    pub fn next(&mut self, world: &World) -> Option<Turn> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        if self.made < self.workloads {
            self.made += 1;
            let (workload, plan) = (self.made - 1, self.plan());
            let is_deployed = self.deployed == Some(workload);
            return Some(if is_deployed {
                Turn::Deploy { workload, plan }
            } else {
                Turn::Create { workload, plan }
            });
        }
        if let Some(workload) = self.deployed.filter(|_| self.handover.chance(10)) {
            return Some(Turn::LetGo { workload });
        }
        if self.next.is_none()
            && let Some(turn) = self.around_others(world)
        {
            return Some(turn);
        }
        let turn = self.next.take().unwrap_or_else(|| self.choose(world));
        self.next = self.follow(turn, world.leader().unwrap_or_default());
        Some(turn)
    }

    /// What happens around Pods of others.
    fn around_others(&mut self, world: &World) -> Option<Turn> {
        let has_relists = self.mix.relists > 0;
        let rng = self.watching.as_mut().filter(|_| self.left > 0)?;
        if !rng.chance(200) {
            return None;
        }
        Some(match rng.below(60) {
            0..=7 => Turn::RunPod { plan: rng.below(1_000_000) },
            8..=10 => Turn::StopPod { nth: rng.below(1000), grace: rng.pick(&[30, 30, 1, 0]) },
            11..=13 => Turn::Watch { watcher: rng.below(2) },
            14 if rng.chance(300) => Turn::Unwatch { watcher: rng.below(2) },
            15 if has_relists => {
                Turn::Relist { operator: world.leader().unwrap_or_default(), feed: Feed::Others }
            }
            _ => {
                let operator = world.leader().unwrap_or_default();
                Turn::Show { operator, feed: Feed::Others, count: 1 + rng.below(6) }
            }
        })
    }

    /// What happens at once where it hurts most.
    fn follow(&mut self, turn: Turn, operator: u32) -> Option<Turn> {
        match turn {
            // A Pod is gone before the watch has shown it, and the watch breaks off.
            Turn::DeletePod { grace: 0, .. } if self.mix.relists > 0 && self.rng.chance(500) => {
                Some(Turn::Relist { operator, feed: Feed::Pods })
            }
            // The user's change is shown while what was asked for before it is still being done.
            Turn::Scale { .. } | Turn::Change { .. } | Turn::Pause { .. } | Turn::Undo { .. }
                if self.rng.chance(300) =>
            {
                Some(Turn::Show { operator, feed: Feed::Workloads, count: 4 })
            }
            _ => None,
        }
    }

    fn plan(&mut self) -> u32 {
        self.rng.below(1_000_000)
    }

    fn choose(&mut self, world: &World) -> Turn {
        let mix = self.mix.clone();
        let mut roll = self.rng.below(1000);
        let mut falls = |weight: u32| {
            let hit = roll < weight;
            roll = roll.wrapping_sub(weight);
            hit
        };
        if falls(mix.users) {
            return self.user();
        }
        if falls(mix.node_faults) {
            if self.rng.chance(mix.accidents) {
                return Turn::Accident { nth: self.any() };
            }
            return Turn::NodeFault { nth: self.any() };
        }
        if falls(mix.process_faults) {
            return self.process_fault();
        }
        if falls(mix.relists) {
            return Turn::Relist { operator: self.any(), feed: self.feed() };
        }
        if falls(10) {
            return Turn::Collect;
        }
        if falls(mix.answers) && world.has_requests() {
            return Turn::Answer { nth: self.request(world), fate: self.fate() };
        }
        if falls(mix.shows) {
            let operator = world.leader().unwrap_or_else(|| self.any());
            return Turn::Show { operator, feed: self.feed(), count: 1 + self.rng.below(4) };
        }
        if falls(mix.nodes) {
            return Turn::Node { nth: self.any() };
        }
        if self.rng.chance(500) && world.has_requests() {
            return Turn::Answer { nth: self.request(world), fate: self.fate() };
        }
        Turn::Wait { millis: self.time() }
    }

    fn any(&mut self) -> u32 {
        self.rng.below(1000)
    }

    /// Mostly one of the oldest.
    fn request(&mut self, world: &World) -> u32 {
        let count = world.requests();
        if self.rng.chance(700) { self.rng.below(count.min(4)) } else { self.rng.below(count) }
    }

    fn feed(&mut self) -> Feed {
        let pods = [Feed::Pods, Feed::Pods, Feed::Pods, Feed::Foreign];
        let others = [Feed::Workloads, Feed::Workloads, Feed::Events];
        self.rng.pick(&[pods.as_slice(), &others].concat())
    }

    fn time(&mut self) -> u32 {
        let most = self.rng.pick(&[20, 100, 500, 1000, 2000, 2000, 6000, 15_000]);
        1 + self.rng.below(most)
    }

    fn fate(&mut self) -> Fate {
        if !self.rng.chance(self.mix.unanswered) {
            return if self.rng.chance(50) { Fate::CarriedOut } else { Fate::Answered };
        }
        match self.rng.below(8) {
            0 | 1 => Fate::ReplyLost,
            2 | 3 => Fate::Lost,
            4 => Fate::Refused(409),
            5 => Fate::Refused(429),
            6 => Fate::Refused(500),
            _ => Fate::Refused(504),
        }
    }

    fn process_fault(&mut self) -> Turn {
        let operator = self.any();
        match self.rng.below(6) {
            0..=2 => Turn::Crash { operator, seconds: self.rng.below(15) },
            3 => Turn::Stop { operator, seconds: self.rng.below(15) },
            4 => Turn::Freeze { operator, seconds: 1 + self.rng.below(30) },
            _ => {
                let seconds = i32::try_from(self.rng.below(120)).unwrap_or_default();
                Turn::SetClock { operator, ahead: seconds - 60 }
            }
        }
    }

    fn user(&mut self) -> Turn {
        let workload = self.rng.below(self.workloads);
        if self.rng.chance(self.mix.policies) {
            return self.policy();
        }
        match self.rng.below(23) {
            0..=2 => Turn::Scale { workload, replicas: self.rng.below(7) },
            3..=6 => Turn::Change { workload, plan: self.plan() },
            7 => Turn::Pause { workload, paused: self.rng.chance(400) },
            8 => {
                let cascade = self.rng.pick(&[Cascade::Background, Cascade::Foreground, Cascade::Orphan]);
                Turn::Delete { workload, cascade }
            }
            9 => Turn::Create { workload, plan: self.plan() },
            10 => Turn::Undo { workload, number: self.rng.pick(&[0, 0, 1, 2, 3]) },
            11..=13 => Turn::Gate {
                workload,
                failures: self.rng.pick(&[0, 0, 1, 3, 9]),
                rolls_back: self.rng.chance(500),
            },
            14 => Turn::OpenGate { workload },
            15 => Turn::Relabel { nth: self.any() },
            16 | 17 => Turn::Replace { nth: self.any() },
            _ => Turn::DeletePod { nth: self.any(), grace: self.rng.pick(&[30, 30, 30, 1, 0]) },
        }
    }

    fn policy(&mut self) -> Turn {
        match self.rng.below(5) {
            0 => Turn::DeleteRevision { nth: self.any() },
            1 => Turn::Quota { pods: self.rng.below(6) },
            _ => {
                let refused = self.rng.pick(&[Refused::Creates, Refused::Deletes, Refused::Updates]);
                Turn::Webhook { refused, on: self.rng.chance(500) }
            }
        }
    }
}

impl World {
    fn has_requests(&self) -> bool {
        !self.wire.lock().requests.is_empty()
    }

    fn requests(&self) -> u32 {
        u32::try_from(self.wire.lock().requests.len()).unwrap_or(u32::MAX)
    }

    /// The operator that works.
    fn leader(&self) -> Option<u32> {
        let at = self
            .operators
            .iter()
            .position(|place| place.running.as_ref().is_some_and(super::operator::Operator::leads));
        u32::try_from(at?).ok()
    }
}
