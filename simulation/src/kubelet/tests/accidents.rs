//! What restarts of kubelets and nodes leave behind.

use hooked_protocol::Hook;
use serde_json::json;

use super::{Story, at, both, runner};
use crate::kubelet::{HookEnd, RunEnd, Step};

#[test]
fn a_kubelet_that_is_restarted_shows_a_container_as_running_whose_hook_it_has_lost() {
    let mut story = Story::of(&both());
    story.take(|step| matches!(step, Step::RestartKubelet { .. }));
    story.report();
    assert!(story.state()["running"].is_object());
    assert_eq!(story.runs(), [(1, Hook::PostStart, Some(RunEnd::LostWithKubelet))]);
}

#[test]
fn a_kubelet_that_is_restarted_runs_a_pre_stop_again_with_the_full_grace() {
    let mut story = Story::of(&json!({"preStop": runner("PreStop", &[])}));
    story.report();
    story.second = 10;
    story.delete(6);
    story.stop();
    story.second = 13;
    story.take(|step| matches!(step, Step::RestartKubelet { .. }));
    assert_eq!(story.nodes.next_deadline(at(13)), Some(at(19)));
    story.second = 19;
    story.take(|step| matches!(step, Step::CutOff { .. }));
    story.exit(0);
    story.report();
    let log = story.state()["terminated"]["message"].as_str().unwrap();
    let records = hooked_protocol::parse(log).into_iter();
    let numbers = records.map(|record| (record.numbering.unwrap().execution, record.ending));
    assert_eq!(numbers.collect::<Vec<_>>(), [(1, None), (2, None)]);
    let ends = [RunEnd::LostWithKubelet, RunEnd::CutOff].map(|end| (1, Hook::PreStop, Some(end)));
    assert_eq!(story.runs(), ends);
}

#[test]
fn what_ran_on_a_node_that_is_restarted_has_an_end_made_up() {
    let mut story = Story::of(&both());
    story.end(HookEnd::Succeeded);
    story.report();
    story.take(|step| matches!(step, Step::Reboot { .. }));
    story.report();
    let ended = &story.state()["terminated"];
    assert_eq!((&ended["exitCode"], &ended["reason"]), (&json!(255), &json!("Unknown")));
    story.start();
    assert!(story.events().iter().all(|(reason, _)| reason == "Started"), "of the stop nothing is told");
}

#[test]
fn a_kubelet_that_is_restarted_has_forgotten_that_a_post_start_failed() {
    let mut story = Story::of(&both());
    story.end(HookEnd::Failed);
    story.take(|step| matches!(step, Step::RestartKubelet { .. }));
    story.report();
    assert!(story.state()["running"].is_object());
    story.exit(1);
    story.report();
    assert_eq!(story.state()["terminated"]["exitCode"], 1, "it waits for no reason");
}
