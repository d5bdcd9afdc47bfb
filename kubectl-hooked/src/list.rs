//! `kubectl hooked list`: workloads, those that need attention first.

mod attention;

use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde::Serialize;
use thiserror::Error;

use crate::arguments::{ListOptions, TableFormat};
use crate::connect::Connection;
use crate::end::End;
use crate::print::{PrintError, Screen, document};
use crate::render::{Cut, Line, Tone, ago, table};
use crate::request::{Asked, Request, RequestError};

use attention::{Attention, attention};

/// Workloads that one reply holds: few, since each has its account book with it.
const PAGE: u32 = 50;

/// Why there is no list.
#[derive(Debug, Error)]
pub(crate) enum ListError {
    /// The API server has not given what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// A workload.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    namespace: String,
    name: String,
    attention: Attention,
    /// Why, in one word, and in words.
    reason: String,
    message: String,
    desired: i32,
    ready: i32,
    updated: i32,
    available: i32,
    hooks_failed: i64,
    kills: i64,
    last_hook: Option<String>,
    created: Option<Timestamp>,
}

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &ListOptions,
    screen: &Screen,
) -> Result<End, ListError> {
    let ListOptions { all_namespaces, selector, output } = options;
    let namespace = if *all_namespaces { "" } else { &*connection.namespace };
    let mut rows = fetch(connection, namespace, selector.as_deref()).await?;
    sort(&mut rows);
    if let Some(format) = output.and_then(TableFormat::for_programs) {
        document(&rows, format)?;
    } else if rows.is_empty() {
        // Where a script reads a table there is none.
        let place = if *all_namespaces { "any namespace" } else { namespace };
        eprintln!("there is no such HookedWorkload in {place}; -A lists all namespaces");
    } else {
        let wide = *output == Some(TableFormat::Wide);
        screen.show(&lines(&rows, *all_namespaces, wide, screen.width, Timestamp::now()))?;
    }
    Ok(End::Done)
}

/// The workloads of a namespace, or of all if it is empty.
async fn fetch(
    connection: &Connection,
    namespace: &str,
    selector: Option<&str>,
) -> Result<Vec<Row>, RequestError> {
    let request = Request { verb: "list", asked: Asked::Workload, name: "", namespace };
    let client = connection.client.clone();
    let api: Api<HookedWorkload> =
        if namespace.is_empty() { Api::all(client) } else { Api::namespaced(client, namespace) };
    let mut parameters = ListParams { label_selector: selector.map(str::to_owned), ..ListParams::default() };
    parameters.limit = Some(PAGE);
    let mut rows = Vec::new();
    loop {
        let page = api.list(&parameters).await.map_err(|error| request.failed(&error))?;
        rows.extend(page.items.iter().map(Row::of));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters.continue_token = Some(token),
            None => return Ok(rows),
        }
    }
}

/// What needs attention first; of equals by their names.
fn sort(rows: &mut [Row]) {
    rows.sort_by(|one, other| {
        let by = |row: &Row| (row.attention, row.namespace.clone(), row.name.clone());
        by(one).cmp(&by(other))
    });
}

impl Row {
    fn of(workload: &HookedWorkload) -> Self {
        let status = workload.status.clone().unwrap_or_default();
        let (attention, reason, message) = attention(workload);
        let totals = status.hook_totals;
        Self {
            namespace: workload.namespace().unwrap_or_default(),
            name: workload.name_any(),
            attention,
            reason,
            message,
            desired: workload.spec.replicas.unwrap_or(1),
            ready: status.ready_replicas,
            updated: status.updated_replicas,
            available: status.available_replicas,
            hooks_failed: totals.failed + totals.timed_out,
            kills: totals.kills,
            last_hook: status.last_hook,
            created: workload.creation_timestamp().map(|time| time.0),
        }
    }
}

/// The workloads as a table, in the order in which they come.
fn lines(rows: &[Row], all: bool, wide: bool, width: Option<usize>, now: Timestamp) -> Vec<Line> {
    let mut headings: Vec<(&str, Cut)> = Vec::new();
    if all {
        headings.push(("NAMESPACE", Cut::Beginning(9)));
    }
    headings.extend([
        ("NAME", Cut::Beginning(12)),
        ("READY", Cut::Never),
        ("UP-TO-DATE", Cut::Never),
        ("HOOKS-FAILED", Cut::Never),
        ("KILLS", Cut::Never),
    ]);
    if wide {
        headings.extend([("AVAILABLE", Cut::Never), ("LAST-HOOK", Cut::Never)]);
    }
    headings.extend([("AGE", Cut::Never), ("ATTENTION", Cut::End(9))]);
    if wide {
        headings.push(("MESSAGE", Cut::Never));
    }
    let cells: Vec<_> = rows.iter().map(|row| cells(row, all, wide, now)).collect();
    table(&headings, &cells, if wide { None } else { width })
}

fn cells(row: &Row, all: bool, wide: bool, now: Timestamp) -> Vec<(Tone, String)> {
    let plain = |text: String| (Tone::Plain, text);
    let counted = |count: i64| (if count > 0 { Tone::Bad } else { Tone::Plain }, count.to_string());
    let mut cells = Vec::new();
    if all {
        cells.push(plain(row.namespace.clone()));
    }
    let ready = if row.ready < row.desired { Tone::Unsure } else { Tone::Good };
    cells.extend([
        plain(row.name.clone()),
        (ready, format!("{}/{}", row.ready, row.desired)),
        plain(row.updated.to_string()),
        counted(row.hooks_failed),
        counted(row.kills),
    ]);
    if wide {
        cells.extend([plain(row.available.to_string()), plain(row.last_hook.clone().unwrap_or_default())]);
    }
    cells.push(plain(row.created.map_or_else(String::new, |time| ago(time, now))));
    cells.push((row.attention.tone(), row.attention.word(&row.reason)));
    if wide {
        cells.push((Tone::Faint, row.message.clone()));
    }
    cells
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
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
        assert_eq!(
            (&rows[0]["attention"], &rows[0]["reason"]),
            (&json!("Stalled"), &json!("InvalidTemplate"))
        );
        assert_eq!(rows[1]["attention"], "None");
        assert!(!rows.to_string().contains("ledger"));
    }
}
