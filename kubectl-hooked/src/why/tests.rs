//! What is told of Pods as the API server shows them.

use hooked_crd::{HookRunStatus, KillStatus};
use serde_json::{Value, json};

use super::fetch::{Found, Memory};
use super::{memory, story, text};
use crate::fixtures::now;

/// A Pod with one container, its status, and Events as reason, second past ten o'clock, and message.
fn found(pod: &Value, container: &Value, status: &Value, events: &[(&str, u8, &str)]) -> Found {
    let mut whole = json!({
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "u-1"},
        "spec": {"nodeName": "n1", "terminationGracePeriodSeconds": 30, "containers": [container]},
        "status": {"phase": "Running", "containerStatuses": [status]},
    });
    for (field, value) in pod["metadata"].as_object().into_iter().flatten() {
        whole["metadata"][field] = value.clone();
    }
    for (field, value) in pod["status"].as_object().into_iter().flatten() {
        whole["status"][field] = value.clone();
    }
    let events = events.iter().map(|(reason, second, message)| {
        let time = format!("2026-11-22T10:00:{second:02}Z");
        let event = json!({
            "involvedObject": {"uid": "u-1", "fieldPath": "spec.containers{web}"},
            "reason": reason, "message": message, "firstTimestamp": time, "lastTimestamp": time,
            "source": {"component": "kubelet"},
        });
        serde_json::from_value(event).unwrap()
    });
    Found {
        pod: serde_json::from_value(whole.clone()).unwrap(),
        events: events.collect(),
        whole,
        runs: Vec::new(),
        missing: Vec::new(),
    }
}

/// An instance that ended three seconds past ten.
fn ended(code: i32, reason: &str) -> Value {
    json!({"terminated": {
        "exitCode": code, "reason": reason, "containerID": "c",
        "startedAt": "2026-11-22T10:00:01Z", "finishedAt": "2026-11-22T10:00:03Z",
    }})
}

fn status(state: &Value, last: &Value) -> Value {
    json!({"name": "web", "restartCount": 1, "state": state, "lastState": last})
}

/// An instance that runs after another one has ended.
fn restarted(code: i32, reason: &str) -> Value {
    status(&json!({"running": {"startedAt": "2026-11-22T10:00:05Z"}}), &ended(code, reason))
}

fn hook(kind: &str) -> Value {
    json!({"name": "web", "lifecycle": {kind: {"exec": {"command": ["/bin/false"]}}}})
}

fn check(found: &Found, expect: &str) {
    let lines = text::lines(&story::explain(found, false, now()), Some(80));
    let lines: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
    assert_eq!(lines.join("\n"), expect.trim_matches('\n'));
    assert!(lines.iter().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_failed_post_start_is_told_with_its_events_and_without_its_output() {
    let waiting = json!({"waiting": {"reason": "PostStartHookError", "message": "command exited with 3: , message: \"hush\""}});
    let failed = [("FailedPostStartHook", 2, "PostStartHook failed"), ("Killing", 2, "FailedPostStartHook")];
    let status =
        json!({"name": "web", "restartCount": 0, "state": waiting, "lastState": ended(0, "Completed")});
    let found = found(&json!({}), &hook("postStart"), &status, &failed);
    check(
        &found,
        "
Pod shop/web-1  PostStartHookError, on node n1, of no workload

Container web  waiting: PostStartHookError
  Instance 1 was killed: PostStartHookFailed
    Its postStart hook failed, and Kubernetes kills a container whose postStart
    hook fails.
    Hooks     PostStart Failed after about 1s: the kubelet reported
              PostStartHookError; the container was killed
    Evidence  container status: ended 2026-11-22 10:00:03Z with exit code 0
              container status: waiting for PostStartHookError
              Event FailedPostStartHook 2026-11-22 10:00:02Z
              Event Killing 2026-11-22 10:00:02Z: FailedPostStartHook
              what PostStartHookError says: hidden, since it holds the hook's
              output; --show-output shows it
    Next      mend the hook; in a HookedWorkload spec.hooks.policies can try it
              again (retries) or let the container live (failurePolicy: Ignore)
",
    );
    let explanation = story::explain(&found, true, now());
    assert!(serde_json::to_string(&explanation).unwrap().contains("hush"));
}

#[test]
fn memory_that_ran_out_is_told_with_the_limit() {
    let container = json!({"name": "web", "resources": {"limits": {"memory": "24Mi"}}});
    check(
        &found(&json!({}), &container, &restarted(137, "OOMKilled"), &[]),
        "
Pod shop/web-1  Running, on node n1, of no workload

Container web  running, 1 restart
  Instance 2 is running
  Instance 1 was killed: OOMKilled
    It used all the memory that its limit of 24Mi gives it.
    Evidence  container status: ended 2026-11-22 10:00:03Z with exit code 137
              (SIGKILL), reason OOMKilled
    Next      raise resources.limits.memory, or make the program need less
",
    );
}

#[test]
fn a_failed_probe_is_told_by_its_event() {
    let container = json!({"name": "web", "livenessProbe": {"exec": {"command": ["false"]}}});
    let killing = [("Killing", 2, "Container web failed liveness probe, will be restarted")];
    check(
        &found(&json!({}), &container, &restarted(0, "Completed"), &killing),
        "
Pod shop/web-1  Running, on node n1, of no workload

Container web  running, 1 restart
  Instance 2 is running
  Instance 1 was killed: LivenessProbeFailed
    Its liveness probe failed as often as it may, so the kubelet stopped it to
    start it again.
    Evidence  container status: ended 2026-11-22 10:00:03Z with exit code 0
              Event Killing 2026-11-22 10:00:02Z: failed liveness probe
    Next      `kubectl describe pod` has what the probe said; raise
              failureThreshold or timeoutSeconds if the program was only slow
",
    );
}

#[test]
fn a_grace_period_that_was_too_short_is_told_with_its_times() {
    let deleted =
        json!({"metadata": {"deletionTimestamp": "2026-11-22T10:00:03Z", "deletionGracePeriodSeconds": 2}});
    let status = json!({"name": "web", "restartCount": 0, "state": ended(137, "Error")});
    check(
        &found(&deleted, &json!({"name": "web"}), &status, &[("Killing", 1, "Stopping container web")]),
        "
Pod shop/web-1  Terminating, on node n1, of no workload

Container web  ended with 137
  Instance 1 was killed: GracePeriodExceeded
    It was asked to stop, and its program was still running when the grace
    period of 2 s was over: SIGKILL ended it.
    Evidence  container status: ended 2026-11-22 10:00:03Z with exit code 137
              (SIGKILL)
              Event Killing 2026-11-22 10:00:01Z
              Pod metadata: deleted 2026-11-22 10:00:01Z with 2 s of grace,
              until 2026-11-22 10:00:03Z
    Next      make the program end on its stop signal (a shell as first process
              passes none on), or raise terminationGracePeriodSeconds
",
    );
}

#[test]
fn a_program_that_ended_by_itself_was_not_killed() {
    check(
        &found(&json!({}), &json!({"name": "web"}), &restarted(7, "Error"), &[]),
        "
Pod shop/web-1  Running, on node n1, of no workload

Container web  running, 1 restart
  Instance 2 is running
  Instance 1 ended, it was not killed
    Its program ended by itself with exit code 7.
    Evidence  container status: ended 2026-11-22 10:00:03Z with exit code 7
",
    );
}

#[test]
fn a_container_that_waits_for_its_image_has_no_instance() {
    let status = json!({"name": "web", "restartCount": 0, "state": {"waiting": {"reason": "ErrImagePull"}}});
    check(
        &found(&json!({}), &json!({"name": "web"}), &status, &[]),
        "
Pod shop/web-1  ErrImagePull, on node n1, of no workload

Container web  waiting: ErrImagePull
  No instance of it has run yet.
",
    );
}

#[test]
fn an_eviction_is_told_with_the_words_of_the_pod() {
    let evicted = json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory"}});
    let status = json!({"name": "web", "restartCount": 0, "state": ended(137, "Error")});
    check(
        &found(&evicted, &json!({"name": "web"}), &status, &[]),
        "
Pod shop/web-1  Evicted, on node n1, of no workload
Pod status: Evicted: The node was low on resource: memory.

Container web  ended with 137
  Instance 1 was killed: Evicted
    The kubelet evicted its Pod because its node was short of something.
    Evidence  container status: ended 2026-11-22 10:00:03Z with exit code 137
              (SIGKILL)
              the kubelet had evicted its Pod 2026-11-22 10:00:03Z
    Next      `kubectl describe node` tells of its pressure; requests protect a
              Pod
",
    );
}

#[test]
fn a_pod_that_is_gone_is_told_of_by_what_its_workload_remembers() {
    let run: HookRunStatus = serde_json::from_value(json!({
        "pod": "web-1", "podUID": "u-1", "node": "n1", "container": "web", "restartCount": 1, "execution": 2, "hook": "PostStart",
        "handler": "Exec", "outcome": "Failed", "source": "Runner", "duration": "775µs", "message": "exited with 3", "output": "hush",
    }))
    .unwrap();
    let kill: KillStatus = serde_json::from_value(json!({
        "reason": "PostStartHookFailed", "count": 2, "lastTime": "2026-11-22T10:00:03.000000Z", "lastPod": "web-1", "lastContainer": "web",
    }))
    .unwrap();
    let memories = vec![Memory { workload: "web".to_owned(), runs: vec![run], kills: vec![kill] }];
    let explanation = memory::explain("shop", "web-1", memories, false);
    assert!(!serde_json::to_string(&explanation).unwrap().contains("hush"));
    let lines: Vec<String> =
        text::lines(&explanation, Some(80)).iter().map(|line| line.text(false)).collect();
    assert_eq!(
        lines.join("\n"),
        "Pod shop/web-1  gone, on node n1, of HookedWorkload web
The workload remembers its last runs and the last kill of each reason: there may
have been more.

Container web  gone
  Was killed: PostStartHookFailed, 2026-11-22 10:00:03Z
    Its postStart hook failed, and Kubernetes kills a container whose postStart
    hook fails.
    Next      mend the hook; in a HookedWorkload spec.hooks.policies can try it
              again (retries) or let the container live (failurePolicy: Ignore)
  What its workload remembers of its hooks
    instance 2 PostStart Failed after 775µs: exited with 3"
    );
}
