//! What Pods on nodes go through.

mod accidents;

use hooked_protocol::{Hook, Outcome, RUNNER_PATH};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{HookEnd, Nodes, RunEnd, Step, StopCause};
use crate::{ApiServer, ContentType, Request};

const PODS: &str = "/api/v1/namespaces/ns/pods";
const POD: &str = "/api/v1/namespaces/ns/pods/pod";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// A server with two nodes and a Pod on one of them.
struct Story {
    server: ApiServer,
    nodes: Nodes,
    second: i64,
}

fn runner(hook: &str, more: &[&str]) -> Value {
    let mut words = vec![RUNNER_PATH, "run", "--container", "web", "--hook", hook];
    words.extend(["--termination-log", "/dev/termination-log", "--budget", "2000"]);
    words.extend(more);
    words.extend(["--", "true"]);
    json!({"exec": {"command": words}})
}

impl Story {
    /// A Pod whose container `web` has this lifecycle, on its node, its first instance started.
    fn of(lifecycle: &Value) -> Self {
        let mut server = ApiServer::new();
        let nodes = Nodes::new(&["n"], &mut server, at(0));
        let pod = json!({
            "metadata": {"name": "pod", "finalizers": ["a.b/c"]},
            "spec": {"containers": [{"name": "web", "image": "i", "lifecycle": lifecycle}]},
        });
        assert!(server.handle(&Request::create(PODS, pod), at(0)).is_success());
        let mut story = Self { server, nodes, second: 1 };
        story.take(|step| matches!(step, Step::Bind { .. }));
        story.take(|step| matches!(step, Step::Accept { .. }));
        story.report();
        assert_eq!(story.state()["waiting"]["reason"], "ContainerCreating");
        story.start();
        story
    }

    fn all(&self) -> Vec<Step> {
        let steps = self.nodes.steps(&self.server, at(self.second));
        steps.into_iter().chain(self.nodes.faults(&self.server)).chain(self.nodes.accidents()).collect()
    }

    /// The first step of that kind must be possible, and happens.
    #[track_caller]
    fn take(&mut self, is_it: impl Fn(&Step) -> bool) {
        let all = self.all();
        let step = all.iter().find(|step| is_it(step)).unwrap_or_else(|| panic!("not among {all:?}"));
        self.nodes.take(step, &mut self.server, at(self.second));
    }

    fn can(&self, is_it: impl Fn(&Step) -> bool) -> bool {
        self.all().iter().any(is_it)
    }

    fn start(&mut self) {
        self.take(|step| matches!(step, Step::Start { .. }));
    }

    fn report(&mut self) {
        self.take(|step| matches!(step, Step::Report { .. }));
    }

    fn end(&mut self, how: HookEnd) {
        self.take(|step| matches!(step, Step::EndHook { end, .. } if *end == how));
    }

    fn exit(&mut self, with: i32) {
        self.take(|step| matches!(step, Step::Exit { code, .. } if *code == with));
    }

    fn delete(&mut self, grace: i64) {
        let options = json!({"gracePeriodSeconds": grace});
        self.server.handle(&Request::delete(POD, Some(options)), at(self.second));
    }

    fn stop(&mut self) {
        self.take(|step| matches!(step, Step::Stop { .. }));
    }

    fn pod(&self) -> &Value {
        self.server.object(POD).unwrap()
    }

    fn status(&self) -> &Value {
        &self.pod()["status"]["containerStatuses"][0]
    }

    fn state(&self) -> &Value {
        &self.status()["state"]
    }

    /// The reasons and counts of the Events that are sent when all are.
    fn events(&mut self) -> Vec<(String, u64)> {
        while self.can(|step| matches!(step, Step::SendEvent { .. })) {
            self.take(|step| matches!(step, Step::SendEvent { .. }));
        }
        let events = self.server.objects("/api/v1/namespaces/ns/events");
        events
            .map(|event| (event["reason"].as_str().unwrap().to_owned(), event["count"].as_u64().unwrap()))
            .collect()
    }

    fn runs(&self) -> Vec<(u32, Hook, Option<RunEnd>)> {
        let runs = self.nodes.truth().runs.iter();
        runs.map(|run| (run.instance, run.hook, run.end.map(|(_, end)| end))).collect()
    }
}

fn both() -> Value {
    json!({"postStart": {"exec": {"command": ["a"]}}, "preStop": {"exec": {"command": ["b"]}}})
}

fn pre_stop() -> Value {
    json!({"preStop": {"exec": {"command": ["b"]}}})
}

#[test]
fn a_pod_lives_and_is_stopped_and_its_last_delete_is_the_kubelets() {
    let mut story = Story::of(&both());
    assert!(!story.can(|step| matches!(step, Step::Report { .. })), "postStart keeps the kubelet's worker");
    story.end(HookEnd::Succeeded);
    story.report();
    assert_eq!(story.pod()["status"]["phase"], "Running");
    assert_eq!((&story.status()["started"], &story.status()["ready"]), (&json!(true), &json!(true)));
    story.second = 10;
    story.delete(30);
    story.stop();
    story.end(HookEnd::Failed);
    story.second = 12;
    story.exit(0);
    story.report();
    assert_eq!(
        (&story.pod()["status"]["phase"], &story.state()["terminated"]["exitCode"]),
        (&json!("Succeeded"), &json!(0))
    );
    story.take(|step| matches!(step, Step::Remove { .. }));
    let metadata = &story.pod()["metadata"];
    assert_eq!(metadata["deletionGracePeriodSeconds"], 0);
    assert!(!story.can(|step| !matches!(
        step,
        Step::SendEvent { .. }
            | Step::LoseEvent { .. }
            | Step::LoseNode { .. }
            | Step::RestartKubelet { .. }
            | Step::Reboot { .. }
    )));
    let release = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.b/c"]}});
    story.server.handle(&Request::patch(POD, ContentType::StrategicMergePatch, release), at(13));
    story.take(|step| matches!(step, Step::Forget { .. }));
    let expect = ["Started", "Killing", "FailedPreStopHook"].map(|reason| (reason.to_owned(), 1));
    assert_eq!(story.events(), expect);
    let expect = [(1, Hook::PostStart, Some(RunEnd::Succeeded)), (1, Hook::PreStop, Some(RunEnd::Failed))];
    assert_eq!(story.runs(), expect);
}

#[test]
fn a_failed_post_start_has_its_container_killed_and_restarted_with_back_off() {
    let mut story = Story::of(&both());
    story.end(HookEnd::Failed);
    story.end(HookEnd::Succeeded);
    story.exit(0);
    story.report();
    let (state, status) = (story.state().clone(), story.status().clone());
    assert_eq!(
        (&state["waiting"]["reason"], &status["restartCount"]),
        (&json!("PostStartHookError"), &json!(0))
    );
    assert!(state["waiting"]["message"].as_str().unwrap().contains("command 'a' exited with 1: "));
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 0);
    story.start();
    story.end(HookEnd::Failed);
    story.end(HookEnd::Succeeded);
    story.exit(0);
    story.report();
    story.report();
    assert_eq!(
        (&story.state()["waiting"]["reason"], &story.status()["restartCount"]),
        (&json!("CrashLoopBackOff"), &json!(1))
    );
    assert!(!story.can(|step| matches!(step, Step::Start { .. })));
    assert_eq!(story.nodes.next_deadline(at(story.second)), Some(at(story.second + 10)));
    story.second += 10;
    story.start();
    let expect = [("Started", 3), ("FailedPostStartHook", 2), ("Killing", 2)]
        .map(|(reason, count)| (reason.to_owned(), count));
    assert_eq!(story.events(), expect);
    assert_eq!(story.runs().len(), 5);
}

#[test]
fn a_program_that_exits_is_shown_once_and_then_restarted() {
    let mut story = Story::of(&pre_stop());
    story.report();
    story.exit(1);
    story.report();
    assert_eq!(
        (&story.state()["terminated"]["reason"], &story.status()["restartCount"]),
        (&json!("Error"), &json!(0))
    );
    story.start();
    story.report();
    assert_eq!(
        (&story.status()["lastState"]["terminated"]["exitCode"], &story.status()["restartCount"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(story.runs(), []);
}

#[test]
fn the_grace_period_cuts_a_pre_stop_off_and_kills_what_does_not_stop() {
    let mut story = Story::of(&pre_stop());
    story.report();
    story.delete(3);
    story.stop();
    assert!(!story.can(|step| matches!(step, Step::CutOff { .. })));
    story.second += 3;
    assert!(!story.can(|step| matches!(step, Step::EndHook { .. })));
    story.take(|step| matches!(step, Step::CutOff { .. }));
    assert!(!story.can(|step| matches!(step, Step::Kill { .. })));
    story.second += 2;
    story.take(|step| matches!(step, Step::Kill { .. }));
    story.report();
    assert_eq!(
        (&story.pod()["status"]["phase"], &story.state()["terminated"]["exitCode"]),
        (&json!("Failed"), &json!(137))
    );
    assert_eq!(story.runs(), [(1, Hook::PreStop, Some(RunEnd::CutOff))]);
    let instance = &story.nodes.truth().instances[0];
    assert!(instance.killed && instance.stop == Some((at(1), StopCause::Deletion)));
}

#[test]
fn a_program_that_ends_takes_its_hook_along() {
    let mut story = Story::of(&both());
    story.exit(0);
    assert_eq!(story.runs(), [(1, Hook::PostStart, Some(RunEnd::LostWithProgram))]);
    let expect = ["Started", "FailedPostStartHook", "Killing"].map(|reason| (reason.to_owned(), 1));
    assert_eq!(story.events(), expect);
}

#[test]
fn a_runner_records_into_the_termination_log_what_really_happened() {
    let lifecycle = json!({
        "postStart": runner("PostStart", &["--ignore-failure"]),
        "preStop": runner("PreStop", &["--timeout", "5"]),
    });
    let mut story = Story::of(&lifecycle);
    story.end(HookEnd::Failed);
    story.report();
    assert_eq!(story.pod()["status"]["phase"], "Running", "the failure is ignored");
    story.delete(30);
    story.stop();
    story.second += 5;
    story.end(HookEnd::TimedOut);
    story.exit(0);
    story.report();
    let message = story.state()["terminated"]["message"].as_str().unwrap();
    let records = hooked_protocol::merge(hooked_protocol::parse(message));
    let outcomes: Vec<_> = records
        .values()
        .map(|record| {
            let ending = record.ending.as_ref().unwrap();
            (record.hook, ending.outcome, ending.duration, record.numbering.as_ref().unwrap().execution)
        })
        .collect();
    assert_eq!(
        outcomes,
        [(Hook::PostStart, Outcome::Failed, 0, 1), (Hook::PreStop, Outcome::TimedOut, 5_000_000, 1)]
    );
    assert!(story.nodes.truth().runs.iter().all(|run| run.recorded));
}

#[test]
fn an_evicted_pod_ends_and_stays() {
    let mut story = Story::of(&pre_stop());
    story.report();
    story.take(|step| matches!(step, Step::Evict { .. }));
    story.second += 1;
    story.take(|step| matches!(step, Step::CutOff { .. }));
    story.exit(143);
    story.report();
    let status = &story.pod()["status"];
    assert_eq!((&status["phase"], &status["reason"]), (&json!("Failed"), &json!("Evicted")));
    assert!(story.pod()["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(story.events()[1].0, "Evicted");
}

#[test]
fn a_lost_node_runs_on_in_silence_and_a_destroyed_one_takes_its_hooks_along() {
    let mut story = Story::of(&both());
    story.take(|step| matches!(step, Step::LoseNode { .. }));
    story.end(HookEnd::Succeeded);
    assert!(!story.can(|step| matches!(step, Step::Report { .. } | Step::SendEvent { .. })));
    story.take(|step| matches!(step, Step::DeleteByTaint { .. }));
    assert!(!story.can(|step| matches!(step, Step::Stop { .. })));
    story.take(|step| matches!(step, Step::ReturnNode { .. }));
    story.stop();
    story.take(|step| matches!(step, Step::LoseNode { .. }));
    story.take(|step| matches!(step, Step::DestroyNode { .. }));
    assert_eq!(story.runs()[1], (1, Hook::PreStop, Some(RunEnd::LostWithNode)));
    story.take(|step| matches!(step, Step::CollectPod { .. }));
    assert_eq!(
        (&story.pod()["status"]["phase"], &story.pod()["metadata"]["deletionGracePeriodSeconds"]),
        (&json!("Failed"), &json!(0))
    );
    assert!(!story.can(|_| true));
}

/// Numbers that look random and are the same every time.
fn next(seed: &mut u64, below: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from((*seed >> 33) % below as u64).unwrap()
}

#[test]
fn whatever_happens_each_instance_runs_each_hook_once_and_records_tell_the_truth() {
    for story_number in 0..100_u64 {
        let lifecycle =
            json!({"postStart": runner("PostStart", &[]), "preStop": runner("PreStop", &["--timeout", "5"])});
        let mut story = Story::of(&lifecycle);
        let mut seed = story_number;
        for _ in 0..60 {
            let steps = story.nodes.steps(&story.server, at(story.second));
            let is_fault = steps.is_empty() || next(&mut seed, 8) == 0;
            let choice = if is_fault { story.nodes.faults(&story.server) } else { steps };
            if next(&mut seed, 20) == 0 {
                story.delete(5);
            }
            if !choice.is_empty() {
                let step = &choice[next(&mut seed, choice.len())];
                story.nodes.take(step, &mut story.server, at(story.second));
            }
            story.second += i64::try_from(next(&mut seed, 4)).unwrap();
            check_records(&story);
        }
        let mut runs: Vec<_> = story.runs().iter().map(|(instance, hook, _)| (*instance, *hook)).collect();
        let all = runs.len();
        runs.sort_unstable();
        runs.dedup();
        assert_eq!(runs.len(), all, "story {story_number}");
    }
}

/// What a terminated state's message tells of ended runs is what happened.
fn check_records(story: &Story) {
    let Some(pod) = story.server.object(POD) else { return };
    let status = &pod["status"]["containerStatuses"][0];
    for state in ["state", "lastState"] {
        let Some(message) = status[state]["terminated"]["message"].as_str() else { continue };
        for (id, record) in hooked_protocol::merge(hooked_protocol::parse(message)) {
            let number = u64::from_be_bytes(id.0[..8].try_into().unwrap());
            let run = &story.nodes.truth().runs[usize::try_from(number).unwrap()];
            assert_eq!(run.hook, record.hook);
            let told = record.ending.map(|ending| ending.outcome);
            let expect = match run.end.map(|(_, end)| end) {
                Some(RunEnd::Succeeded) => Some(Outcome::Succeeded),
                Some(RunEnd::Failed) => Some(Outcome::Failed),
                Some(RunEnd::TimedOut) => Some(Outcome::TimedOut),
                _ => None,
            };
            assert_eq!(told, expect, "{message}");
        }
    }
}
