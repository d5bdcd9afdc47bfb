//! Ledgers as they are stored: of the version before, of this one, and how large one can be.

use std::sync::Arc;

use hooked_crd::{
    GoDuration, HandlerKind, HookKind, HookRunStatus, HookedWorkloadStatus, KillReason, Outcome, Source,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::lifecycle::Anew;

/// As an operator of version 2 has written it into a status.
const BEFORE: &str = r#"{
    "version": 2,
    "highWater": 402,
    "runs": [
        ["web", "PostStart", "Exec", "Succeeded", "Runner", 404],
        ["web", "PreStop", "HTTPGet", "Unknown", "Kubelet", 4]
    ],
    "kills": [["web", "OOMKilled", 3, "2026-01-02T03:04:05Z", "web-x-1"]],
    "durations": [
        {
            "of": ["web", "PostStart", "Exec", "Runner"],
            "histogram": {"buckets": [400, 4], "count": 404, "sum": 1.25},
            "max": 0.5,
            "last": 0.25
        }
    ],
    "graceUsed": [["web", {"histogram": {"buckets": [1], "count": 1, "sum": 0.125}, "max": 0.125, "last": 0.125}]],
    "last": [["web", "PreStop", "Failed", "web-x-2", 3]],
    "marks": {"containers": ["proxy", "web"], "ranges": "1-399:,1.0;2:,5.4.5"},
    "progressedAt": "2026-01-02T03:04:06Z"
}"#;

fn load(stored: &Value) -> Ledger {
    Ledger::load(Some(stored)).unwrap()
}

fn before() -> Ledger {
    load(&serde_json::from_str(BEFORE).unwrap())
}

#[test]
fn a_ledger_of_the_version_before_is_read_with_all_that_it_counts() {
    let Ledger {
        operator,
        high_water,
        sizes,
        runs,
        kills,
        durations,
        grace_used,
        last,
        marks,
        progressed_at,
        gate,
        alias,
        unrunnable,
        unknown,
    } = before();
    assert!(unknown.is_empty() && operator.is_none());
    assert_eq!((gate, alias, unrunnable.len()), (None, None, 0));
    // The operator that wrote it may be making one burst of Pods above what it has written.
    assert_eq!((high_water, sizes), (902, None));
    assert_eq!(runs.values().copied().collect::<Vec<_>>(), [404, 4]);
    let kill = kills.into_iter().next().unwrap();
    assert_eq!((kill.0.reason, kill.1.count, &*kill.1.last_pod), (KillReason::OomKilled, 3, "web-x-1"));
    let known = durations.values().next().unwrap();
    assert_eq!((known.histogram.count, known.histogram.sum, known.max, known.last), (404, 1.25, 0.5, 0.25));
    assert_eq!(grace_used["web"].histogram.buckets, [1]);
    let run = &last[&("web".into(), HookKind::PreStop)];
    assert_eq!((run.outcome, run.exit_code), (Outcome::Failed, Some(3)));
    let mark = |number| marks.get(number).of("web");
    let counted = |post_start, end, seen_running| Mark { post_start, end, seen_running, anew: None };
    assert_eq!((mark(1), mark(400), mark(402)), (counted(1, 0, 0), counted(1, 0, 0), counted(5, 4, 5)));
    assert_eq!((mark(401), marks.get(1).of("proxy")), (Mark::default(), Mark::default()));
    assert_eq!(progressed_at.map(|at| at.to_string()).as_deref(), Some("2026-01-02T03:04:06Z"));
}

#[test]
fn what_was_read_of_the_version_before_is_written_as_this_one() {
    let (stored, ledger) = (before().store().unwrap(), before());
    assert_eq!(stored["version"], 3);
    assert_eq!(stored["highWater"], 902, "numbers are left free once");
    assert_eq!(load(&stored), ledger);
}

#[test]
fn a_ledger_of_another_version_is_refused_rather_than_misread() {
    for version in [0, 1, 4] {
        let stored = json!({"version": version, "highWater": 1});
        let error = Ledger::load(Some(&stored)).unwrap_err();
        assert!(matches!(error, LedgerError::Version(known) if known == version), "{error}");
    }
    assert!(Ledger::load(Some(&json!({"version": 3}))).is_err());
    assert_eq!(Ledger::load(None).unwrap(), Ledger::default());
}

/// What is counted of runs and kills, in short, where a ledger has these rows; whether it is read the same once more.
fn check_words(rows: &Value, runs: &[(Outcome, u64)], kills: &[(KillReason, u64, &str)]) {
    let mut stored = json!({"version": 3, "highWater": 1});
    stored.as_object_mut().unwrap().extend(rows.as_object().unwrap().clone());
    let ledger = load(&stored);
    assert_eq!(ledger.runs.iter().map(|(key, count)| (key.outcome, *count)).collect::<Vec<_>>(), runs);
    let known = ledger.kills.iter().map(|(key, kills)| (key.reason, kills.count, &*kills.last_pod));
    assert_eq!(known.collect::<Vec<_>>(), kills);
    assert_eq!(load(&ledger.store().unwrap()), ledger);
}

#[test]
fn words_of_a_newer_operator_are_unknown_and_what_they_count_stays_counted() {
    let run = |outcome, count| json!(["web", "PreStop", "Exec", outcome, "Runner", count]);
    let runs = |runs: &[Value]| json!({"runs": runs});
    check_words(&runs(&[run("Failed", 2)]), &[(Outcome::Failed, 2)], &[]);
    check_words(&runs(&[run("Frozen", 2)]), &[(Outcome::Unknown, 2)], &[]);
    let of_both = [(Outcome::Failed, 1), (Outcome::Unknown, 14)];
    let rows = [run("Failed", 1), run("Frozen", 2), run("Unknown", 4), run("Thawed", 8)];
    check_words(&runs(&rows), &of_both, &[]);
    let kill = |reason, count, second, pod| {
        json!(["web", reason, count, format!("2026-01-02T03:04:0{second}Z"), pod])
    };
    let kills = |kills: &[Value]| json!({"kills": kills});
    check_words(&kills(&[kill("Bored", 3, 1, "a")]), &[], &[(KillReason::Unknown, 3, "a")]);
    let rows = [kill("Bored", 1, 1, "a"), kill("OOMKilled", 2, 9, "b"), kill("Unknown", 4, 5, "c")];
    let of_both = [(KillReason::OomKilled, 2, "b"), (KillReason::Unknown, 5, "c")];
    check_words(&kills(&rows), &[], &of_both);
    let rows = [kill("Bored", 1, 7, "a"), kill("Tired", 2, 5, "b"), kill("Unknown", 4, 1, "c")];
    check_words(&kills(&rows), &[], &[(KillReason::Unknown, 7, "a")]);
}

#[test]
fn the_last_outcomes_of_a_newer_operator_are_unknown() {
    let ledger = load(&json!({
        "version": 3, "highWater": 1, "last": [["web", "PreStop", "Frozen", "web-x-2", 3]],
        "gate": {"revision": "r", "maxFailures": 1, "action": "Pause", "failures": 1,
            "closedBy": ["web", "PostStart", "Frozen", "web-x-3", null]},
    }));
    assert_eq!(ledger.last[&("web".into(), HookKind::PreStop)].outcome, Outcome::Unknown);
    let gate = ledger.gate.unwrap();
    assert_eq!((gate.failures, gate.closed_by.unwrap().run.outcome), (1, Outcome::Unknown));
}

#[test]
fn what_is_no_word_where_one_belongs_is_refused_rather_than_misread() {
    let rows = [
        json!({"kills": [["web", 7, 1, null, "a"]]}),
        json!({"runs": [["web", "PreStop", "Exec", null, "Runner", 1]]}),
        // What hooks there are and who tells of them is counted apart, and has no `Unknown`.
        json!({"runs": [["web", "PreStop", "Exec", "Failed", "Oracle", 1]]}),
        json!({"runs": [["web", "PreStop", "Pray", "Failed", "Runner", 1]]}),
    ];
    for mut rows in rows {
        rows["version"] = json!(3);
        rows["highWater"] = json!(1);
        assert!(matches!(Ledger::load(Some(&rows)), Err(LedgerError::Malformed(_))), "{rows}");
    }
}

fn check_sizes(of: &[(&str, u32)], made_for: (u32, u32)) {
    let of = of.iter().map(|(revision, size)| (Arc::from(*revision), *size)).collect();
    let made_for = Total { replicas: made_for.0, most: made_for.1 };
    let ledger = Ledger { sizes: Some(Sizes::new(of, made_for)), ..Ledger::default() };
    assert_eq!(load(&ledger.store().unwrap()), ledger);
}

#[test]
fn sizes_are_read_as_they_were_written_the_oldest_revision_first() {
    check_sizes(&[], (0, 0));
    check_sizes(&[("z", 3), ("a", 0), ("m", 5)], (6, 8));
    check_sizes(&[("z", u32::MAX)], (u32::MAX, u32::MAX));
    let none = Ledger::default();
    assert_eq!(load(&none.store().unwrap()), none, "no sizes are not no revisions");
}

#[test]
fn what_pods_have_shown_of_the_runner_is_read_as_it_was_written() {
    let shown = |inability, node: Option<&str>| Unrunnable { inability, node: node.map(Arc::from), last: 7 };
    let unrunnable = [
        ("a".into(), shown(crate::lifecycle::Inability::Forbidden, Some("n1"))),
        ("b".into(), shown(crate::lifecycle::Inability::NotPulled, None)),
    ];
    let ledger = Ledger { unrunnable: unrunnable.into(), ..Ledger::default() };
    assert_eq!(load(&ledger.store().unwrap()), ledger);
    assert!(Ledger::default().store().unwrap()["unrunnable"].is_null());
}

#[test]
fn where_counts_of_restarts_began_anew_is_kept_and_takes_no_part_in_the_ranges() {
    let mut ledger = Ledger::default();
    let plain = Mark { post_start: 1, ..Mark::default() };
    let anew = Mark { post_start: 6, end: 5, anew: Some(Anew { since: 200, before: 5 }), ..plain };
    for (number, mark) in [(1, plain), (2, plain), (3, anew), (4, plain)] {
        let marked = PodMarks([(Arc::from("web"), mark)].into());
        ledger.marks.set(number, marked, Youngest { created: Some(100), started: Some(200) });
    }
    ledger.marks.compact(false, |_, _| true);
    let stored = ledger.store().unwrap();
    assert_eq!(stored["marks"]["ranges"], "1-1:1.0;1:6.5;1:1.0");
    assert_eq!(stored["marks"]["anew"], json!([[3, "web", 200, 5]]));
    assert_eq!(load(&stored), ledger);
    // An operator before has not written any of it.
    let mut old = stored;
    let marks = old["marks"].as_object_mut().unwrap();
    assert!(marks.remove("anew").is_some() && marks.remove("started").is_some());
    assert_eq!(load(&old).marks.get(3).of("web"), Mark { anew: None, ..anew });
    assert_eq!(load(&old).marks.youngest(), Youngest { created: Some(100), started: None });
}

/// Ten thousand Pods with two containers, no two neighbours alike, and sizes in mid-rollout.
fn large() -> Ledger {
    let mut ledger = before();
    for number in 1..=10_000 {
        let nth = u32::try_from(number % 977).unwrap();
        let mark = Mark { post_start: nth + 1, end: nth, seen_running: nth % 2 * (nth + 1), anew: None };
        let containers = ["proxy", "web"].map(|name| (Arc::from(name), mark));
        ledger.marks.set(
            1_000_000 + number,
            PodMarks(containers.into()),
            Youngest { created: Some(0), started: Some(0) },
        );
    }
    let of = (0..20).map(|nth| (format!("revision-{nth}").into(), 500)).collect();
    ledger.sizes = Some(Sizes::new(of, Total { replicas: 10_000, most: 12_500 }));
    ledger
}

/// A run of which everything is as long as it can be: letters of the output need an escape of six.
fn longest_run() -> HookRunStatus {
    let time = "2026-01-02T03:04:05.123456Z".parse::<Timestamp>().unwrap();
    let took = std::time::Duration::from_nanos(123_456_789);
    HookRunStatus {
        pod: "p".repeat(63),
        pod_uid: "u".repeat(36),
        node: Some("n".repeat(253)),
        container: "c".repeat(63),
        restart_count: i32::MAX,
        execution: i64::from(u32::MAX),
        hook: HookKind::PostStart,
        handler: HandlerKind::TcpSocket,
        outcome: Outcome::Succeeded,
        start_time: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime(time)),
        duration: Some(GoDuration(took)),
        duration_error: Some(GoDuration(took)),
        source: Source::Kubelet,
        exit_code: Some(-127),
        attempts: Some(i32::MAX),
        message: "m".repeat(1024),
        output: "\u{7}".repeat(1024),
    }
}

#[test]
fn a_status_of_ten_thousand_pods_that_all_differ_fits_into_an_object() {
    let ledger = large();
    let stored = ledger.store().unwrap();
    assert_eq!(load(&stored), ledger);
    let recent_runs = vec![longest_run(); 50];
    let status =
        HookedWorkloadStatus { recent_runs, ledger: Some(stored), ..HookedWorkloadStatus::default() };
    let bytes = serde_json::to_vec(&status).unwrap().len();
    assert!(bytes < 1024 * 1024, "{bytes} bytes");
}

#[test]
fn what_only_a_newer_operator_knows_is_written_back_and_all_else_is_known() {
    let mut stored = large().store().unwrap();
    let known = load(&stored);
    assert!(known.unknown.is_empty(), "this program writes what it does not know: {:?}", known.unknown);
    stored["tally"] = json!({"of": ["web", 3]});
    let ledger = load(&stored);
    assert_eq!(ledger.store().unwrap(), stored);
    assert_eq!(Ledger { unknown: serde_json::Map::new(), ..ledger }, known);
}
