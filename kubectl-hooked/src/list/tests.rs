//! What is listed, and in which order.

use serde_json::{Value, json};

use super::nothing_to_list;
use super::row::{Row, sort};
use super::text::lines;
use crate::fixtures::{now, workload};

fn row(name: &str, namespace: &str, status: &Value) -> Row {
    let mut workload = workload(status);
    workload.metadata.name = Some(name.to_owned());
    workload.metadata.namespace = Some(namespace.to_owned());
    workload.metadata.creation_timestamp = serde_json::from_value(json!("2026-11-22T10:00:00Z")).unwrap();
    Row::of(&workload)
}

fn rows() -> Vec<Row> {
    let condition = |type_: &str, status: &str, reason: &str| {
        json!({
            "type": type_, "status": status, "reason": reason, "message": "so it is",
            "lastTransitionTime": "2026-11-22T10:00:00Z",
        })
    };
    let good = json!({
        "observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 3, "availableReplicas": 3,
        "conditions": [condition("Ready", "True", "RolloutComplete")],
    });
    let stalled = json!({
        "observedGeneration": 2, "readyReplicas": 1, "hookTotals": {"failed": 1, "timedOut": 1, "kills": 2},
        "lastHook": "PreStop/Failed",
        "conditions": [
            condition("Ready", "False", "InvalidTemplate"), condition("Stalled", "True", "InvalidTemplate"),
        ],
    });
    let mut rows = vec![row("b", "shop", &good), row("a", "shop", &good), row("z", "test", &stalled)];
    sort(&mut rows);
    rows
}

fn check(all: bool, wide: bool, width: Option<usize>, expect: &[&str]) {
    let lines: Vec<String> =
        lines(&rows(), all, wide, width, now()).iter().map(|line| line.text(false)).collect();
    assert_eq!(lines, expect);
}

#[test]
fn what_needs_attention_stands_first_and_the_rest_by_its_name() {
    check(
        true,
        false,
        Some(80),
        &[
            "NAMESPACE  NAME  READY  UP-TO-DATE  HOOKS-FAILED  KILLS  AGE  ATTENTION",
            "test       z     1/3    0           2             2      5m   Stalled: InvalidT…",
            "shop       a     3/3    3           0             0      5m",
            "shop       b     3/3    3           0             0      5m",
        ],
    );
    check(
        false,
        true,
        Some(80),
        &[
            "NAME  READY  UP-TO-DATE  HOOKS-FAILED  KILLS  AVAILABLE  LAST-HOOK       AGE  ATTENTION                 MESSAGE",
            "z     1/3    0           2             2      0          PreStop/Failed  5m   Stalled: InvalidTemplate  so it is",
            "a     3/3    3           0             0      3                          5m",
            "b     3/3    3           0             0      3                          5m",
        ],
    );
}

#[test]
fn a_row_for_programs_has_no_account_book_and_says_why() {
    let rows = serde_json::to_value(rows()).unwrap();
    assert_eq!((&rows[0]["attention"], &rows[0]["reason"]), (&json!("Stalled"), &json!("InvalidTemplate")));
    assert_eq!(rows[1]["attention"], "None");
    assert!(!rows.to_string().contains("ledger"));
}

#[test]
fn an_empty_list_says_where_else_to_look() {
    let check = |namespace: &str, selector: Option<&str>, expect: &str| {
        assert_eq!(nothing_to_list(namespace, selector), expect);
    };
    check("shop", None, "there is no HookedWorkload in namespace shop; -A lists all namespaces");
    check("", Some("app=web"), "there is no HookedWorkload that matches app=web in any namespace");
}
