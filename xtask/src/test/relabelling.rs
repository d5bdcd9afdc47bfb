//! Alerts and dashboards where Prometheus enforces its own namespace, as those of `OpenShift` and Google do: they must
//! give what they give where it honours the labels of whom it scrapes. Three scrape the same made-up operator.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread::{self, sleep};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fs, iter};

use anyhow::{Context, Result, ensure};
use hooked_cluster::{Progress, monitoring};
use serde_json::{Value, json};

use super::dashboards::{self, DASHBOARDS};
use crate::draw::{server::Server, world::World};
use crate::{image, prometheus};

const OPENSHIFT: &str = "config/prometheus/openshift/service_monitor_patch.yaml";
const GOOGLE: &str = "config/prometheus/google/pod_monitoring.yaml";

/// How long the three have to agree: one scrapes a moment before the other.
const AGREE: Duration = Duration::from_secs(60);

/// After so long each has scraped what there was before anything happens.
const FIRST: Duration = Duration::from_secs(3);

/// For how long things happen: then all come to the same values, whenever they scrape.
const HAPPENS: f64 = 8.0;

/// What the dashboards are asked for; the workload is the one of a made-up world that shows most.
const CHOSEN: [(&str, &str); 10] = [
    ("cluster", ".*"),
    ("job", ".*"),
    ("namespace", "bank|shop"),
    ("workload", "web"),
    ("container", ".+"),
    ("hook", ".+"),
    ("__rate_interval", "15s"),
    ("__range", "5m"),
    ("__interval", "1s"),
    ("datasource", "prometheus"),
];

/// What a Prometheus shows: results of queries and alerts, without what is peculiar to it.
type Shown = BTreeMap<String, BTreeSet<String>>;

/// Starts the three, and compares what they show.
pub(super) fn check() -> Result<()> {
    let promtool = monitoring::promtool(&Progress::new(|line| eprintln!("{line}")))?;
    let place = image::workspace()?.join("target/relabelling");
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    let happens = Arc::new(OnceLock::new());
    let operator = made_up_operator(Arc::clone(&happens))?;
    let start = |name: &str, job: Value| start(&promtool, &place.join(name), operator, &job);
    let honouring = start("honouring", honouring())?;
    let others = [("openshift", start("openshift", openshift()?)?), ("google", start("google", google()?)?)];
    sleep(FIRST);
    let began = *happens.get_or_init(Instant::now);
    loop {
        let expect = shown(&honouring)?;
        let differences: Vec<String> = others
            .iter()
            .map(|(name, other)| Ok(differences(name, &expect, &shown(other)?)))
            .collect::<Result<Vec<_>>>()?
            .concat();
        let complete = expect.get("alerts").is_some_and(|alerts| alerts.len() >= 5);
        if differences.is_empty() && complete {
            let results: usize = expect.values().map(BTreeSet::len).sum();
            println!(
                "{} queries and the alerts give the same {results} results in all three",
                expect.len() - 1
            );
            return Ok(());
        }
        ensure!(
            began.elapsed() < AGREE,
            "they do not agree, or alert too little ({:?}):\n{}",
            expect.get("alerts"),
            differences.join("\n")
        );
        sleep(Duration::from_secs(1));
    }
}

/// Serves the metrics of a world as long as this process lives. Once something `happens`, a second is as a minute.
fn made_up_operator(happens: Arc<OnceLock<Instant>>) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let ends = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let passed = happens.get().map_or(0.0, |since| since.elapsed().as_secs_f64().min(HAPPENS));
            let world = World { workloads: 80, began: ends - 7200.0 - 60.0 * passed, ends };
            let mut text = String::new();
            // Text takes whatever is written to it.
            world.at(ends, |name, labels, value| {
                writeln!(text, "{name}{{{labels}}} {value}").unwrap_or_default();
            });
            // Whoever goes away without a word, or in the middle of it, comes again by itself.
            if !stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                continue;
            }
            let head = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n";
            stream.write_all([head, &text].concat().as_bytes()).ok();
        }
    });
    Ok(address)
}

fn start(promtool: &Path, place: &Path, operator: SocketAddr, job: &Value) -> Result<Server> {
    fs::create_dir_all(place)?;
    fs::write(place.join("rules.json"), prometheus::rules()?.to_string())?;
    let mut job = job.clone();
    job["static_configs"][0]["targets"] = json!([operator.to_string()]);
    let config = json!({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.json"],
        "scrape_configs": [job],
    });
    Server::start(promtool, place, &config)
}

/// As the Prometheus Operator makes it of `config/prometheus/service_monitor.yaml`.
fn honouring() -> Value {
    json!({
        "job_name": "hooked-controller-metrics",
        "honor_labels": true,
        "static_configs": [{"labels": {
            "namespace": "hooked-system",
            "service": "hooked-controller-metrics",
            "endpoint": "metrics",
            "container": "controller",
            "pod": "hooked-controller-0",
        }}],
    })
}

/// As that of `OpenShift` makes it: no labels are honoured, and what is enforced comes after what the monitor relabels.
fn openshift() -> Result<Value> {
    let endpoint = &yaml(OPENSHIFT)?["spec"]["endpoints"][0];
    let mut job = honouring();
    job["honor_labels"] = json!(false);
    let own =
        endpoint["metricRelabelings"].as_array().context("no metricRelabelings")?.iter().map(relabelling);
    let enforced = json!({"target_label": "namespace", "replacement": "hooked-system"});
    job["metric_relabel_configs"] = own.chain(iter::once(enforced)).collect();
    Ok(job)
}

/// As Google's operator makes it: of the metadata only what is asked for, and `cluster` with what else it enforces.
fn google() -> Result<Value> {
    let monitoring = yaml(GOOGLE)?;
    ensure!(monitoring["spec"]["targetLabels"]["metadata"] == json!(["pod"]), "{GOOGLE}: other labels");
    Ok(json!({
        "job_name": monitoring["metadata"]["name"],
        "static_configs": [{"labels": {
            "project_id": "project",
            "location": "europe-west1",
            "cluster": "one",
            "namespace": "hooked-system",
            "instance": "hooked-controller-0:metrics",
            "pod": "hooked-controller-0",
        }}],
    }))
}

fn yaml(file: &str) -> Result<Value> {
    let text = fs::read_to_string(image::workspace()?.join(file)).context(file.to_owned())?;
    serde_saphyr::from_str(&text).with_context(|| file.to_owned())
}

/// The Prometheus Operator's words for it are in another spelling than Prometheus' own.
fn relabelling(rule: &Value) -> Value {
    let mut own = json!({});
    for (theirs, ours) in [
        ("sourceLabels", "source_labels"),
        ("targetLabel", "target_label"),
        ("regex", "regex"),
        ("action", "action"),
        ("replacement", "replacement"),
    ] {
        if !rule[theirs].is_null() {
            own[ours] = rule[theirs].clone();
        }
    }
    own
}

/// What every panel of every dashboard shows, and the alerts.
fn shown(server: &Server) -> Result<Shown> {
    let mut shown = Shown::new();
    for name in DASHBOARDS {
        let board = dashboards::read(name)?;
        let label = namespace_label(server, &board)?;
        for target in
            board["panels"].as_array().into_iter().flatten().flat_map(|panel| list(&panel["targets"]))
        {
            let query = target["expr"].as_str().context("no expr")?;
            let found = server.ask("query", &[("query", &filled(query, &label))])?;
            let series = list(&found["result"]).iter().map(|series| without_peculiarities(&series["metric"]));
            shown.insert(format!("{name}: {query}"), series.collect());
        }
    }
    let alerts = &server.ask("alerts", &[])?["alerts"];
    let words = list(alerts).iter().map(|alert| {
        let summary =
            alert["annotations"]["summary"].as_str().unwrap_or_default().replace(" (cluster one)", "");
        // How long and how often differs from moment to moment.
        format!(
            "{}: {}",
            alert["labels"]["alertname"],
            summary.replace(|c: char| c.is_ascii_digit() || c == '.', "")
        )
    });
    shown.insert("alerts".to_owned(), words.collect());
    Ok(shown)
}

/// What the hidden variable of a dashboard finds.
fn namespace_label(server: &Server, board: &Value) -> Result<String> {
    let variables = list(&board["templating"]["list"]);
    let variable = variables.iter().find(|v| v["name"] == "namespace_label").context("no namespace_label")?;
    let query = variable["query"]["query"].as_str().and_then(|query| query.strip_prefix("query_result("));
    let query = query.and_then(|query| query.strip_suffix(')')).context("no query_result")?;
    let found = server.ask("query", &[("query", query)])?;
    let label = found["result"][0]["metric"]["label"].as_str().context("no label")?;
    ensure!(list(&found["result"]).len() == 1, "two labels: {found}");
    Ok(label.to_owned())
}

/// Longer names first, since one may begin with another.
fn filled(query: &str, label: &str) -> String {
    let mut values: Vec<_> = CHOSEN.into_iter().chain([("namespace_label", label)]).collect();
    values.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    // The board of one workload asks for it with `=`, and shows nothing of two.
    let query = query.replace("=\"$namespace\"", "=~\"$namespace\"");
    values.into_iter().fold(query, |query, (name, value)| query.replace(&format!("${name}"), value))
}

fn without_peculiarities(labels: &Value) -> String {
    let mut labels = labels.as_object().cloned().unwrap_or_default();
    for of_the_target in
        ["cluster", "job", "instance", "pod", "service", "endpoint", "project_id", "location"]
    {
        labels.remove(of_the_target);
    }
    if let Some(namespace) = labels.remove("exported_namespace") {
        labels.insert("namespace".to_owned(), namespace);
    }
    Value::from(labels).to_string()
}

fn differences(name: &str, expect: &Shown, found: &Shown) -> Vec<String> {
    let asked = expect.iter().filter(|(query, results)| found.get(*query) != Some(results));
    asked
        .map(|(query, results)| format!("{name}: {query}\n  {results:?}\n  {:?}", found.get(query)))
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
