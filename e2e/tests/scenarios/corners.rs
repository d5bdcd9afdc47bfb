//! Where the truth about a hook is easily told wrongly: a hook that is cut off while its program ends as it should,
//! memory that ran out elsewhere in the container, and what keeps Pods from being let go.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookedWorkload, KillReason, Source};
use hooked_e2e::{
    Container, Security, Space, Workload, agree, condition, hook, in_namespace, kills, sh, wait_for,
};
use serde_json::{Value, json};

/// Stops a workload of one container after it has become ready, and returns what is told of it.
async fn run_and_stop(space: &Space, workload: Workload) -> Result<HookedWorkload> {
    space.apply(&workload.witnessed(&space.files)).await?;
    space.until_ready("web").await?;
    space.until_stopped("web").await
}

/// Whether the only preStop has timed out, and is told to be unhealthy; and why containers were killed.
fn check_timed_out(workload: &HookedWorkload, source: Source, killed: &[(KillReason, i64)]) -> Result<()> {
    let told = hook(workload, "web", HookKind::PreStop)?;
    ensure!((told.timed_out, told.succeeded, told.failed, told.unknown) == (1, 0, 0, 0), "{told:?}");
    let runs = &workload.status.as_ref().context("no status")?.recent_runs;
    ensure!(runs.iter().all(|run| run.source == source), "{runs:?}");
    ensure!(kills(workload) == killed, "{:?}", kills(workload));
    let healthy = condition(workload, "HooksHealthy").context("no condition")?;
    ensure!(healthy.status == "False", "{healthy:?}");
    Ok(())
}

/// `04-longer-than-grace.yaml`: nginx ends with 0 when it is asked to, so nothing is killed.
async fn check_cut_off(measurement: &str, source: Source) -> Result<()> {
    in_namespace(&format!("cut-off-{}", measurement.to_lowercase()), Security::Privileged, async |space| {
        let begins = sh("echo run >> /witness/line; sleep 600; echo end >> /witness/line");
        let workload = Workload::new("web", [Container::nginx("web").pre_stop(begins)])
            .with("hooks", json!({"measurement": measurement}));
        let workload = run_and_stop(space, workload).await?;
        ensure!(space.files.lines("line")? == ["run"], "the hook was not cut off");
        check_timed_out(&workload, source, &[])?;
        agree(space, "web").await
    })
    .await
}

#[tokio::test]
async fn a_measured_hook_that_is_cut_off_has_timed_out_though_its_program_ends_well() -> Result<()> {
    check_cut_off("Runner", Source::Runner).await
}

#[tokio::test]
async fn an_observed_hook_that_is_cut_off_has_timed_out_though_its_program_ends_well() -> Result<()> {
    check_cut_off("Observe", Source::Kubelet).await
}

/// A failing probe stops the container with a grace period of its own.
#[tokio::test]
async fn a_hook_that_a_probes_own_grace_period_cuts_off_has_timed_out() -> Result<()> {
    in_namespace("probes-grace", Security::Privileged, async |space| {
        // Only the hook that is to be cut off takes its time.
        let begins = sh("echo run >> /witness/line; test -e /witness/cut-off && exit 0
            touch /witness/cut-off; sleep 600; echo end >> /witness/line");
        let probe = json!({
            "exec": {"command": ["sh", "-c", "! test -e /tmp/ill"]}, "periodSeconds": 1, "failureThreshold": 1,
            "timeoutSeconds": 60, "terminationGracePeriodSeconds": 30,
        });
        // The program falls ill once: its container is stopped by the probe, and the next one by nobody.
        let program = "test -e /witness/was-ill || { touch /witness/was-ill; touch /tmp/ill; }
            trap 'exit 0' TERM; while :; do sleep 0.2; done";
        let container = Container::script("web", program).with("livenessProbe", probe).pre_stop(begins);
        space.apply(&measured(container).witnessed(&space.files)).await?;
        let timed_out = |workload: &HookedWorkload| {
            hook(workload, "web", HookKind::PreStop).is_ok_and(|told| told.timed_out == 1)
        };
        let workload = space.until("web", "the hook's time-out is counted", timed_out).await?;
        ensure!(space.files.lines("line")? == ["run"], "the hook was not cut off once");
        check_timed_out(&workload, Source::Runner, &[(KillReason::LivenessProbeFailed, 1)])?;
        // A namespace with a Pod that may take so long is looked at again after half of that time.
        space.until_stopped("web").await.map(drop)
    })
    .await
}

/// A workload whose hooks run under the runner, with time to do so.
fn measured(container: Container) -> Workload {
    Workload::new("web", [container]).with("hooks", json!({"measurement": "Runner"})).grace(600)
}

/// A container that may have no more than 40 MiB of memory.
fn small(container: Container) -> Container {
    container.with("resources", json!({"limits": {"memory": "40Mi"}}))
}

/// `05-child-out-of-memory.yaml`: the kubelet says `OOMKilled` of a program that ended with 0 when it was asked to.
#[tokio::test]
async fn a_child_that_ran_out_of_memory_is_no_kill_of_its_container() -> Result<()> {
    in_namespace("child-memory", Security::Privileged, async |space| {
        let program = "trap 'echo term >> /witness/line; exit 0' TERM
            tail /dev/zero & wait $!; touch /tmp/child-is-gone; while :; do sleep 0.2; done";
        let ready = json!({"exec": {"command": ["test", "-e", "/tmp/child-is-gone"]}, "periodSeconds": 1});
        let container =
            small(Container::script("web", program)).with("readinessProbe", ready).pre_stop(sh("true"));
        let workload = run_and_stop(space, measured(container)).await?;
        ensure!(space.files.lines("line")? == ["term"], "the program was not asked once");
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        let told = hook(&workload, "web", HookKind::PreStop)?;
        ensure!((told.succeeded, told.failed) == (1, 0), "{told:?}");
        agree(space, "web").await
    })
    .await
}

/// The hook's own process is killed, and that is a failure of the hook.
#[tokio::test]
async fn a_hook_that_runs_out_of_memory_is_the_reason_of_its_kill() -> Result<()> {
    in_namespace("hook-memory", Security::Privileged, async |space| {
        let hungry = json!({"exec": {"command": ["tail", "/dev/zero"]}});
        let container = small(Container::polite("web")).pre_stop(hungry);
        let workload = run_and_stop(space, measured(container)).await?;
        ensure!(kills(&workload) == [(KillReason::PreStopHookFailed, 1)], "{:?}", kills(&workload));
        let told = hook(&workload, "web", HookKind::PreStop)?;
        ensure!((told.succeeded, told.failed) == (0, 1), "{told:?}");
        agree(space, "web").await
    })
    .await
}

/// The container's image is changed in place, which is nobody's fault.
#[tokio::test]
async fn a_container_whose_image_is_changed_in_place_is_killed_for_that() -> Result<()> {
    in_namespace("image-changed", Security::Privileged, async |space| {
        let container = Container::polite("web").pre_stop(sh("echo run >> /witness/line"));
        space.apply(&Workload::new("web", [container]).witnessed(&space.files)).await?;
        space.until_ready("web").await?;
        let pods = space.pods("web").await?;
        let name = pods.first().and_then(|pod| pod.metadata.name.as_deref()).context("no Pod")?;
        space.kubectl(&["set", "image", &format!("pod/{name}"), "web=nginx"]).await?;
        let killed = |workload: &HookedWorkload| kills(workload) == [(KillReason::SpecChanged, 1)];
        let workload = space.until("web", "the kill has its reason", killed).await?;
        let told = hook(&workload, "web", HookKind::PreStop)?;
        ensure!((space.files.count("line")?, told.failed) == (1, 0), "{told:?}");
        Ok(())
    })
    .await
}

/// `12-policy-for-nobody.yaml`.
#[tokio::test]
async fn policies_that_match_nothing_are_named_in_a_condition_and_in_an_event() -> Result<()> {
    in_namespace("idle-policies", Security::Privileged, async |space| {
        let policies = json!([
            {"container": "wbe", "hook": "PreStop", "timeoutSeconds": 2},
            {"container": "web", "hook": "PostStart", "timeoutSeconds": 2},
        ]);
        let container = Container::nginx("web")
            .post_start(json!({"httpGet": {"port": 80, "path": "/"}}))
            .pre_stop(sh("true"));
        space.apply(&Workload::new("web", [container]).with("hooks", json!({"policies": policies}))).await?;
        let is_told = |workload: &HookedWorkload| {
            condition(workload, "Measured").is_some_and(|measured| {
                (&*measured.status, &*measured.reason) == ("False", "PolicyMatchesNothing")
                    && ["policies[0]", "wbe", "policies[1]"]
                        .iter()
                        .all(|word| measured.message.contains(word))
            })
        };
        space.until("web", "both policies are named", is_told).await?;
        space.until_event("web", "PolicyMatchesNothing", "policies[0]").await
    })
    .await
}

/// Refuses every change of Pods in the namespaces that are labelled for it.
fn no_updates(name: &str) -> [Value; 2] {
    let group = "admissionregistration.k8s.io/v1";
    let pods =
        json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods"]}]);
    let policy = json!({
        "apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": pods},
            "validations": [{"expression": "false", "message": "Pods are not changed here"}],
        },
    });
    let binding = json!({
        "apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {
            "policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}},
        },
    });
    [policy, binding]
}

/// `10-update-forbidden.yaml`: the finalizer that keeps the Pods is ours, so it is for us to say so.
#[tokio::test]
async fn pods_that_may_not_be_let_go_are_told_of_in_the_servers_words() -> Result<()> {
    in_namespace("no-updates", Security::Privileged, async |space| {
        let container = Container::polite("web").pre_stop(sh("true"));
        space.apply(&Workload::new("web", [container]).replicas(2)).await?;
        space.until_ready("web").await?;
        for manifest in no_updates(&space.name) {
            space.apply_manifest(&manifest).await?;
        }
        let outcome = until_refused(space).await;
        // The policy would keep the scenario's namespace for ever.
        for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
            space.kubectl(&["delete", kind, &space.name]).await?;
        }
        outcome?;
        space.until_no_pods("web").await?;
        let is_well = |workload: &HookedWorkload| condition(workload, "ReplicaFailure").is_none();
        space.until("web", "nothing is refused any more", is_well).await.map(drop)
    })
    .await
}

async fn until_refused(space: &Space) -> Result<()> {
    // The API server takes a policy into account a moment after it has stored it.
    wait_for("the policy is in force", async || {
        let pods = space.pods("web").await?;
        let name = pods.first().and_then(|pod| pod.metadata.name.clone()).context("no Pod")?;
        let tried = space.kubectl(&["label", "pod", &name, "try=it", "--dry-run=server"]).await;
        Ok(tried.err().ok_or_else(|| "a change is taken".to_owned()))
    })
    .await?;
    space.scale("web", 0).await?;
    let is_told = |workload: &HookedWorkload| {
        condition(workload, "ReplicaFailure")
            .is_some_and(|told| told.status == "True" && told.message.contains("Pods are not changed here"))
    };
    space.until("web", "the server's words are in a condition", is_told).await?;
    space.until_event("web", "FailedUpdate", "Pods are not changed here").await
}
