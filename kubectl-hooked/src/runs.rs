//! `kubectl hooked runs`: the last hook runs of a workload as a table.

use hooked_crd::{GoDuration, HookRunStatus};
use jiff::Timestamp;
use thiserror::Error;

use crate::arguments::{RunsOptions, TableFormat};
use crate::connect::Connection;
use crate::end::End;
use crate::output::hide_output;
use crate::print::{PrintError, Screen, document};
use crate::render::{Cut, Line, Tone, ago, named, of_outcome, short, table, took};
use crate::request::RequestError;
use crate::workloads::get;

/// Why there are no runs to show.
#[derive(Debug, Error)]
pub(crate) enum RunsError {
    /// The API server has not given what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// They were not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &RunsOptions,
    screen: &Screen,
) -> Result<End, RunsError> {
    let RunsOptions { name, output, show_output } = options;
    let workload = get(connection, name).await?;
    let mut runs = workload.status.unwrap_or_default().recent_runs;
    hide_output(&mut runs, *show_output);
    if let Some(format) = output.and_then(TableFormat::for_programs) {
        document(&runs, format)?;
        return Ok(End::Done);
    }
    if runs.is_empty() {
        // Where a script reads a table there is none.
        eprintln!("no hook run of {name} is settled yet, or spec.hooks.historyLimit is 0");
        return Ok(End::Done);
    }
    let wide = *output == Some(TableFormat::Wide);
    screen.show(&lines(&runs, wide, screen.width, Timestamp::now()))?;
    Ok(End::Done)
}

/// The runs as a table, in the order in which they come.
fn lines(runs: &[HookRunStatus], wide: bool, width: Option<usize>, now: Timestamp) -> Vec<Line> {
    let mut headings = vec![
        ("AGE", Cut::Never),
        ("POD", Cut::Beginning(18)),
        ("CONTAINER", Cut::Beginning(9)),
        ("HOOK", Cut::Never),
        ("OUTCOME", Cut::Never),
        ("DURATION", Cut::Never),
    ];
    if wide {
        let more = ["ERROR", "EXIT", "ATTEMPTS", "EXECUTION", "RESTARTS", "HANDLER", "SOURCE", "NODE"];
        headings.extend(more.map(|heading| (heading, Cut::Never)));
    }
    headings.push(("MESSAGE", Cut::End(10)));
    let rows: Vec<_> = runs.iter().map(|run| row(run, wide, now)).collect();
    let width = if wide { None } else { width };
    let drawn = table(&headings, &rows, width).into_iter();
    let printed = std::iter::once("").chain(runs.iter().map(|run| run.output.as_str()));
    drawn
        .zip(printed)
        .flat_map(|(line, output)| std::iter::once(line).chain(output.lines().map(printed_line)))
        .collect()
}

fn printed_line(text: &str) -> Line {
    Line::new().add(Tone::Faint, "  │ ").plain(text)
}

fn row(run: &HookRunStatus, wide: bool, now: Timestamp) -> Vec<(Tone, String)> {
    let plain = |text: String| (Tone::Plain, text);
    let known = |number: Option<i32>| number.map_or_else(String::new, |number| number.to_string());
    let span = |span: Option<GoDuration>| span.map_or_else(String::new, |GoDuration(span)| short(span));
    let age = run.start_time.as_ref().map_or_else(String::new, |time| ago(time.0, now));
    let mut cells = vec![
        plain(age),
        plain(run.pod.clone()),
        plain(run.container.clone()),
        plain(named(run.hook)),
        (of_outcome(run.outcome), named(run.outcome)),
        plain(took(run).unwrap_or_default()),
    ];
    if wide {
        cells.extend([
            plain(span(run.duration_error)),
            plain(known(run.exit_code)),
            plain(known(run.attempts)),
            plain(run.execution.to_string()),
            plain(run.restart_count.to_string()),
            plain(named(run.handler)),
            plain(named(run.source)),
            plain(run.node.clone().unwrap_or_default()),
        ]);
    }
    cells.push((Tone::Faint, run.message.clone()));
    cells
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::{now, run};

    fn check(wide: bool, width: Option<usize>, expect: &[&str]) {
        let more = json!({
            "startTime": "2026-11-22T10:04:00.000000Z", "duration": "775µs", "durationError": "0s", "exitCode": 3, "attempts": 1,
            "message": "exited with 3", "output": "", "node": "n1",
        });
        let estimate =
            json!({"duration": "2s", "durationError": "1s", "source": "Kubelet", "output": "a\nb"});
        let runs = [
            run("hook-demo-fail-l5vf46gj8t-g988v5", "PostStart", "Failed", &more),
            run("hook-demo-fail-l5vf46gj8t-g988v5", "PreStop", "TimedOut", &estimate),
        ];
        let runs: Vec<HookRunStatus> =
            runs.into_iter().map(|run| serde_json::from_value(run).unwrap()).collect();
        let lines: Vec<String> =
            lines(&runs, wide, width, now()).iter().map(|line| line.text(false)).collect();
        assert_eq!(lines, expect);
    }

    #[test]
    fn runs_are_a_table_that_fits_a_terminal() {
        check(
            false,
            Some(80),
            &[
                "AGE  POD                 CONTAINER  HOOK       OUTCOME   DURATION  MESSAGE",
                "1m   …l5vf46gj8t-g988v5  web        PostStart  Failed    775µs     exited with 3",
                "     …l5vf46gj8t-g988v5  web        PreStop    TimedOut  ~2s",
                "  │ a",
                "  │ b",
            ],
        );
    }

    #[test]
    fn a_wide_table_has_all_there_is() {
        check(
            true,
            Some(80),
            &[
                "AGE  POD                               CONTAINER  HOOK       OUTCOME   DURATION  ERROR  EXIT  ATTEMPTS  \
                 EXECUTION  RESTARTS  HANDLER  SOURCE   NODE  MESSAGE",
                "1m   hook-demo-fail-l5vf46gj8t-g988v5  web        PostStart  Failed    775µs     0s     3     1         4          \
                 3         Exec     Runner   n1    exited with 3",
                "     hook-demo-fail-l5vf46gj8t-g988v5  web        PreStop    TimedOut  ~2s       1s                     4          \
                 3         Exec     Kubelet",
                "  │ a",
                "  │ b",
            ],
        );
    }
}
