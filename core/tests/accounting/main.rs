//! Exactly once: whatever dies, is lost, repeated or refused, the totals are what happened.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic in a test is its report")]

mod pod;
mod world;

use hooked_crd::{HookKind, KillReason, Outcome};
use proptest::prelude::*;

use pod::MOST_MEASURED;
use world::{Commit, World};

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A container is started and its postStart hook ends well.
    Start(usize),
    /// A container is started and its postStart hook fails: it is killed.
    FailPostStart(usize),
    /// The program of a running container exits by itself.
    Exit(usize),
    /// Somebody deletes a Pod; its container stops in time.
    Delete(usize),
    /// A node forgets a container and starts it again; the operator is shown that, or dies before it is.
    StartAnew(usize, bool),
    /// The watch shows a Pod as it is now; what it was in between is never seen.
    Show(usize),
    /// The operator makes a pass.
    Pass(Commit),
    /// Time goes by.
    Wait(u8),
    /// A status write that was under way is carried out after all, if its version is still the current one.
    Arrive,
    /// The cache catches up with the API server.
    Read,
    /// The operator dies and starts again, or another becomes the leader.
    Crash,
    /// A Pod's runner tells of its last run, or of one before it; of its end too, or not.
    Tell(usize, usize, bool),
}

const PODS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    let pod = 0..PODS;
    prop_oneof![
        3 => pod.clone().prop_map(Step::Start),
        2 => pod.clone().prop_map(Step::FailPostStart),
        2 => pod.clone().prop_map(Step::Exit),
        1 => pod.clone().prop_map(Step::Delete),
        5 => pod.prop_map(Step::Show),
        3 => Just(Step::Pass(Commit::Accepted)),
        1 => Just(Step::Pass(Commit::Refused)),
        1 => Just(Step::Pass(Commit::ReplyLost)),
        1 => Just(Step::Pass(Commit::UnderWay)),
        1 => Just(Step::Pass(Commit::Later)),
        1 => Just(Step::Arrive),
        1 => Just(Step::Read),
        3 => (1_u8..15).prop_map(Step::Wait),
        1 => Just(Step::Crash),
    ]
}

/// The same where runners tell of their runs live: early, late, twice or never.
fn told_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => step(),
        1 => (0..PODS, 0_usize..3, any::<bool>()).prop_map(|(pod, back, ended)| Step::Tell(pod, back, ended)),
    ]
}

/// The same where nodes forget containers.
fn forgetful_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => step(),
        1 => (0..PODS, any::<bool>()).prop_map(|(pod, is_shown)| Step::StartAnew(pod, is_shown)),
    ]
}

fn play(mut world: World, steps: &[Step]) -> World {
    for step in steps {
        match *step {
            Step::Start(pod) => world.start(pod, true),
            Step::FailPostStart(pod) => world.start(pod, false),
            Step::Exit(pod) => world.exit(pod),
            Step::Delete(pod) => world.delete(pod),
            Step::StartAnew(pod, is_shown) => start_anew(&mut world, pod, is_shown),
            Step::Show(pod) => world.show(pod),
            Step::Pass(commit) => world.pass(commit),
            Step::Wait(seconds) => world.wait(i64::from(seconds)),
            Step::Arrive => world.arrive(),
            Step::Read => world.read(),
            Step::Crash => world.crash(),
            Step::Tell(pod, back, ended) => world.tell(pod, back, ended),
        }
    }
    world
}

/// What nobody has committed of a container that its node forgets, nobody can know: so much is committed before and
/// after it that the kubelet's count alone misleads.
fn start_anew(world: &mut World, pod: usize, is_shown: bool) {
    let commit = |world: &mut World| {
        world.read();
        world.pass(Commit::Accepted);
        world.pass(Commit::Accepted);
    };
    world.show(pod);
    world.wait(11);
    commit(world);
    world.start_anew(pod);
    if is_shown {
        world.show(pod);
    } else {
        world.crash();
    }
    commit(world);
}

/// Nothing is lost from the sums, nothing is counted twice, what is said with certainty is true (the rest is
/// Unknown), and nothing is left behind.
fn counted_once(world: &World) -> Result<(), TestCaseError> {
    let (truth, counted) = (world.truth, |kind, outcome| world.counted(kind, outcome));
    prop_assert_eq!(counted(HookKind::PostStart, None), truth.starts, "postStart runs");
    prop_assert_eq!(counted(HookKind::PreStop, None), truth.starts, "preStop runs, skipped ones included");
    let (failed, succeeded) = (Some(Outcome::Failed), Some(Outcome::Succeeded));
    prop_assert!(counted(HookKind::PostStart, failed) <= truth.post_start_failures);
    prop_assert!(counted(HookKind::PostStart, succeeded) <= truth.starts - truth.post_start_failures);
    prop_assert!(world.is_empty(), "Pods are held for ever");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_run_and_every_kill_is_counted_exactly_once(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = play(World::with_pods(PODS), &steps);
        world.finish();
        let truth = world.truth;
        counted_once(&world)?;
        prop_assert!(world.counted(HookKind::PreStop, Some(Outcome::Skipped)) <= truth.exits);
        prop_assert_eq!(world.counted(HookKind::PreStop, Some(Outcome::Failed)), 0, "no preStop hook fails in this world");
        // Each known failure of a postStart hook is a kill, and nothing else is.
        let failed = world.counted(HookKind::PostStart, Some(Outcome::Failed));
        prop_assert_eq!(world.kills(KillReason::PostStartHookFailed), failed);
        prop_assert_eq!(world.all_kills(), failed);
    }

    #[test]
    fn where_kubelets_count_restarts_anew_every_run_is_counted_exactly_once(
        steps in prop::collection::vec(forgetful_step(), 0..60)
    ) {
        let mut world = play(World::with_pods(PODS), &steps);
        world.finish();
        counted_once(&world)?;
    }

    #[test]
    fn with_live_reports_every_run_is_counted_exactly_once_and_its_duration_at_most_once(
        steps in prop::collection::vec(told_step(), 0..60)
    ) {
        let mut world = play(World::with_runners(PODS), &steps);
        world.finish();
        let truth = world.truth;
        counted_once(&world)?;
        let failed = world.counted(HookKind::PostStart, Some(Outcome::Failed));
        prop_assert!(world.kills(KillReason::PostStartHookFailed) <= truth.post_start_failures);
        prop_assert!(world.all_kills() <= truth.post_start_failures, "{} for {failed}", world.all_kills());
        if truth.starts < MOST_MEASURED {
            let (count, bits) = world.durations();
            prop_assert_eq!(count, u64::from(bits.count_ones()), "a duration was counted twice: {:b}", bits);
            prop_assert!(bits < 1 << truth.starts, "{bits:b}");
        }
    }

    #[test]
    fn while_everything_is_seen_nothing_is_unknown_of_post_start(
        starts in prop::collection::vec(any::<bool>(), 1..12)
    ) {
        let mut world = World::with_pods(1);
        for good in starts {
            world.start(0, good);
            world.show(0);
            world.wait(11);
            world.pass(Commit::Accepted);
            world.exit(0);
            world.show(0);
        }
        world.finish();
        prop_assert_eq!(world.counted(HookKind::PostStart, Some(Outcome::Unknown)), 0);
        prop_assert_eq!(world.counted(HookKind::PostStart, Some(Outcome::Failed)), world.truth.post_start_failures);
    }
}

/// A Pod that has run quietly for long: all that has begun in it is counted.
fn quiet() -> World {
    let mut world = World::with_pods(1);
    world.start(0, true);
    world.show(0);
    world.wait(11);
    world.pass(Commit::Accepted);
    world.pass(Commit::Accepted);
    world.wait(100);
    world
}

#[test]
fn an_event_about_a_quiet_pod_is_remembered_until_its_container_ends() {
    let mut world = quiet();
    world.event(0, "Killing", "Container web failed liveness probe, will be restarted");
    world.pass(Commit::Accepted);
    world.exit(0);
    world.show(0);
    world.wait(11);
    world.pass(Commit::Accepted);
    assert_eq!(world.kills(KillReason::LivenessProbeFailed), 1);
    assert_eq!(world.counted(HookKind::PreStop, Some(Outcome::Unknown)), 1);
}

#[test]
fn a_hook_that_hangs_in_a_new_pod_is_shown() {
    let mut world = World::with_pods(1);
    world.pass(Commit::Accepted);
    world.event(0, "Started", "Started container web");
    world.pass(Commit::Accepted);
    assert_eq!(world.running(), 1);
    world.wait(500);
    world.pass(Commit::Accepted);
    assert_eq!(world.running(), 1);
}

#[test]
fn a_quiet_pod_that_vanishes_is_counted_as_unknown() {
    let mut world = quiet();
    world.vanish(0);
    world.pass(Commit::Accepted);
    world.pass(Commit::Accepted);
    assert_eq!(world.counted(HookKind::PreStop, Some(Outcome::Unknown)), 1);
    assert_eq!(world.kills(KillReason::Unknown), 1);
}

/// What is counted of a Pod after these steps: failed postStart runs, and kills because of them.
fn check_failures(steps: &[Step], expect: (u64, u64)) {
    let mut world = play(World::with_pods(1), steps);
    world.finish();
    let failed = world.counted(HookKind::PostStart, Some(Outcome::Failed));
    assert_eq!((failed, world.kills(KillReason::PostStartHookFailed)), expect, "{steps:?}");
}

#[test]
fn a_failed_post_start_is_counted_in_one_commit_with_its_kill() {
    use Commit::Accepted;
    use Step::{Crash, Delete, Exit, FailPostStart, Pass, Show, Start, Wait};
    let begins = [Start(0), Show(0)];
    let fails = [Exit(0), FailPostStart(0), Show(0)];
    // That the first instance has ended by itself is shown when the second one's end is known.
    let deleted = [Delete(0), Wait(1), Show(0), Wait(8), Pass(Accepted), Crash];
    let counted = [Wait(10), Pass(Accepted)];
    check_failures(&[&begins[..], &counted, &fails, &deleted].concat(), (1, 1));
    // The first instance's end is counted as lost while its postStart run is not settled yet.
    check_failures(&[&begins[..], &fails, &[Pass(Accepted)], &deleted].concat(), (1, 1));
}
