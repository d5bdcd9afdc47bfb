//! Workloads as lines.

use jiff::Timestamp;

use super::row::Row;
use crate::render::{Cut, Line, Tone, ago, table};

/// The workloads as a table, in the order in which they come.
pub(super) fn lines(rows: &[Row], all: bool, wide: bool, width: Option<usize>, now: Timestamp) -> Vec<Line> {
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
