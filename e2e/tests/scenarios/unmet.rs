//! The hook does not meet the runner: what it looks for, waits for and sends to everybody, and all that it can ask
//! about itself, is as in a container without one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookedWorkload, Source};
use hooked_e2e::{Container, Security, Space, Workload, agree, hook, in_namespace, kills, sh, wait_for};
use serde_json::{Value, json};

/// A program that ends when it is asked to, and has no words but its own.
const PROGRAM: &str = "trap 'exit 0' TERM; while :; do sleep 0.2; done";

/// One replica of the container, whose exec hooks run under the runner.
fn measured(container: Container) -> Workload {
    Workload::new("web", [container]).with("hooks", json!({"measurement": "Runner"})).grace(60)
}

/// Runs the container's preStop hook, which says `done` at its end, and returns what is told of it: it succeeded, and
/// nothing was killed.
async fn succeeds(space: &Space, name: &str, workload: Workload) -> Result<HookedWorkload> {
    space.apply(&workload.witnessed(&space.files)).await?;
    space.until_ready("web").await?;
    let workload = space.until_stopped("web").await?;
    ensure!(space.files.lines("line")? == ["done"], "{:?}", space.files.lines("line")?);
    let told = hook(&workload, name, HookKind::PreStop)?;
    ensure!((told.succeeded, told.failed, told.timed_out, told.unknown) == (1, 0, 0, 0), "{told:?}");
    ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
    agree(space, "web").await?;
    Ok(workload)
}

/// `01-finds-its-program.yaml`.
#[tokio::test]
async fn a_hook_that_finds_its_program_by_words_finds_no_runner() -> Result<()> {
    in_namespace("finds-program", Security::Privileged, async |space| {
        let looks = "for p in /proc/[0-9]*; do
                grep -q '[q]ueue-worker' $p/cmdline 2>/dev/null && kill ${p#/proc/}
            done; sleep 1; echo done >> /witness/line";
        let container = Container::script("queue-worker", PROGRAM).pre_stop(sh(looks));
        succeeds(space, "queue-worker", measured(container)).await.map(drop)
    })
    .await
}

/// `02-waits-for-connections.yaml`, and every state that a connection can be in.
#[tokio::test]
async fn a_pre_stop_hook_that_waits_until_nobody_is_connected_does_not_wait_for_the_runner() -> Result<()> {
    in_namespace("waits", Security::Privileged, async |space| {
        let waits = "i=0; while [ $i -lt 40 ]; do
                netstat -tan | grep :8443 >> /witness/seen; i=$((i+1)); sleep 0.05
            done; echo done >> /witness/line";
        let workload = succeeds(space, "web", measured(Container::nginx("web").pre_stop(sh(waits)))).await?;
        ensure!(space.files.count("seen")? == 0, "{:?}", space.files.lines("seen")?);
        let runs = workload.status.context("no status")?.recent_runs;
        ensure!(runs.iter().all(|run| run.source == Source::Runner), "{runs:?}");
        Ok(())
    })
    .await
}

/// `03-signals-everybody.yaml`.
#[tokio::test]
async fn a_hook_that_signals_everybody_is_not_signalled_itself() -> Result<()> {
    in_namespace("signals", Security::Privileged, async |space| {
        let signals = "kill -TERM -1; sleep 2; echo done >> /witness/line";
        let container = Container::script("main", PROGRAM).pre_stop(sh(signals));
        succeeds(space, "main", measured(container)).await.map(drop)
    })
    .await
}

/// As stock Kubernetes has it: the file is not run, by no shell either, and the container does not start.
#[tokio::test]
async fn a_file_without_an_interpreters_line_fails_as_in_a_stock_container() -> Result<()> {
    in_namespace("no-interpreter", Security::Privileged, async |space| {
        let program =
            format!("echo 'echo ran >> /witness/ran' > /tmp/plain; chmod 755 /tmp/plain; {PROGRAM}");
        // The program may take its time to write the file: the hook waits for it in a shell, and becomes it then.
        let becomes = sh("until [ -x /tmp/plain ]; do sleep 0.1; done");
        let container = Container::script("web", &program)
            .post_start(becomes)
            .pre_stop(json!({"exec": {"command": ["/tmp/plain"]}}));
        space.apply(&measured(container).witnessed(&space.files)).await?;
        space.until_ready("web").await?;
        let workload = space.until_stopped("web").await?;
        ensure!(space.files.count("ran")? == 0);
        let told = hook(&workload, "web", HookKind::PreStop)?;
        ensure!((told.succeeded, told.failed) == (0, 1), "{told:?}");
        let runs = workload.status.context("no status")?.recent_runs;
        let run = runs.iter().find(|run| run.hook == HookKind::PreStop).context("no run")?;
        ensure!(run.message.contains("exec /tmp/plain: exec format error"), "{run:?}");
        Ok(())
    })
    .await
}

/// The hooks ask about themselves all that the probe knows to ask, and write down the answers.
const PROBE: &str = include_str!("../../../hook-runner/tests/runner/probe.sh");
/// Where the answers of a Pod's hooks go.
const ANSWERS: &str = "/answers";

/// A way in which a Pod may run.
struct Circumstances {
    name: String,
    pod: Value,
    container: Value,
}

fn circumstances() -> Vec<Circumstances> {
    let user = json!({"runAsUser": 1234, "runAsGroup": 2345, "allowPrivilegeEscalation": false,
                      "capabilities": {"drop": ["ALL"]}});
    let root = json!({"capabilities": {"add": ["NET_ADMIN"], "drop": ["CHOWN"]}});
    let pods = [
        ("own", json!({})),
        ("shared", json!({"shareProcessNamespace": true})),
        ("host", json!({"hostPID": true})),
        (
            "tight",
            json!({"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}, "supplementalGroups": [7, 9]}}),
        ),
    ];
    let both = pods.into_iter().flat_map(|(name, pod)| {
        [(name, "root", root.clone()), (name, "user", user.clone())]
            .map(|(name, who, security)| (name, who, pod.clone(), security))
    });
    both.map(|(name, who, pod, container)| Circumstances { name: format!("{name}-{who}"), pod, container })
        .collect()
}

impl Circumstances {
    /// The manifest of a workload whose hooks answer into that directory of the node.
    fn workload(&self, name: &str, directory: &Path) -> Workload {
        let probe = |hook: &str| json!({"exec": {"command": ["sh", "-c", PROBE, "probe", format!("{ANSWERS}/{hook}"), "two words", ""]}});
        let container = Container::script("web", PROGRAM)
            .with("securityContext", self.container.clone())
            .with("env", json!([{"name": "MARK", "value": "a b"}, {"name": "EMPTY", "value": ""}]))
            .with("workingDir", json!("/usr"))
            .with("volumeMounts", json!([{"name": "answers", "mountPath": ANSWERS}]))
            .post_start(probe("post-start"))
            .pre_stop(probe("pre-stop"));
        let mut workload = Workload::new(name, [container])
            .with("hooks", json!({"measurement": "Runner"}))
            // Both Pods have it, so that no answer differs by the Pod's name.
            .pod_with("hostname", json!("same"))
            .pod_with(
                "volumes",
                json!([{"name": "answers", "hostPath": {"path": directory.display().to_string()}}]),
            );
        for (field, value) in self.pod.as_object().into_iter().flatten() {
            workload = workload.pod_with(field, value.clone());
        }
        workload
    }
}

/// A directory of the node that everybody may write to.
fn open_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o777))?)
}

/// What a hook was answered, without what differs between any two Pods: the kubelet gives variables in an order of
/// chance (`makeEnvironmentVariables` in `pkg/kubelet/kubelet_pods.go`). That the runner keeps the order is a test of
/// its own.
fn answers(file: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let own = ["namespace ", "cgroup: "];
    let lines = text.lines().filter(|line| !own.iter().any(|of_pod| line.starts_with(of_pod)));
    let (mut variables, mut others): (Vec<_>, Vec<_>) =
        lines.map(str::to_owned).partition(|line| line.starts_with("environ: "));
    variables.sort();
    others.append(&mut variables);
    Ok(others)
}

#[tokio::test]
async fn what_a_hook_can_ask_about_itself_is_answered_as_in_a_stock_container() -> Result<()> {
    in_namespace("alike", Security::Privileged, async |space| {
        for circumstances in circumstances() {
            let directory = Path::new(&space.files.path()).join(&circumstances.name);
            let (ours, stock) = (directory.join("ours"), directory.join("stock"));
            open_directory(&ours)?;
            open_directory(&stock)?;
            space.apply(&circumstances.workload(&circumstances.name, &ours)).await?;
            let template =
                &circumstances.workload(&circumstances.name, &stock).manifest()["spec"]["template"].clone();
            let mut plain = template.clone();
            plain["apiVersion"] = json!("v1");
            plain["kind"] = json!("Pod");
            plain["metadata"] = json!({"name": format!("stock-{}", circumstances.name)});
            space.apply_manifest(&plain).await?;
        }
        for Circumstances { name, .. } in circumstances() {
            let directory = Path::new(&space.files.path()).join(&name);
            space.until_ready(&name).await?;
            wait_for(&format!("the stock Pod of {name} has started"), async || {
                let file = directory.join("stock/post-start");
                Ok(if file.exists() { Ok(()) } else { Err("no answers".to_owned()) })
            })
            .await?;
            space.kubectl(&["delete", "pod", &format!("stock-{name}")]).await?;
            let workload = space.until_stopped(&name).await?;
            for (kind, file) in [(HookKind::PostStart, "post-start"), (HookKind::PreStop, "pre-stop")] {
                let told = hook(&workload, "web", kind)?;
                ensure!(told.succeeded == 1, "{name}: {told:?}");
                let (ours, stock) = (
                    answers(&directory.join("ours").join(file))?,
                    answers(&directory.join("stock").join(file))?,
                );
                let differing: Vec<_> =
                    ours.iter().zip(&stock).filter(|(ours, stock)| ours != stock).collect();
                ensure!(
                    ours.len() > 69 && differing.is_empty() && ours.len() == stock.len(),
                    "{name}, {file}: {} and {} lines, {differing:#?}",
                    ours.len(),
                    stock.len()
                );
            }
        }
        Ok(())
    })
    .await
}
