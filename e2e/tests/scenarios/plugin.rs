//! `kubectl hooked`, on a terminal, in a pipe and in a pipeline.

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use hooked_crd::HookedWorkload;
use hooked_e2e::{Container, Security, Space, Terminal, Workload, in_namespace, kills, sh, wait_for};
use serde_json::{Value, json};

/// One whose postStart fails while the runner looks on, with an output that nobody is to see uninvited.
fn failing() -> Workload {
    let policies = json!([{"hook": "PostStart", "outputBytes": 64}]);
    Workload::new("web", [Container::polite("web").post_start(sh("echo hush; exit 3"))])
        .with("hooks", json!({"policies": policies}))
}

async fn until_killed(space: &Space) -> Result<HookedWorkload> {
    space.until("web", "a kill is counted", |workload| !kills(workload).is_empty()).await
}

/// What `kubectl hooked` prints once it holds `words`: a hook that has failed may be running again.
async fn until_told(space: &Space, arguments: &[&str], words: &[&str]) -> Result<String> {
    wait_for(&format!("{arguments:?} tells {words:?}"), async || {
        let told = space.hooked(arguments).await?.succeeded()?;
        // Columns are as wide as they must be.
        let plain = told.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(if words.iter().all(|words| plain.contains(words)) { Ok(told) } else { Err(told) })
    })
    .await
}

/// The columns that a line takes on a terminal, colours taken away.
fn columns(line: &str) -> usize {
    let mut parts = line.split('\x1b');
    let first = parts.next().unwrap_or_default();
    let after = |part: &str| part.split_once('m').map_or(0, |(_, text)| text.chars().count());
    first.chars().count() + parts.map(after).sum::<usize>()
}

#[tokio::test]
async fn the_plugin_fits_a_terminal_and_is_plain_in_a_pipe() -> Result<()> {
    in_namespace("plugin-status", Security::Baseline, async |space| {
        space.apply(&failing()).await?;
        until_killed(space).await?;

        let words = ["0 of 1 ready", "× PostStartHookFailed", "PostStart Failed", "exited with 3"];
        let piped = until_told(space, &["status", "web"], &words).await?;
        ensure!(!piped.contains('\x1b') && !piped.contains('…'), "{piped}");
        ensure!(!piped.contains("hush"), "an output that nobody has asked for: {piped}");
        until_told(space, &["status", "web", "--show-output"], &["│ hush"]).await?;

        for arguments in [&["status", "web"][..], &["runs", "web"]] {
            let plain = Terminal { columns: 80, environment: &[] };
            let shown = space.hooked_on(plain, arguments).await?.succeeded()?;
            ensure!(shown.contains("\x1b[31m"), "no colour on a terminal: {shown}");
            let widest = shown.lines().map(columns).max().unwrap_or_default();
            ensure!((1..=80).contains(&widest), "{widest} columns: {shown}");
            let refused = Terminal { columns: 80, environment: &[("NO_COLOR", "1")] };
            let shown = space.hooked_on(refused, arguments).await?.succeeded()?;
            ensure!(!shown.contains('\x1b'), "colour though refused: {shown}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_plugin_prints_for_programs() -> Result<()> {
    in_namespace("plugin-json", Security::Baseline, async |space| {
        space.apply(&failing()).await?;
        let workload = until_killed(space).await?;

        let status =
            until_told(space, &["status", "web", "-o", "json"], &["\"outcome\": \"Failed\""]).await?;
        let status: Value = serde_json::from_str(&status)?;
        ensure!(status["name"] == "web" && status["status"]["ledger"].is_null(), "{status:#}");
        let hook = &status["revisions"][0]["shown"][0]["containers"][0]["hooks"][0];
        ensure!(hook["hook"] == "PostStart" && hook["run"]["container"] == "web", "{status:#}");

        let runs = space.hooked(&["runs", "web", "-o", "yaml"]).await?.succeeded()?;
        let runs: Value = serde_saphyr::from_str(&runs)?;
        let runs = runs.as_array().context("no list")?;
        let known = workload.status.context("no status")?.recent_runs;
        ensure!(runs.len() >= known.len() && runs.iter().any(|run| run["exitCode"] == 3), "{runs:?}");
        ensure!(runs.iter().all(|run| run["output"] == ""), "{runs:?}");
        let table = space.hooked(&["runs", "web", "-o", "wide"]).await?.succeeded()?;
        let first: Vec<&str> = table.lines().next().unwrap_or_default().split_whitespace().collect();
        ensure!(first[..3] == ["AGE", "POD", "CONTAINER"] && first.contains(&"NODE"), "{table}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pipeline_can_wait_and_is_told_by_exit_codes() -> Result<()> {
    in_namespace("plugin-wait", Security::Baseline, async |space| {
        space.apply(&Workload::new("good", [Container::polite("web").pre_stop(sh("true"))])).await?;
        space.apply(&failing()).await?;
        let code = async |arguments: &[&str]| -> Result<(i32, String)> {
            let said = space.hooked(arguments).await?;
            Ok((said.code, said.out + &said.err))
        };
        let expect = async |arguments: &[&str], expect: i32, words: &str| -> Result<()> {
            let (code, said) = code(arguments).await?;
            ensure!(code == expect && said.contains(words), "{arguments:?} ended with {code}: {said}");
            Ok(())
        };
        expect(&["status", "good", "--wait", "--timeout=300s"], 0, "1 of 1 ready").await?;
        expect(&["status", "good", "--wait", "--for=hooks-healthy", "--timeout=300s"], 0, "").await?;
        expect(&["status", "web", "--wait", "--timeout=2s"], 3, "timed out after 2 s").await?;
        expect(&["status", "web", "--wait", "--timeout=0s"], 3, "timed out").await?;
        expect(&["status", "none", "--wait"], 1, "`kubectl get hw -A` lists all").await?;
        expect(&["status", "good", "--wait", "--timeout=2"], 2, "written as 120s").await?;
        // Whoever waits is told as soon as it is in vain.
        space.apply(&failing().with("progressDeadlineSeconds", json!(2))).await?;
        expect(&["status", "web", "--wait", "--timeout=300s"], 4, "ProgressDeadlineExceeded").await?;

        space.kubectl(&["delete", "hw", "good", "--wait=false"]).await?;
        expect(&["status", "good", "--wait", "--for=deleted", "--timeout=300s"], 0, "").await?;
        ensure!(space.workloads().get_opt("good").await?.is_none(), "it is still there");
        expect(&["status", "good", "--wait", "--for=deleted"], 0, "").await
    })
    .await
}

#[tokio::test]
async fn a_watch_shows_each_change_and_ends_when_it_is_interrupted() -> Result<()> {
    in_namespace("plugin-watch", Security::Baseline, async |space| {
        space.apply(&Workload::new("web", [Container::polite("web")])).await?;
        let scale = async || space.scale("web", 2).await;
        let said = space
            .hooked_watching(&["status", "web", "--watch"], "1 of 1 ready", scale, "2 of 2 ready")
            .await?;
        ensure!(said.code == 0 && !said.out.contains('\x1b'), "{said:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn why_tells_of_a_container_that_its_post_start_hook_has_killed() -> Result<()> {
    in_namespace("plugin-why", Security::Baseline, async |space| {
        space.apply(&failing()).await?;
        let workload = until_killed(space).await?;
        let kills = workload.status.context("no status")?.kills;
        let pod = kills[0].last_pod.clone().context("no Pod")?;
        let words =
            ["was killed: PostStartHookFailed", "of HookedWorkload web", "the hook-runner's record", "Next"];
        let told = until_told(space, &["why", &pod], &words).await?;
        ensure!(!told.contains("hush"), "{told}");

        space.until_stopped("web").await?;
        let gone = space.hooked(&["why", &pod]).await?.succeeded()?;
        for words in
            ["gone", "Was killed: PostStartHookFailed", "What its workload remembers", "exited with 3"]
        {
            ensure!(gone.contains(words), "{words:?} is missing in {gone}");
        }
        let none = space.hooked(&["why", "nobody"]).await?;
        ensure!(none.code == 1 && none.err.contains("no HookedWorkload there remembers"), "{none:?}");
        Ok(())
    })
    .await
}

/// A Pod that nobody owns, and what `why` tells of it once it holds `words`.
async fn why_of(space: &Space, name: &str, container: Value, words: &[&str]) -> Result<()> {
    let mut container = container;
    container["name"] = json!("web");
    container["image"] = json!("busybox");
    container["imagePullPolicy"] = json!("IfNotPresent");
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"terminationGracePeriodSeconds": 3, "containers": [container]},
    });
    space.apply_manifest(&pod).await?;
    until_told(space, &["why", name], words).await?;
    Ok(())
}

#[tokio::test]
async fn why_tells_of_pods_that_no_workload_owns() -> Result<()> {
    in_namespace("plugin-plain", Security::Baseline, async |space| {
        let run = |script: &str| json!(["/bin/sh", "-c", script]);
        let polite = "trap 'exit 0' TERM; sleep 100000 & wait";
        let memory = json!({
            "command": run("s=0123456789; while true; do s=$s$s; done"),
            "resources": {"limits": {"memory": "24Mi"}},
        });
        let probe = json!({"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1});
        let failing = json!({"postStart": sh("echo hush; exit 3")});
        let cases: [(&str, Value, &[&str]); 5] = [
            ("memory", memory, &["was killed: OOMKilled", "limit of 24Mi", ", of no workload"]),
            (
                "probed",
                json!({"command": run(polite), "livenessProbe": probe}),
                &["was killed: LivenessProbeFailed", "Event Killing"],
            ),
            (
                "hooked",
                json!({"command": run(polite), "lifecycle": failing}),
                &["was killed: PostStartHookFailed", "Event FailedPostStartHook"],
            ),
            (
                "itself",
                json!({"command": run("exit 7")}),
                &["not killed", "ended by itself with exit code 7"],
            ),
            (
                "signal",
                json!({"command": run("exit 137")}),
                &["was killed: Unknown", "exit code 137 (SIGKILL)"],
            ),
        ];
        let asked = cases.into_iter().map(|(name, container, words)| why_of(space, name, container, words));
        try_join_all(asked).await?;
        let told = space.hooked(&["why", "hooked", "-o", "json"]).await?.succeeded()?;
        ensure!(!told.contains("hush"), "{told}");
        let told: Value = serde_json::from_str(&told)?;
        ensure!(told["containers"][0]["instances"].is_array() && told["owner"].is_null(), "{told:#}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_converted_manifest_is_applied_as_it_is() -> Result<()> {
    in_namespace("plugin-convert", Security::Baseline, async |space| {
        let deployment = with_autoscaler();
        space
            .cluster
            .kubectl_reading(&["--namespace", &space.name, "apply", "-f", "-"], deployment.clone())
            .await?;
        // As it is kept in a repository, and as the server gives it back.
        let live = space.kubectl(&["get", "deployment,service,hpa", "-o", "yaml"]).await?;
        space.kubectl(&["delete", "deployment", "web", "--wait=false"]).await?;
        for manifest in [&deployment, &live] {
            let said = space.hooked_reading(&["convert", "-f", "-"], manifest).await?;
            ensure!(said.err.contains("Deployment web becomes a HookedWorkload"), "{said:?}");
            let converted = said.succeeded()?;
            space
                .cluster
                .kubectl_reading(&["--namespace", &space.name, "apply", "-f", "-"], converted)
                .await?;
            space.until_ready("web").await?;
        }
        let scaled =
            space.kubectl(&["get", "hpa", "web", "-o", "jsonpath={.spec.scaleTargetRef.kind}"]).await?;
        ensure!(scaled == "HookedWorkload", "the autoscaler scales a {scaled}");
        Ok(())
    })
    .await
}

fn with_autoscaler() -> String {
    "# What the shop serves.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: nginx # a small one
        imagePullPolicy: IfNotPresent
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
"
    .to_owned()
}

/// Of a workload that was restarted and is ready, `history` has all Pods in the second revision, and a dry run of
/// `undo` leaves the spec at its generation.
async fn shows_revisions_and_tries_an_undo(space: &Space, generation: Option<i64>) -> Result<()> {
    let told = space.hooked(&["history", "web", "-o", "json"]).await?.succeeded()?;
    let rows: Vec<Value> = serde_json::from_str(&told)?;
    let counts: Vec<_> = rows.iter().map(|row| [&row["number"], &row["desired"], &row["replicas"]]).collect();
    ensure!(counts == [[&json!(1), &json!(0), &json!(0)], [&json!(2), &json!(1), &json!(1)]], "{told}");
    for (dry_run, said) in [("--dry-run", " (dry run)"), ("--dry-run=server", " (server dry run)")] {
        let told = space.hooked(&["undo", "web", dry_run]).await?.succeeded()?;
        ensure!(told.contains(&format!("rolled back to revision 1{said}\n")), "{told}");
        let goes = |line: &str| line.starts_with('-') && line.contains("restartedAt");
        ensure!(told.lines().any(goes), "{told}");
    }
    let workload = space.workload("web").await?;
    ensure!(workload.metadata.generation == generation, "a dry run has changed {:?}", workload.spec);
    Ok(())
}

#[tokio::test]
async fn a_restart_makes_a_new_revision_and_is_refused_while_paused() -> Result<()> {
    in_namespace("plugin-restart", Security::Baseline, async |space| {
        space.apply(&Workload::new("web", [Container::polite("web")])).await?;
        let revision =
            |workload: &HookedWorkload| workload.status.clone().and_then(|status| status.update_revision);
        let before = revision(&space.until_ready("web").await?);
        let said = space.hooked(&["restart", "web"]).await?.succeeded()?;
        ensure!(said == "hookedworkload.hooked.dev/web restarted\n", "{said}");
        space.until("web", "has another revision", |workload| revision(workload) != before).await?;
        let restarted = space.until_ready("web").await?;
        shows_revisions_and_tries_an_undo(space, restarted.metadata.generation).await?;

        space.kubectl(&["patch", "hw", "web", "--type=merge", "-p", r#"{"spec":{"paused":true}}"#]).await?;
        let refused = space.hooked(&["restart", "web"]).await?;
        ensure!(refused.code == 1 && refused.err.contains("is paused"), "{refused:?}");
        Ok(())
    })
    .await
}
