//! Whole rollouts in random worlds, with a Deployment beside them.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

mod model;
mod ours;
mod ranking;
mod spec;

use proptest::prelude::*;

use model::Deployment;
use ours::Ours;
use spec::{Accident, Limit, Pod, Spec};

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Something happens to a Pod: to the nth that it can happen to, of that revision if that has any.
    Accident(Accident, usize, usize),
    /// The user wants another number of Pods.
    Scale(u32),
    /// The user pauses the rollout, or resumes it.
    Pause,
    /// The user asks for a new revision.
    Start,
    /// The user asks for a new revision, of which no Pod will ever be ready.
    Break,
    /// A quota lets only so many Pods in, or is no more.
    Quota(Option<usize>),
    /// The user goes back to the oldest revision that has Pods.
    Back,
    /// Time goes by.
    Wait(i64),
}

/// Which Pod is struck, as [`spec::Pods::strike`] has it.
type Strike = (Accident, usize, usize);

fn accident() -> impl Strategy<Value = Strike> {
    let accident = prop_oneof![
        8 => Just(Accident::Ready),
        2 => Just(Accident::Unready),
        1 => Just(Accident::Vanish),
        1 => Just(Accident::Delete),
        1 => Just(Accident::Fail),
        4 => Just(Accident::End),
    ];
    (accident, 0_usize..4, 0_usize..20)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => accident().prop_map(|(accident, of, nth)| Step::Accident(accident, of, nth)),
        2 => (0_u32..12).prop_map(Step::Scale),
        1 => Just(Step::Pause),
        2 => Just(Step::Start),
        1 => Just(Step::Break),
        1 => prop::option::of(0_usize..14).prop_map(Step::Quota),
        1 => Just(Step::Back),
        2 => (1_i64..5).prop_map(Step::Wait),
    ]
}

/// A step, and perhaps an accident between what the operator decides upon it and what it does.
fn raced_step() -> impl Strategy<Value = (Step, Option<Strike>)> {
    (step(), prop::option::of(accident()))
}

fn spec() -> impl Strategy<Value = Spec> {
    let limit =
        |most: u32| prop_oneof![(0..most).prop_map(Limit::Pods), (0_u32..60).prop_map(Limit::Percent)];
    let rolling = prop::option::weighted(0.9, (limit(4), limit(4)));
    let min_ready = prop_oneof![Just(0_i64), 1_i64..4];
    (0_u32..10, rolling, min_ready).prop_map(|(replicas, rolling, min_ready)| Spec {
        replicas,
        rolling,
        min_ready,
        paused: false,
        asked: 0,
    })
}

/// Our operator and a Deployment, each with Pods of its own to which the same happens.
#[derive(Debug)]
struct Both {
    spec: Spec,
    /// Revisions asked for so far.
    started: usize,
    ours: Ours,
    model: Deployment,
}

/// Revisions that there are at most.
const MOST: usize = 6;

impl Both {
    /// A workload of which the first revision is rolled out.
    fn new(spec: Spec, batch: usize) -> Self {
        let (ours, model) = (Ours::new(batch), Deployment::default());
        let mut both = Self { spec, started: 1, ours, model };
        both.finish();
        both
    }

    fn strike(&mut self, (accident, of, nth): Strike) {
        self.ours.pods.strike(accident, of, nth);
        self.model.pods.strike(accident, of, nth);
    }

    fn wait(&mut self, seconds: i64) {
        self.ours.pods.now += seconds;
        self.model.pods.now += seconds;
    }

    /// What the user or the cluster does. Where nothing has Pods and the workload is paused, a Deployment
    /// goes on with the ReplicaSet that was created last, we with the revision that was rolled to last: that
    /// is left out.
    fn take(&mut self, step: Step) {
        match step {
            Step::Accident(accident, of, nth) => self.strike((accident, of, nth)),
            Step::Scale(replicas) => {
                if !self.spec.paused || (replicas > 0 && self.spec.replicas > 0) {
                    self.spec.replicas = replicas;
                }
            }
            Step::Pause if self.spec.paused || !self.ours.sizes().is_empty() => {
                self.spec.paused = !self.spec.paused;
            }
            Step::Start | Step::Break if self.started < MOST => {
                if let Step::Break = step {
                    self.ours.pods.broken.insert(self.started);
                    self.model.pods.broken.insert(self.started);
                }
                self.spec.asked = self.started;
                self.started += 1;
            }
            Step::Back if !self.spec.paused => {
                if let Some((revision, _)) = self.ours.sizes().first() {
                    self.spec.asked = *revision;
                }
            }
            Step::Quota(most) => (self.ours.pods.quota, self.model.pods.quota) = (most, most),
            Step::Wait(seconds) => self.wait(seconds),
            Step::Pause | Step::Start | Step::Break | Step::Back => {}
        }
    }

    /// Passes until nothing is left to do.
    fn settle(&mut self) {
        for _ in 0..100 {
            let resized = self.ours.resize(&self.spec);
            let mut acted = false;
            while self.ours.delete(&self.spec) {
                acted = true;
            }
            acted |= self.ours.create(&self.spec);
            if !resized && !acted {
                self.ours.is_filled(&self.spec);
                return self.settle_model();
            }
        }
        panic!("no end: {:?}", self.ours);
    }

    fn settle_model(&mut self) {
        for _ in 0..100 {
            let before = (self.model.sets.clone(), self.model.pods.sight());
            self.model.sync(&self.spec);
            self.model.sync_replica_sets();
            if before == (self.model.sets.clone(), self.model.pods.sight()) {
                return;
            }
        }
        panic!("no end: {:?}", self.model);
    }

    /// One pass of ours with the accident between commit and acts; and of a Deployment, before each
    /// ReplicaSet acts.
    fn race(&mut self, strike: Strike) {
        self.ours.resize(&self.spec);
        for _ in 0..5 {
            self.model.sync(&self.spec);
        }
        self.strike(strike);
        while self.ours.delete(&self.spec) {}
        self.ours.create(&self.spec);
        self.model.sync_replica_sets();
    }

    /// Whether what has happened so far has left both with the same sizes and Pods alike, but for those that
    /// go.
    fn is_alike(&self) -> bool {
        self.ours.sizes() == self.model.sizes() && self.ours.pods.sight() == self.model.pods.sight()
    }

    fn must_serve(&self) -> usize {
        Deployment::must_serve(&self.spec)
    }

    /// How many Pods serve: ours and the Deployment's.
    fn available(&self) -> (usize, usize) {
        let Self { spec, ours, model, .. } = self;
        (ours.pods.available(spec.min_ready), model.pods.available(spec.min_ready))
    }

    /// Accidents stop, the rollout goes on, and every Pod does what it is asked to. From what is broken the user goes
    /// back to the first revision, which is not.
    fn finish(&mut self) {
        self.spec.paused = false;
        self.take(Step::Quota(None));
        if self.ours.pods.broken.contains(&self.spec.asked) {
            self.spec.asked = 0;
        }
        for _ in 0..100 {
            let before = (self.ours.pods.all.clone(), self.model.pods.all.clone());
            self.wait(10);
            self.settle();
            for pods in [&mut self.ours.pods, &mut self.model.pods] {
                pods.all.retain(Pod::is_alive);
                let broken = &pods.broken;
                let is_to_be = |pod: &&mut Pod| pod.ready_since.is_none() && !broken.contains(&pod.revision);
                for pod in pods.all.iter_mut().filter(is_to_be) {
                    pod.ready_since = Some(pods.now);
                }
            }
            if before == (self.ours.pods.all.clone(), self.model.pods.all.clone()) {
                return;
            }
        }
        panic!("a rollout does not end: {self:?}");
    }
}

/// The end of every story: just the Pods that are asked for, in both worlds.
fn is_done(both: &Both) -> Result<(), TestCaseError> {
    let Spec { replicas, asked, .. } = both.spec;
    let expect: Vec<_> = (replicas > 0).then_some((asked, i64::from(replicas))).into_iter().collect();
    prop_assert_eq!(both.ours.sizes(), expect.clone());
    prop_assert_eq!(both.model.sizes(), expect);
    let replicas = replicas as usize;
    prop_assert_eq!((both.ours.pods.alive(), both.model.pods.alive()), (replicas, replicas));
    prop_assert_eq!(both.available(), (replicas, replicas));
    Ok(())
}

/// How many scripts each property is tried with: `PROPTEST_CASES` has more than these tried.
fn cases() -> u32 {
    ProptestConfig::default().cases.max(512)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    /// Where the operator comes to the end of its passes between two events, it is a Deployment, Pod by Pod;
    /// but for scaling down, where a Deployment may take Pods that must serve.
    #[test]
    fn a_rollout_is_a_deployments_step_by_step(
        spec in spec(), batch in 1_usize..4, steps in prop::collection::vec(step(), 0..60)
    ) {
        let mut both = Both::new(spec, batch);
        for step in steps {
            let was_alike = both.is_alike();
            both.take(step);
            let (_, before) = both.available();
            both.settle();
            let (ours, model) = both.available();
            prop_assert!(!was_alike || ours >= model, "{} of {} serve: {:?} {:?}", ours, model, step, both.spec);
            let took_too_many = model < before.min(both.must_serve());
            // Which ReplicaSet gets the last place of a quota is a race in Kubernetes.
            let is_contended = both.ours.pods.is_full() || both.model.pods.is_full();
            let may_differ = took_too_many || is_contended;
            prop_assert!(!was_alike || may_differ || both.is_alike(), "{:?} {:?}", step, both);
        }
        both.finish();
        is_done(&both)?;
    }

    /// Where accidents come between decision and act, as many Pods serve as a Deployment's, as far as they must. A
    /// Deployment may decide more than once before each ReplicaSet acts, and so be ahead of us where Pods to spare go.
    #[test]
    fn an_accident_in_mid_pass_costs_no_more_than_a_deployment(
        spec in spec(), batch in 1_usize..4, steps in prop::collection::vec(raced_step(), 0..60)
    ) {
        let mut both = Both::new(spec, batch);
        for (step, strike) in steps {
            let was_alike = both.is_alike();
            both.take(step);
            if let Some(strike) = strike {
                both.race(strike);
                let (ours, model) = both.available();
                let enough = model.min(both.must_serve());
                prop_assert!(!was_alike || ours >= enough, "{} of {} serve: {:?} {:?}", ours, enough, step, both);
            }
            both.settle();
        }
        both.finish();
        is_done(&both)?;
    }
}
