//! A report as lines.

use super::finding::{Finding, Verdict};
use super::report::Report;
use crate::render::{Line, Tone, named, wrap};

/// Where the verdict begins: behind the longest name of a check, and a gap.
const VERDICTS: usize = 23;
/// Where the words begin.
const WORDS: usize = VERDICTS + 12;
/// Where they begin on a terminal that is too narrow for that, below the name and the verdict.
const BELOW: usize = 2;
/// Fewer columns than this for words would be hard to read.
const LEAST: usize = 40;

/// The report as a table of findings, in the order of the checks, and what they come to.
pub(super) fn lines(report: &Report, width: Option<usize>) -> Vec<Line> {
    let mut lines = vec![
        Line::new()
            .add(Tone::Strong, "CHECK")
            .pad_to(VERDICTS)
            .add(Tone::Strong, "VERDICT")
            .pad_to(WORDS)
            .add(Tone::Strong, "FINDING"),
    ];
    lines.extend(report.findings.iter().flat_map(|finding| of(finding, width)));
    lines.push(Line::new());
    lines.push(Line::new().add(report.verdict.tone(), summary(report)));
    lines
}

fn of(finding: &Finding, width: Option<usize>) -> Vec<Line> {
    let is_narrow = width.is_some_and(|width| width < WORDS + LEAST);
    let column = if is_narrow { BELOW } else { WORDS };
    let room = width.map(|width| width.saturating_sub(column));
    let action = finding.action.as_ref().map(|action| format!("→ {action}"));
    let words = wrap(&finding.message, 0, room).into_iter();
    let mut words = words.chain(action.iter().flat_map(|action| wrap(action, 0, room)));
    let verdict = Line::new().add(finding.verdict.tone(), named(finding.verdict));
    let head = Line::new().plain(named(finding.check)).pad_to(VERDICTS).append(verdict);
    let first = if is_narrow { None } else { words.next() };
    let first = first.map_or_else(|| head.clone(), |words| head.clone().pad_to(WORDS).plain(words));
    std::iter::once(first).chain(words.map(|words| Line::new().pad_to(column).plain(words))).collect()
}

/// What it comes to, in a sentence.
fn summary(report: &Report) -> String {
    let parts = [
        (Verdict::Problem, "problem", "problems"),
        (Verdict::Unknown, "unknown", "unknown"),
        (Verdict::Warning, "warning", "warnings"),
        (Verdict::NotChecked, "not checked", "not checked"),
    ];
    let told: Vec<String> = parts
        .into_iter()
        .map(|(verdict, one, many)| (report.count(verdict), one, many))
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    let place = format!("for Pods in namespace {}", report.namespace);
    match (report.installed, told.is_empty()) {
        (_, true) => format!("All is well {place}."),
        (Some(false), false) => format!("Not installed yet; {place}: {}.", told.join(", ")),
        (_, false) => format!("{}, {place}.", told.join(", ")),
    }
}
