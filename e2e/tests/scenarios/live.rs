//! The live channel: a hook's end is known when it ends, one that hangs can be stopped, and who has nothing to say is
//! not heard.

use anyhow::{Context, Result, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use hooked_crd::{HookKind, HookRunStatus, HookedWorkload, Outcome, Source};
use hooked_e2e::{
    Container, Metrics, Security, Space, Stranger, Workload, agree, forged, hook, in_namespace, kills, sh,
    token, wait_for,
};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::Api;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// For one scenario at a time: on the node's network a Pod has the same address as this process, and as many may fail
/// at the operator's door as of one address.
static ADDRESS: Mutex<()> = Mutex::const_new(());

/// One replica whose exec hooks run under the runner.
fn measured(containers: impl IntoIterator<Item = Container>) -> Workload {
    Workload::new("web", containers).with("hooks", json!({"measurement": "Runner"}))
}

/// One whose postStart hook goes on until there is a file of its Pod's name. A runner's words at the end have 100 ms to
/// arrive: on a busy node they do only where it has been heard before.
fn heard() -> Container {
    let script = "echo run >> /witness/started; sleep 2; until [ -e /witness/$POD ]; do sleep 0.1; done";
    let pod = json!([{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]);
    Container::polite("web").with("env", pod).post_start(sh(script))
}

/// The hooks that run, as their runners tell.
fn running(workload: &HookedWorkload) -> impl Iterator<Item = &HookRunStatus> {
    let runs = workload.status.iter().flat_map(|status| &status.recent_runs);
    runs.filter(|run| run.outcome == Outcome::Running && run.source == Source::Runner)
}

/// Waits until so many runners are heard, has their hooks end, and returns what was told before.
async fn until_heard(space: &Space, runners: usize) -> Result<HookedWorkload> {
    let what = format!("{runners} runners are heard");
    let workload = space.until("web", &what, |workload| running(workload).count() == runners).await?;
    for run in running(&workload) {
        space.files.touch(&run.pod)?;
    }
    Ok(workload)
}

/// The settled postStart runs of a container that are told.
fn post_starts<'a>(workload: &'a HookedWorkload, container: &str) -> Vec<&'a HookRunStatus> {
    let runs = workload.status.iter().flat_map(|status| &status.recent_runs);
    let settled = |run: &&HookRunStatus| {
        run.container == container && run.hook == HookKind::PostStart && run.outcome != Outcome::Running
    };
    runs.filter(settled).collect()
}

/// Waits until the postStart hook of `web` is measured while its Pod lives.
async fn until_measured(space: &Space) -> Result<HookedWorkload> {
    space
        .until("web", "its postStart is measured", |workload| {
            post_starts(workload, "web")
                .first()
                .is_some_and(|run| run.source == Source::Runner && run.duration.is_some())
        })
        .await
}

#[tokio::test]
async fn a_post_start_is_measured_while_its_pod_lives_on_and_is_counted_once() -> Result<()> {
    in_namespace("live", Security::Privileged, async |space| {
        space.apply(&measured([heard()]).replicas(3).witnessed(&space.files)).await?;
        until_heard(space, 3).await?;
        let workload = space
            .until("web", "three postStarts are measured", |workload| {
                hook(workload, "web", HookKind::PostStart).is_ok_and(|counted| counted.duration.count == 3)
            })
            .await?;
        for run in post_starts(&workload, "web") {
            let duration = run.duration.context("no duration")?.0.as_secs_f64();
            ensure!(duration >= 2.0 && run.duration_error.is_some_and(|error| error.0.is_zero()), "{run:?}");
        }
        ensure!(hook(&workload, "web", HookKind::PostStart)?.succeeded == 3);
        let workload = space.until_stopped("web").await?;
        let counted = hook(&workload, "web", HookKind::PostStart)?;
        ensure!(counted.succeeded == 3 && space.files.count("started")? == 3, "{counted:?}");
        ensure!(counted.duration.count == 3, "{counted:?}");
        agree(space, "web").await
    })
    .await
}

#[tokio::test]
async fn a_hook_that_runs_is_shown_with_the_moment_of_its_beginning() -> Result<()> {
    in_namespace("live-running", Security::Privileged, async |space| {
        space.apply(&measured([heard()]).witnessed(&space.files)).await?;
        let workload = until_heard(space, 1).await?;
        let began = running(&workload).next().and_then(|run| run.start_time.clone());
        let workload = until_measured(space).await?;
        let run = post_starts(&workload, "web")[0].clone();
        ensure!(began.is_some() && run.start_time == began, "{began:?} and {run:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_hung_post_start_is_stopped_when_its_pod_is_to_go_and_one_of_the_kubelets_alone_is_not()
-> Result<()> {
    in_namespace("hung", Security::Privileged, async |space| {
        let hung = sh("echo run >> /witness/hung; while [ ! -e /witness/release ]; do sleep 0.2; done");
        let web =
            Container::polite("web").post_start(hung.clone()).pre_stop(sh("echo run >> /witness/stopped"));
        let later = Container::polite("later").post_start(sh("echo run >> /witness/later"));
        let workload = measured([web, later]).witnessed(&space.files);
        let mut plain = workload.manifest()["spec"]["template"].clone();
        plain["apiVersion"] = json!("v1");
        plain["kind"] = json!("Pod");
        plain["metadata"] = json!({"name": "plain"});
        space.apply(&workload).await?;
        space.apply_manifest(&plain).await?;
        space.files.until_lines("hung", 2).await?;
        let hooked = space.pods("web").await?.first().context("no Pod")?.name_any();
        space.kubectl(&["delete", "pod", &hooked, "plain", "--wait=false"]).await?;
        let pods: Api<Pod> = Api::namespaced(space.cluster.client.clone(), &space.name);
        let gone = wait_for("the Pod with the hung hook is gone", async || {
            Ok(pods.get_opt(&hooked).await?.map_or(Ok(()), |pod| Err(json!(pod.status).to_string())))
        })
        .await;
        let plain = pods.get_opt("plain").await?;
        let stopped = (space.files.count("stopped")?, space.files.count("later")?);
        // The Pod that took its place hangs too, and is not wanted any more.
        let stop = async {
            gone?;
            space.files.until_lines("hung", 3).await?;
            space.until_stopped("web").await
        };
        let workload = stop.await;
        // Whatever came of it, the plain Pod can then go.
        space.files.touch("release")?;
        let workload = workload?;
        ensure!(
            plain.is_some_and(|pod| pod.metadata.deletion_timestamp.is_some()),
            "the plain Pod is gone too"
        );
        ensure!(stopped == (0, 0), "hooks of the Pod were run after its end: {stopped:?}");
        let web = hook(&workload, "web", HookKind::PostStart)?;
        ensure!(web.cancelled == 2 && web.failed == 0 && web.timed_out == 0, "{web:?}");
        ensure!(hook(&workload, "later", HookKind::PostStart)?.failed == 0);
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        let healthy = hooked_e2e::condition(&workload, "HooksHealthy").context("no condition")?;
        ensure!(healthy.status == "True", "{healthy:?}");
        agree(space, "web").await
    })
    .await
}

#[tokio::test]
async fn it_works_on_the_nodes_network_and_without_the_pods_own_token() -> Result<()> {
    let _address = ADDRESS.lock().await;
    in_namespace("live-host", Security::Privileged, async |space| {
        let workload = measured([heard()])
            .pod_with("hostNetwork", json!(true))
            .pod_with("automountServiceAccountToken", json!(false));
        space.apply(&workload.witnessed(&space.files)).await?;
        until_heard(space, 1).await?;
        until_measured(space).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn it_works_under_restricted_pod_security() -> Result<()> {
    in_namespace("live-tight", Security::Restricted, async |space| {
        let security = json!({
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
        });
        // It sees no file of the node, and so goes on for as long as it takes on a busy node to be heard.
        let container =
            Container::polite("web").with("securityContext", security).post_start(sh("sleep 20"));
        let pod_security =
            json!({"runAsNonRoot": true, "runAsUser": 1234, "seccompProfile": {"type": "RuntimeDefault"}});
        space.apply(&measured([container]).pod_with("securityContext", pod_security)).await?;
        until_measured(space).await.map(drop)
    })
    .await
}

/// Everything that is counted and told of a workload's hooks.
fn told(workload: &HookedWorkload) -> Value {
    let status = json!(workload.status);
    json!([
        status["hookTotals"],
        status["hooks"],
        status["kills"],
        status["recentRuns"],
        status["hooksRunning"]
    ])
}

#[tokio::test]
async fn ten_thousand_reports_of_nobody_count_nothing_and_disturb_nobody() -> Result<()> {
    let _address = ADDRESS.lock().await;
    in_namespace("forged", Security::Privileged, async |space| {
        space.apply(&measured([heard()]).witnessed(&space.files)).await?;
        until_heard(space, 1).await?;
        let before = until_measured(space).await?;
        let pods = space.pods("web").await?;
        let pod = pods.first().context("no Pod")?;
        let stranger = Stranger::like(pod)?;
        let plain = plain_pod(space).await?;

        let own = token(space, "hooked.dev", Some(pod)).await?;
        let lies = lies(space, &own, pod, &plain).await?;
        each_is_refused_for_its_reason(space, &stranger, &lies, &own).await?;

        let replayed = forged(&own, "web", 1);
        let flood = (0..10_000_usize).map(|number| {
            let lie = lies.get(number % (lies.len() + 1)).map_or(&replayed, |(_, lie)| lie);
            let (stranger, lie) = (stranger.clone(), lie.clone());
            // One that is not even let in is not heard either.
            async move { Ok::<_, anyhow::Error>(stranger.say(lie.as_bytes()).await.unwrap_or_default()) }
        });
        let answers: Vec<String> = stream::iter(flood).buffer_unordered(128).try_collect().await?;
        ensure!(answers.len() == 10_000);
        let workload = space.workload("web").await?;
        ensure!(told(&workload) == told(&before), "{} and {}", told(&before), told(&workload));

        let all = until_another_is_heard_to_its_end(space).await?;
        let workload = space.until_stopped("web").await?;
        let counted = hook(&workload, "web", HookKind::PostStart)?;
        ensure!((counted.succeeded, counted.duration.count) == (all, all), "{counted:?}");
        ensure!(counted.failed == 0 && kills(&workload).is_empty());
        agree(space, "web").await
    })
    .await
}

/// Makes one Pod more, and another, until a hook's end is heard of while its Pod lives. A runner waits for the operator
/// for 100 ms at most, which may be too short for a busy machine: then the end comes with the termination log. Returns
/// how many Pods there are.
async fn until_another_is_heard_to_its_end(space: &Space) -> Result<i64> {
    for all in 2..=8 {
        space.scale("web", all).await?;
        until_heard(space, 1).await?;
        // Every hook has ended when its Pod is ready.
        let workload = space.until_ready("web").await?;
        if hook(&workload, "web", HookKind::PostStart)?.duration.count > 1 {
            return Ok(all.into());
        }
    }
    bail!("the operator hears of no hook's end any more")
}

/// Reports that nobody may believe, each with why it is refused.
type Lies = [(&'static str, String); 9];

async fn lies(space: &Space, own: &str, pod: &Pod, plain: &Pod) -> Result<Lies> {
    let garbage = own.replace('.', ".A");
    Ok([
        ("unauthenticated", forged(&garbage, "web", 1)),
        ("unauthenticated", forged("", "web", 1)),
        ("unauthenticated", forged(&token(space, "elsewhere", Some(pod)).await?, "web", 1)),
        ("unauthenticated", forged(&token(space, "hooked.dev", None).await?, "web", 1)),
        ("foreign", forged(&token(space, "hooked.dev", Some(plain)).await?, "web", 1)),
        ("foreign", forged(own, "other", 1)),
        ("oversized", "x".repeat(9000)),
        ("malformed", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        ("malformed", "{\"v\":1}\n".to_owned()),
    ])
}

async fn each_is_refused_for_its_reason(
    space: &Space,
    stranger: &Stranger,
    lies: &Lies,
    own: &str,
) -> Result<()> {
    let counts = Metrics::live_reports(&space.cluster).await?;
    for (result, lie) in lies {
        let answer = stranger.say(lie.as_bytes()).await?;
        // Whose Pod may yet be shown by the watch is hung up on, to come back later.
        let expect =
            if *result == "foreign" { String::new() } else { format!("{{\"refused\":\"{result}\"}}") };
        ensure!(answer.contains(&expect) && answer.is_empty() == expect.is_empty(), "{result}: {answer}");
    }
    // What a Pod's own program says of its own hook is the Pod's own word: once more changes nothing all the same.
    for _ in 0..2 {
        let answer = stranger.say(forged(own, "web", 1).as_bytes()).await?;
        ensure!(answer.contains("taken"), "{answer}");
    }
    let after = Metrics::live_reports(&space.cluster).await?;
    for result in ["unauthenticated", "foreign", "oversized", "malformed"] {
        ensure!(after[result] > counts[result], "{result}: {counts:?} and {after:?}");
    }
    Ok(())
}

/// A Pod that is none of ours.
async fn plain_pod(space: &Space) -> Result<Pod> {
    let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plain"}, "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "web", "image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "100000"]}],
    }});
    space.apply_manifest(&manifest).await?;
    let pods: Api<Pod> = Api::namespaced(space.cluster.client.clone(), &space.name);
    Ok(pods.get("plain").await?)
}
