//! What people on call look at, with a real Prometheus that scrapes the real operator: every panel has data, every rule
//! can be evaluated, and no counter ever goes down.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use hooked_e2e::{
    Container, Dashboard, Operator, Prometheus, Query, Security, Series, Space, Workload, exposition, sh,
    wait_for, with_operator,
};
use serde_json::json;

#[tokio::test]
async fn every_panel_has_data_every_rule_is_evaluated_and_no_counter_goes_down() -> Result<()> {
    with_operator("observability", Security::Privileged, async |space, operator| {
        let began = SystemTime::now();
        let prometheus = Prometheus::of(&space.cluster);
        let outcome = watched(space, operator, &prometheus, began).await;
        // Whatever came of it, the hook that waits can then end, and the namespace go.
        std::fs::write(format!("{}/go", space.files.path()), "")?;
        outcome
    })
    .await
}

async fn watched(
    space: &Space,
    operator: &Operator,
    prometheus: &Prometheus<'_>,
    began: SystemTime,
) -> Result<()> {
    let asked = make_history(space).await?;
    rules_are_evaluated(prometheus).await?;
    until_fires(space, prometheus, "HookedContainersKilledByHooks").await?;
    the_oldest_run_is_known(space, prometheus, asked).await?;
    let overview = [("namespace", &*space.name)];
    panels_have_data(prometheus, began, "overview.json", &overview).await?;
    let of_web = [("namespace", &*space.name), ("workload", "web")];
    panels_have_data(prometheus, began, "workload.json", &of_web).await?;
    panels_have_data(prometheus, began, "operator.json", &[]).await?;
    metrics_are_clean(&exposition(&space.cluster).await?)?;
    operator.kill().await?;
    counters_go_on(space, prometheus, began).await
}

/// A rollout of hooks that succeed, a hook that fails, and one that goes on until it is let go. Returns when that one
/// was asked for.
async fn make_history(space: &Space) -> Result<SystemTime> {
    let measured = json!({"measurement": "Runner"});
    let web = Container::polite("web").post_start(sh("true")).pre_stop(sh("sleep 1"));
    let web = Workload::new("web", [web]).replicas(2).with("hooks", measured.clone());
    let failing = Container::polite("failing").post_start(sh("exit 3"));
    let failing = Workload::new("failing", [failing]).with("hooks", measured.clone());
    let waiting = "date +%s > /witness/began; while [ ! -e /witness/go ]; do sleep 0.2; done";
    let stuck = Container::polite("stuck").pre_stop(sh(waiting));
    let stuck = Workload::new("stuck", [stuck]).grace(600).with("hooks", measured).witnessed(&space.files);
    for workload in [&web.clone().version("1"), &failing, &stuck] {
        space.apply(workload).await?;
    }
    space.until_ready("web").await?;
    space.until_ready("stuck").await?;
    let asked = SystemTime::now();
    space.scale("stuck", 0).await?;
    space.apply(&web.version("2")).await?;
    space.until_ready("web").await?;
    for (name, succeeded, kills) in [("web", 4, 0), ("failing", 0, 1)] {
        space
            .until(name, "its runs are counted", |workload| {
                workload.status.as_ref().is_some_and(|status| {
                    status.hook_totals.succeeded >= succeeded && status.hook_totals.kills >= kills
                })
            })
            .await?;
    }
    space.files.until_lines("began", 1).await?;
    Ok(asked)
}

async fn rules_are_evaluated(prometheus: &Prometheus<'_>) -> Result<()> {
    wait_for("every rule is evaluated without an error", async || {
        let rules = prometheus.rules().await?;
        let ill: Vec<_> = rules.iter().filter(|rule| rule["health"] != "ok").collect();
        Ok(if ill.is_empty() && !rules.is_empty() { Ok(()) } else { Err(json!(ill).to_string()) })
    })
    .await
}

async fn until_fires(space: &Space, prometheus: &Prometheus<'_>, alert: &str) -> Result<()> {
    let query = format!(r#"ALERTS{{alertname="{alert}",alertstate="firing",namespace="{}"}}"#, space.name);
    wait_for(&format!("{alert} fires"), async || {
        let found = prometheus.instant(&query).await?;
        Ok(if found.is_empty() { Err("it does not".to_owned()) } else { Ok(()) })
    })
    .await
}

/// The hook itself has told when it began, in whole seconds: a moment after its start, or seconds on a busy node.
async fn the_oldest_run_is_known(
    space: &Space,
    prometheus: &Prometheus<'_>,
    asked: SystemTime,
) -> Result<()> {
    let asked = asked.duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64().floor();
    let told = space.files.lines("began")?;
    let told: f64 = told.first().context("the hook has not told when it began")?.parse()?;
    let query = format!(
        r#"hooked_hook_oldest_start_timestamp_seconds{{namespace="{}",workload="stuck",hook="PreStop"}}"#,
        space.name
    );
    wait_for("the start of the hook that goes on is known", async || {
        let found = prometheus.instant(&query).await?;
        let is_it = |start: f64| (asked..told + 1.0).contains(&start);
        let known = found.iter().flat_map(Series::values).any(is_it);
        Ok(if known { Ok(()) } else { Err(format!("{found:?}, and it began between {asked} and {told}")) })
    })
    .await
}

async fn panels_have_data(
    prometheus: &Prometheus<'_>,
    began: SystemTime,
    name: &str,
    chosen: &[(&str, &str)],
) -> Result<()> {
    let dashboard = Dashboard::read(name)?;
    let variables = dashboard.variables(prometheus, chosen).await?;
    let queries = dashboard.queries(&variables);
    wait_for(&format!("every panel of {name} has data"), async || {
        let mut empty = Vec::new();
        for query in &queries {
            if !has_data(&ask(prometheus, began, query).await?) && !may_be_empty(name, query) {
                empty.push(format!("{}: {}", query.panel, query.expression));
            }
        }
        Ok(if empty.is_empty() { Ok(()) } else { Err(empty.join("\n")) })
    })
    .await
}

async fn ask(prometheus: &Prometheus<'_>, began: SystemTime, query: &Query) -> Result<Vec<Series>> {
    let asked = if query.instant {
        prometheus.instant(&query.expression).await
    } else {
        prometheus.since(began, &query.expression).await
    };
    asked.with_context(|| query.panel.clone())
}

/// On the operator's board, of what goes wrong there may be nothing, and cAdvisor is not scraped here.
fn may_be_empty(dashboard: &str, query: &Query) -> bool {
    let expression = &query.expression;
    dashboard == "operator.json" && (expression.ends_with("> 0") || !expression.contains("hooked_"))
}

/// A quotient of nothing is no data.
fn has_data(found: &[Series]) -> bool {
    found.iter().flat_map(Series::values).any(f64::is_finite)
}

/// promtool knows how metrics are to be named and described.
fn metrics_are_clean(text: &str) -> Result<()> {
    let promtool = std::env::var_os("HOOKED_E2E_PROMTOOL").context("HOOKED_E2E_PROMTOOL is not set")?;
    let mut check = Command::new(promtool);
    check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn().context("cannot start promtool")?;
    check.stdin.take().context("promtool reads nothing")?.write_all(text.as_bytes())?;
    let output = check.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}

/// From the first scrape on, whichever process served it.
async fn counters_go_on(space: &Space, prometheus: &Prometheus<'_>, began: SystemTime) -> Result<()> {
    let ours = format!(r#"namespace="{}""#, space.name);
    let processes = format!("count by (pod) (last_over_time(hooked_workload_invalid{{{ours}}}[1h]))");
    wait_for("another process is scraped", async || {
        let found = prometheus.instant(&processes).await?;
        Ok(if found.len() >= 2 { Ok(()) } else { Err(format!("{found:?}")) })
    })
    .await?;
    let counters =
        format!(r#"{{__name__=~"hooked_(hook|container|grace)_.+_(total|bucket|count|sum)",{ours}}}"#);
    // The bits of a moment after 1970 are in the order of its value. Of two processes at a moment, one is about to go.
    let mut histories: BTreeMap<String, BTreeMap<u64, f64>> = BTreeMap::new();
    for Series { mut labels, points } in prometheus.since(began, &counters).await? {
        for of_the_process in ["instance", "pod"] {
            labels.as_object_mut().context("no labels")?.remove(of_the_process);
        }
        let history = histories.entry(labels.to_string()).or_default();
        for (time, value) in points {
            let known = history.entry(time.to_bits()).or_insert(value);
            *known = known.max(value);
        }
    }
    ensure!(histories.keys().any(|labels| labels.contains("hooked_hook_runs_total")), "{histories:?}");
    for (labels, history) in histories {
        ensure!(history.values().is_sorted(), "{labels} goes down: {:?}", history.values());
    }
    Ok(())
}
