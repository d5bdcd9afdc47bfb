//! What is made of the words of kubelet and runtimes, as these write them.

use serde_json::{Value, json};

use super::*;
use crate::lifecycle::RunnerSight;

const IMAGE: &str = "registry.example/hooked:1";

/// A Pod with the runner, which comes in by an image volume or else by the init container, and with this status.
fn pod(by_volume: bool, status: &Value) -> ObservedPod {
    let command = [RUNNER_PATH, "run", "--container", "web", "--hook", "PostStart", "--", "sh", "-c", "true"];
    let web =
        json!({"name": "web", "image": "web:1", "lifecycle": {"postStart": {"exec": {"command": command}}}});
    let volumes =
        json!([{"name": "hooked-runner", "image": {"reference": IMAGE}}, {"name": "hooked-records"}]);
    let installer = json!([{"name": "hooked-install", "image": IMAGE}]);
    let spec = if by_volume {
        json!({"containers": [web], "initContainers": installer, "volumes": volumes})
    } else {
        json!({"containers": [web], "initContainers": installer})
    };
    ObservedPod {
        spec: serde_json::from_value(spec).unwrap(),
        status: serde_json::from_value(status.clone()).unwrap(),
        created: Some(at(10)),
        ..ObservedPod::numbered("u", 1)
    }
}

/// A moment; the Pod was made in second 10.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn check(by_volume: bool, status: &Value, expect: Option<Inability>) {
    let pod = pod(by_volume, status);
    let nothing = if has_installed(&pod) { RunnerSight::Tried } else { RunnerSight::InPlace };
    let sight = expect.map_or(nothing, RunnerSight::CannotRun);
    assert_eq!(pod.runner(at(100)), sight, "{status}");
}

fn waits(list: &str, name: &str, reason: &str, message: &str) -> Value {
    let waiting = json!({"reason": reason, "message": message});
    json!({"phase": "Pending", list: [{"name": name, "restartCount": 0, "state": {"waiting": waiting}}]})
}

fn check_volume(reason: &str, message: &str, expect: Option<Inability>) {
    check(true, &waits("containerStatuses", "web", reason, message), expect);
}

fn check_installer(reason: &str, message: &str, expect: Option<Inability>) {
    check(false, &waits("initContainerStatuses", "hooked-install", reason, message), expect);
}

/// The init container has ended so, and waits to be started again.
fn check_ended(exit_code: i32, reason: &str, message: &str, restarts: u32, expect: Option<Inability>) {
    let ended =
        json!({"exitCode": exit_code, "reason": reason, "message": message, "containerID": "containerd://a"});
    let state =
        json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed"}});
    let of = |state: Value, last: Value| {
        json!({"initContainerStatuses": [
            {"name": "hooked-install", "restartCount": restarts, "state": state, "lastState": last},
        ]})
    };
    check(false, &of(json!({"terminated": ended}), json!({})), expect);
    check(false, &of(state, json!({"terminated": ended})), expect);
}

/// The postStart of `web` has failed with this error, as the kubelet words it.
fn check_hook(error: &str, output: &str, expect: Option<Inability>) {
    let words = format!(
        "Exec lifecycle hook ([{RUNNER_PATH} run --container web --hook PostStart -- sh -c true]) for Container \"web\" \
         in Pod \"web-1_shop(0a1b)\" failed - error: {error}, message: \"{output}\""
    );
    check_volume("PostStartHookError", &words, expect);
    assert_eq!(of_hook(&words), expect);
}

const CONTAINERD: &str = "rpc error: code = Unknown desc = failed to exec in container: failed to start exec \
                          \"a1\": OCI runtime exec failed: exec failed: unable to start container process: ";
const CRI_O: &str = "rpc error: code = Unknown desc = command error: time=\"2026-11-26T09:00:00Z\" level=error \
                     msg=\"exec failed: unable to start container process: ";

#[test]
fn a_hook_whose_runner_the_runtime_cannot_execute_is_told_from_one_that_fails() {
    let (path, said) = (RUNNER_PATH, |words: &str| format!("{CONTAINERD}{words}: unknown"));
    let missing = said(&format!("exec: \"{path}\": stat {path}: no such file or directory"));
    check_hook(&missing, "", Some(Inability::Missing));
    check_hook(&said(&format!("exec: \"{path}\": permission denied")), "", Some(Inability::Forbidden));
    check_hook(&said(&format!("eaccess {path}: permission denied")), "", Some(Inability::Forbidden));
    check_hook(&said(&format!("exec: \"{path}\": operation not permitted")), "", Some(Inability::Forbidden));
    check_hook(&said(&format!("exec {path}: exec format error")), "", Some(Inability::OtherArchitecture));
    let of_cri_o =
        format!("{CRI_O}exec: \\\"{path}\\\": permission denied\", stdout: , stderr: , exit code -1");
    check_hook(&of_cri_o, "", Some(Inability::Forbidden));
    let of_crun = format!(
        "rpc error: code = Unknown desc = executable file `{path}` not found: No such file or directory"
    );
    check_hook(&of_crun, "", Some(Inability::Missing));
    // runc has let go of its channel before it executes the program.
    let exited =
        |code: i32, words: &str| format!("command '{path} run -- sh -c true' exited with {code}: {words}");
    let printed = format!("exec {path}: exec format error");
    check_hook(&exited(255, &printed), &format!("{printed}\\n"), Some(Inability::OtherArchitecture));
    check_hook(
        &exited(255, &printed),
        &format!("exec {path}: permission denied\\n"),
        Some(Inability::Forbidden),
    );
}

#[test]
fn a_hook_that_fails_itself_is_no_matter_of_the_runner_whatever_it_says() {
    let path = RUNNER_PATH;
    let exited = |code: i32| format!("command '{path} run -- sh -c true' exited with {code}: ");
    check_hook(&exited(3), "boo\\n", None);
    check_hook(&exited(126), "sh: /hooks/register: Permission denied\\n", None);
    check_hook(&exited(127), "sh: nope: not found\\n", None);
    check_hook(&exited(1), &format!("cat: {path}: no such file or directory\\n"), None);
    check_hook(&exited(125), "hook-runner: usage: hook-runner run …\\n", Some(Inability::Outdated));
    check_hook(&exited(1), "hook-runner: usage: hook-runner run …\\n", None);
    check_hook(&exited(125), "hook-runner: 125 is what a hook may exit with\\n", None);
    check_hook(&exited(255), "exec /bin/other: exec format error\\n", None);
    // A node that is out of something is no matter of the runner either.
    let cgroup =
        "error adding pid 3095 to cgroups: open /sys/fs/cgroup/x/cgroup.procs: no such file or directory";
    check_hook(&format!("{CONTAINERD}{cgroup}: unknown"), "", None);
    check_hook(&format!("{CONTAINERD}exec: \"sh\": executable file not found in $PATH: unknown"), "", None);
}

#[test]
fn an_image_of_the_runner_that_cannot_be_pulled_is_told_from_the_users_own() {
    let back_off =
        format!("Back-off pulling image \"{IMAGE}\": ErrImagePull: failed to pull and unpack image");
    let unpack =
        format!("failed to pull and unpack image \"{IMAGE}\": failed to resolve reference: not found");
    for (reason, message) in [("ImagePullBackOff", &back_off), ("ErrImagePull", &unpack)] {
        check_installer(reason, message, Some(Inability::NotPulled));
        check_volume(reason, message, Some(Inability::NotPulled));
    }
    check_installer("InvalidImageName", "", Some(Inability::NotPulled));
    check_volume("ImagePullBackOff", "Back-off pulling image \"web:1\"", None);
    let both = format!("Back-off pulling image \"web:1\", as {IMAGE}");
    check_volume("ImagePullBackOff", &both, None);
    check(false, &waits("containerStatuses", "web", "ImagePullBackOff", &back_off), None);
}

#[test]
fn an_image_volume_that_the_runtime_refuses_is_told() {
    let failed = "ImageVolumeMountFailed: failed to mount image: no such device";
    check_volume("CreateContainerError", failed, Some(Inability::NotMounted));
    let nameless =
        "failed to generate spec: failed to apply OCI options: failed to mkdir \"\": mkdir : no such file";
    check_volume("CreateContainerError", nameless, Some(Inability::NotMounted));
    let docker = "Error response from daemon: invalid volume specification: ':/.hooked/runner'";
    check_volume("CreateContainerError", docker, Some(Inability::NotMounted));
    check_volume("CreateContainerError", "failed to reserve container name web", None);
    // Of two image volumes nobody knows which is meant.
    let mut two = pod(true, &waits("containerStatuses", "web", "CreateContainerError", failed));
    let other = json!({"name": "models", "image": {"reference": "models:1"}});
    two.spec.volumes.push(serde_json::from_value(other).unwrap());
    assert_eq!(two.runner(at(100)), RunnerSight::InPlace);
}

#[test]
fn an_init_container_that_cannot_be_started_or_fails_for_good_is_told() {
    let start = |words: &str| {
        format!(
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create \
             failed: unable to start container process: {words}: unknown"
        )
    };
    let missing = start("exec: \"/hook-runner\": stat /hook-runner: no such file or directory");
    check_installer("RunContainerError", &missing, Some(Inability::Missing));
    check_ended(128, "StartError", &missing, 0, Some(Inability::Missing));
    let forbidden = start("exec: \"/hook-runner\": permission denied");
    check_ended(128, "StartError", &forbidden, 0, Some(Inability::Forbidden));
    // What it prints is shown, since its log is asked for where it fails.
    check_ended(
        255,
        "Error",
        "exec /hook-runner: exec format error\n",
        0,
        Some(Inability::OtherArchitecture),
    );
    for passing in [128, 255] {
        check_ended(passing, "Error", "context deadline exceeded", 0, None);
    }
    check_ended(126, "Error", "", 0, Some(Inability::NotInstalled));
    check_ended(128, "Error", "", 3, Some(Inability::NotInstalled));
    check_ended(1, "Error", "hook-runner: cannot write: no space left on device", 0, None);
    check_ended(
        1,
        "Error",
        "hook-runner: cannot write: no space left on device",
        3,
        Some(Inability::NotInstalled),
    );
    check_ended(0, "Completed", "", 0, None);
    check_installer("PodInitializing", "", None);
}

#[test]
fn a_copy_that_the_installer_cannot_run_is_told_as_the_runtime_would_tell_it() {
    let says = |words: &str, expect| {
        check_ended(126, "Error", &format!("hook-runner: {words}\n"), 0, Some(expect));
    };
    says(&format!("exec: \"{RUNNER_PATH}\": permission denied"), Inability::Forbidden);
    says(&format!("exec {RUNNER_PATH}: operation not permitted"), Inability::Forbidden);
    says(&format!("exec {RUNNER_PATH}: exec format error"), Inability::OtherArchitecture);
    says(&format!("exec {RUNNER_PATH}: no such file or directory"), Inability::Missing);
    says(&format!("exec {RUNNER_PATH}: text file busy"), Inability::NotInstalled);
    // What may pass has three more attempts.
    let lacks = "hook-runner: exec: Resource temporarily unavailable (os error 11)\n";
    check_ended(1, "Error", lacks, 2, None);
    check_ended(1, "Error", lacks, 3, Some(Inability::NotInstalled));
}

#[test]
fn an_image_volume_that_is_tried_out_shows_what_keeps_the_runner_from_running() {
    let check_tester = |state: Value, last: Value, expect| {
        let tester = json!({"name": "hooked-install", "restartCount": 1, "state": state, "lastState": last});
        let others = json!([{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]);
        check(true, &json!({"initContainerStatuses": [tester], "containerStatuses": others}), expect);
    };
    let waiting = |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
    let not_started = |words: &str| {
        let message = format!(
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: \
             unable to start container process: error during container init: exec: \"{RUNNER_PATH}\": {words}: unknown"
        );
        json!({"terminated": {"exitCode": 128, "reason": "StartError", "message": message}})
    };
    let back_off = || waiting("CrashLoopBackOff", "back-off 10s restarting failed container");
    for (words, expect) in [
        ("permission denied".to_owned(), Inability::Forbidden),
        ("exec format error".to_owned(), Inability::OtherArchitecture),
        (format!("stat {RUNNER_PATH}: no such file or directory"), Inability::Missing),
    ] {
        check_tester(not_started(&words), json!({}), Some(expect));
        check_tester(back_off(), not_started(&words), Some(expect));
        let told = not_started(&words)["terminated"]["message"].as_str().unwrap().to_owned();
        check_tester(waiting("RunContainerError", &told), json!({}), Some(expect));
    }
    let printed = format!("exec {RUNNER_PATH}: exec format error\n");
    let printed = json!({"terminated": {"exitCode": 255, "reason": "Error", "message": printed}});
    check_tester(printed, json!({}), Some(Inability::OtherArchitecture));
    // The kubelet pulls the images of volumes before the container's own.
    let not_pulled = format!("failed to pull and unpack image \"{IMAGE}\": not found");
    check_tester(waiting("ErrImagePull", &not_pulled), json!({}), Some(Inability::NotPulled));
    let not_mounted = "ImageVolumeMountFailed: failed to mount image: no such device";
    check_tester(waiting("CreateContainerError", not_mounted), json!({}), Some(Inability::NotMounted));
    check_tester(waiting("PodInitializing", ""), json!({}), None);
    let told = json!({"terminated": {"exitCode": 0, "message": "hooked.dev/check amd64 0.1.0\n"}});
    check_tester(told, json!({}), None);
}

#[test]
fn a_pod_without_the_runner_shows_nothing_of_it() {
    let status = waits("initContainerStatuses", "hooked-install", "ImagePullBackOff", "");
    let mut bare = pod(false, &status);
    bare.spec.containers[0].lifecycle =
        serde_json::from_value(json!({"preStop": {"exec": {"command": ["sh"]}}})).unwrap();
    assert_eq!(bare.runner(at(100)), RunnerSight::Absent);
    bare.spec.containers[0].lifecycle = None;
    assert_eq!(bare.runner(at(100)), RunnerSight::NotNeeded);
}

#[test]
fn what_is_stored_of_an_inability_is_read_back() {
    for known in Inability::ALL {
        assert_eq!(Inability::from_name(known.as_str()), known);
        assert!(!known.what().is_empty() && !known.remedy().is_empty());
    }
    assert_eq!(Inability::from_name("OfALaterVersion"), Inability::NotInstalled);
}

/// A registry that asks to be asked later, or a kubelet that pulls enough already.
#[test]
fn a_pull_that_fails_is_believed_to_fail_for_good_after_a_while_only() {
    let quick = "pull QPS exceeded";
    let waiting = |reason| waits("initContainerStatuses", "hooked-install", reason, quick);
    for (reason, second, expect) in [
        ("ErrImagePull", 10, RunnerSight::InPlace),
        ("ImagePullBackOff", 39, RunnerSight::InPlace),
        ("ImagePullBackOff", 40, RunnerSight::CannotRun(Inability::NotPulled)),
        ("ErrImageNeverPull", 10, RunnerSight::CannotRun(Inability::NotPulled)),
    ] {
        assert_eq!(pod(false, &waiting(reason)).runner(at(second)), expect, "{reason} in second {second}");
    }
}

/// What the kubelet still says of it is over.
#[test]
fn an_installer_that_has_ended_well_shows_that_the_runner_runs() {
    let failed = json!({"terminated": {"exitCode": 128, "reason": "StartError", "message": "exec: \"/hook-runner\": permission denied"}});
    let restarted = json!({"terminated": {"exitCode": 137, "reason": "RestartingAllContainers"}});
    let well = json!({"terminated": {"exitCode": 0, "reason": "Completed"}});
    let running = json!({"running": {}});
    for (state, last, restarts, expect) in [
        (&well, &failed, 5, RunnerSight::Tried),
        (&well, &restarted, 5, RunnerSight::Tried),
        (&running, &restarted, 5, RunnerSight::InPlace),
        (&running, &failed, 1, RunnerSight::CannotRun(Inability::Forbidden)),
    ] {
        let status = json!({"initContainerStatuses": [
            {"name": "hooked-install", "restartCount": restarts, "state": state, "lastState": last},
        ]});
        for by_volume in [false, true] {
            assert_eq!(pod(by_volume, &status).runner(at(100)), expect, "{status}");
        }
    }
}
