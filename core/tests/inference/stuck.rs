//! Hooks that hang: seen while they do.

use hooked_core::lifecycle::HookRun;
use hooked_crd::{HookKind, Outcome};
use serde_json::{Value, json};

use crate::fixtures::{Story, at, both, exec, running};

/// The only hook that runs at `second`.
fn running_at(story: &Story, second: i64) -> HookRun {
    let findings = story.findings(second);
    let [run] = &findings.running[..] else { panic!("{:?}", findings.running) };
    assert_eq!(run.outcome, Outcome::Running);
    run.clone()
}

/// A container that the kubelet has not shown as Running yet.
fn creating() -> Value {
    json!({"phase": "Pending", "containerStatuses": [
        {"name": "web", "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}},
    ]})
}

#[test]
fn a_post_start_that_does_not_return_is_overdue_after_a_minute() {
    let story =
        Story::with_hooks(&both()).status(3, &creating()).event(3, "Started", "Started container web");
    let run = running_at(&story, 500);
    assert_eq!(
        (run.id.hook, run.start_time, run.overdue_at),
        (HookKind::PostStart, Some(at(3)), Some(at(63)))
    );
}

#[test]
fn a_post_start_that_keeps_its_pod_is_overdue_when_grace_ends() {
    let story = Story::with_hooks(&both()).event(3, "Started", "Started container web").stopping(
        10,
        10,
        5,
        &creating(),
    );
    assert_eq!(running_at(&story, 12).overdue_at, Some(at(15)));
}

#[test]
fn a_pre_stop_is_overdue_after_four_fifths_of_a_long_enough_grace() {
    for (grace, expect) in [(30, Some(at(34))), (10, Some(at(18))), (5, Some(at(14))), (4, None)] {
        let story = Story::with_hooks(&exec("preStop")).stopping(10, 10, grace, &running(0, 1)).event(
            10,
            "Killing",
            "Stopping container web",
        );
        let run = running_at(&story, 11);
        assert_eq!((run.id.hook, run.overdue_at), (HookKind::PreStop, expect), "grace {grace}");
    }
}
