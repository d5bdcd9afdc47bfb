//! What is recorded: a Pod, what is done to it, and what is to be concluded of it.

use serde_json::{Value, json};

/// A scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What happens, in a sentence.
    pub(crate) about: &'static str,
    /// The Pod's spec.
    pub(crate) pod: Value,
    /// Whether its postStart does not return, so that it never runs.
    pub(crate) hangs: bool,
    pub(crate) deed: Deed,
    pub(crate) until: Until,
    /// Outcomes and kills by container, as who has written the scenario knows them.
    pub(crate) expect: Value,
}

/// What is done to the Pod once it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    Nothing,
    Delete,
    Force,
    Evict,
    /// The container's image is changed in place.
    ChangeImage,
}

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Running,
    Started,
    Ended,
    Restarted(i64),
    PastDeadline,
}

const POLITE: &str = "trap 'exit 0' TERM; sleep 1000 & wait";
const DEAF: &str = "trap '' TERM; while true; do sleep 1; done";

fn sh(script: &str) -> Value {
    json!({"exec": {"command": ["/bin/sh", "-c", script]}})
}

fn container(name: &str, program: &str, lifecycle: &Value) -> Value {
    json!({
        "name": name, "image": "busybox", "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", program], "lifecycle": lifecycle,
    })
}

fn with(mut container: Value, field: &str, value: Value) -> Value {
    container[field] = value;
    container
}

fn pod(grace: u32, container: &Value) -> Value {
    json!({"terminationGracePeriodSeconds": grace, "containers": [container]})
}

/// What is concluded of the container `web`.
fn web(post_start: &[&str], pre_stop: &[&str], kills: &[&str]) -> Value {
    json!({"web": {"postStart": post_start, "preStop": pre_stop, "kills": kills}})
}

fn deleted(name: &'static str, about: &'static str, pod: Value, expect: Value) -> Scenario {
    Scenario { name, about, pod, hangs: false, deed: Deed::Delete, until: Until::Ended, expect }
}

fn restarted(name: &'static str, about: &'static str, pod: Value, expect: Value) -> Scenario {
    let (deed, until) = (Deed::Nothing, Until::Restarted(1));
    Scenario { name, about, pod, hangs: false, deed, until, expect }
}

/// Every scenario there is.
pub(crate) fn all() -> Vec<Scenario> {
    let mut all = stops();
    all.extend(starts());
    all.extend(deaths());
    all.extend(corners());
    all
}

fn stops() -> Vec<Scenario> {
    let pre_stop = |script: &str| json!({"preStop": sh(script)});
    let two = json!({
        "terminationGracePeriodSeconds": 5,
        "initContainers": [{
            "name": "proxy", "image": "busybox", "imagePullPolicy": "IfNotPresent", "restartPolicy": "Always",
            "command": ["/bin/sh", "-c", POLITE], "lifecycle": pre_stop("exit 2"),
        }],
        "containers": [container("web", POLITE, &pre_stop("sleep 1"))],
    });
    let both = json!({
        "web": {"postStart": [], "preStop": ["Unknown"], "kills": []},
        "proxy": {"postStart": [], "preStop": ["Failed"], "kills": ["PreStopHookFailed"]},
    });
    vec![
        deleted(
            "pre-stop-outlasts-the-grace",
            "preStop sleeps longer than the grace period and the program does not hear its stop signal",
            pod(3, &container("web", DEAF, &pre_stop("sleep 60"))),
            web(&[], &["TimedOut"], &["GracePeriodExceededInPreStop"]),
        ),
        deleted(
            "program-does-not-stop",
            "preStop is done at once and the program does not hear its stop signal",
            pod(3, &container("web", DEAF, &pre_stop("true"))),
            web(&[], &["Unknown"], &["GracePeriodExceeded"]),
        ),
        deleted(
            "pre-stop-fails",
            "preStop exits with 4 and the program stops when it is asked to",
            pod(5, &container("web", POLITE, &pre_stop("sleep 1; exit 4"))),
            web(&[], &["Failed"], &["PreStopHookFailed"]),
        ),
        deleted(
            "pre-stop-sleeps",
            "preStop is a sleep handler",
            pod(10, &container("web", POLITE, &json!({"preStop": {"sleep": {"seconds": 2}}}))),
            web(&[], &["Unknown"], &[]),
        ),
        deleted("sidecar-and-app", "a sidecar and an app container each have a preStop", two, both),
        Scenario {
            deed: Deed::Force,
            ..deleted(
                "force-deletion",
                "the Pod is deleted with force while its preStop would sleep",
                pod(30, &container("web", DEAF, &pre_stop("sleep 60"))),
                web(&[], &["TimedOut"], &["ForceDeleted"]),
            )
        },
        Scenario {
            deed: Deed::Evict,
            ..deleted(
                "eviction-by-the-api",
                "the Pod is evicted as a drain does it: an ordinary stop",
                pod(5, &container("web", POLITE, &pre_stop("true"))),
                web(&[], &["Unknown"], &[]),
            )
        },
    ]
}

fn starts() -> Vec<Scenario> {
    let post_start = |handler: Value| json!({"postStart": handler});
    let failing = |name, about, handler| {
        let expect = web(&["Failed"], &[], &["PostStartHookFailed"]);
        restarted(name, about, pod(3, &container("web", POLITE, &post_start(handler))), expect)
    };
    vec![
        restarted(
            "post-start-fails",
            "postStart exits with 3, so the container is killed, and its preStop runs although it is not the cause",
            pod(
                3,
                &container(
                    "web",
                    POLITE,
                    &json!({"postStart": sh("echo boo; exit 3"), "preStop": sh("true")}),
                ),
            ),
            web(&["Failed"], &["Unknown"], &["PostStartHookFailed"]),
        ),
        failing(
            "post-start-http-refused",
            "postStart asks a port that nobody listens on",
            json!({"httpGet": {"port": 9, "path": "/"}}),
        ),
        failing(
            "post-start-tcp",
            "postStart is a tcpSocket, which the API accepts and the kubelet cannot do",
            json!({"tcpSocket": {"port": 80}}),
        ),
        failing(
            "post-start-command-not-found",
            "postStart's command does not exist",
            json!({"exec": {"command": ["/no/such/thing"]}}),
        ),
        Scenario {
            until: Until::Ended,
            ..restarted(
                "post-start-cut-off-by-its-program",
                "the program exits at once and takes its postStart with it",
                json!({"restartPolicy": "Never", "containers": [
                    container("web", "sleep 1", &post_start(sh("sleep 5"))),
                ]}),
                web(&["Unknown"], &[], &[]),
            )
        },
        Scenario {
            name: "post-start-hangs",
            about: "postStart does not return, the Pod is deleted, and its kubelet waits for ever",
            pod: pod(
                3,
                &container("web", POLITE, &json!({"postStart": sh("sleep 1000"), "preStop": sh("true")})),
            ),
            hangs: true,
            deed: Deed::Delete,
            until: Until::PastDeadline,
            expect: json!({"web": {"postStart": [], "preStop": [], "kills": [], "running": 1}}),
        },
    ]
}

fn deaths() -> Vec<Scenario> {
    let pre_stop = json!({"preStop": sh("true")});
    let probe = json!({"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1});
    let polite = || container("web", POLITE, &pre_stop);
    vec![
        restarted(
            "out-of-memory",
            "the container runs out of memory, and no preStop is run",
            pod(
                3,
                &with(
                    container("web", "s=0123456789; while true; do s=$s$s; done", &pre_stop),
                    "resources",
                    json!({"limits": {"memory": "24Mi"}}),
                ),
            ),
            web(&[], &["Skipped"], &["OOMKilled"]),
        ),
        restarted(
            "liveness-fails",
            "the liveness probe fails; the program stops when it is asked to and exits with 0",
            pod(3, &with(polite(), "livenessProbe", probe.clone())),
            web(&[], &["Unknown"], &["LivenessProbeFailed"]),
        ),
        restarted(
            "startup-fails",
            "the startup probe fails",
            pod(3, &with(polite(), "startupProbe", probe)),
            web(&[], &["Unknown"], &["StartupProbeFailed"]),
        ),
        restarted(
            "program-exits",
            "the program exits by itself, so that no preStop is run and nothing is killed",
            pod(3, &container("web", "sleep 1; exit 1", &pre_stop)),
            web(&[], &["Skipped"], &[]),
        ),
        evicted(&pre_stop),
    ]
}

/// What is cut off and not killed, what is not killed by memory, and what the spec explains.
fn corners() -> Vec<Scenario> {
    let pre_stop = |script: &str| json!({"preStop": sh(script)});
    let polite = || container("web", POLITE, &pre_stop("true"));
    let with_grace = json!({
        "exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1, "terminationGracePeriodSeconds": 2,
    });
    let slow = container("web", POLITE, &json!({"preStop": sh("sleep 60")}));
    vec![
        deleted(
            "pre-stop-cut-off-and-program-stops",
            "preStop sleeps longer than the grace period, at the end of which the program stops and exits with 0",
            pod(3, &container("web", POLITE, &pre_stop("sleep 60"))),
            web(&[], &["TimedOut"], &[]),
        ),
        deleted(
            "child-out-of-memory",
            "a child has run out of memory; the program lives on, and exits with 0 when it is asked to",
            pod(
                10,
                &with(
                    container(
                        "web",
                        "trap 'exit 0' TERM; (tail /dev/zero) & while :; do sleep 0.2; done",
                        // The container is shown as Running only when the child is gone.
                        &json!({"postStart": sh("sleep 5"), "preStop": sh("true")}),
                    ),
                    "resources",
                    json!({"limits": {"memory": "40Mi"}}),
                ),
            ),
            web(&["Succeeded"], &["Unknown"], &[]),
        ),
        restarted(
            "pre-stop-outlasts-a-probes-grace",
            "the liveness probe has a grace period of its own, which is shorter than the preStop",
            pod(30, &with(slow, "livenessProbe", with_grace)),
            web(&[], &["TimedOut"], &["LivenessProbeFailed"]),
        ),
        Scenario {
            deed: Deed::ChangeImage,
            ..restarted(
                "image-changed",
                "the container's image is changed in place, so the kubelet stops it and starts it anew",
                pod(5, &polite()),
                web(&[], &["Unknown"], &["SpecChanged"]),
            )
        },
    ]
}

fn evicted(pre_stop: &Value) -> Scenario {
    Scenario {
        until: Until::Ended,
        ..restarted(
            "evicted-by-the-kubelet",
            "the container writes more than its limit of ephemeral storage, and the kubelet evicts the Pod",
            pod(
                5,
                &with(
                    container(
                        "web",
                        "dd if=/dev/zero of=/big bs=1M count=20; trap 'exit 0' TERM; sleep 1000 & wait",
                        pre_stop,
                    ),
                    "resources",
                    json!({"limits": {"ephemeral-storage": "5Mi"}}),
                ),
            ),
            web(&[], &["Unknown"], &["Evicted"]),
        )
    }
}
