//! What a page says to type, and what it says that this shows.

use anyhow::{Context, Result, bail, ensure};

const RUN: &str = "<!-- run -->";
const SHOWS: &str = "<!-- shows -->";
/// Stands for anything within a line.
const ANYTHING: char = '…';

/// Commands, and lines that their output must hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Of the page, from 1.
    pub(super) line: usize,
    /// With a line feed at the end.
    pub(super) commands: String,
    pub(super) shows: Vec<String>,
}

/// The steps of a page, in its order.
pub(super) fn steps(page: &str) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = (1..).zip(page.lines());
    let mut marker = "";
    while let Some((line, text)) = lines.next() {
        let Some(language) = text.strip_prefix("```") else {
            ensure!(marker.is_empty(), "line {line}: {marker} stands before no block");
            marker = if matches!(text, RUN | SHOWS) { text } else { "" };
            ensure!(
                !text.starts_with("<!--") || !marker.is_empty() || line == 1,
                "line {line}: no marker is {text}"
            );
            continue;
        };
        let within: Vec<&str> =
            lines.by_ref().map(|(_, text)| text).take_while(|text| *text != "```").collect();
        match (std::mem::take(&mut marker), language) {
            (RUN, "sh") => {
                let commands = within.iter().flat_map(|text| [*text, "\n"]).collect();
                steps.push(Step { line, commands, shows: Vec::new() });
            }
            (SHOWS, "text") => {
                let step = steps
                    .last_mut()
                    .with_context(|| format!("line {line}: nothing was run that shows it"))?;
                step.shows.extend(
                    within.iter().filter(|text| !text.trim().is_empty()).map(|text| (*text).to_owned()),
                );
            }
            ("", _) => {}
            (marker, language) => bail!("line {line}: {marker} stands before a block of {language:?}"),
        }
    }
    ensure!(marker.is_empty(), "{marker} stands before no block");
    Ok(steps)
}

/// Those lines that an output does not hold. How many spaces stand between words is no matter: columns are as wide as
/// the names in them.
pub(super) fn missing<'a>(shows: &'a [String], output: &str) -> Vec<&'a str> {
    let output: Vec<String> = output.lines().map(words).collect();
    let missing = shows.iter().filter(|wanted| !output.iter().any(|line| holds(line, &words(wanted))));
    missing.map(String::as_str).collect()
}

fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the parts of what is wanted stand in the line, one behind the other.
fn holds(line: &str, wanted: &str) -> bool {
    let mut rest = line;
    wanted.split(ANYTHING).map(str::trim).all(|part| match rest.split_once(part) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, expect: &[(usize, &str, &[&str])]) {
        let found = steps(page).unwrap();
        let found: Vec<(usize, &str, Vec<&str>)> = found
            .iter()
            .map(|step| (step.line, &*step.commands, step.shows.iter().map(String::as_str).collect()))
            .collect();
        let expect: Vec<_> =
            expect.iter().map(|(line, commands, shows)| (*line, *commands, shows.to_vec())).collect();
        assert_eq!(found, expect, "{page}");
    }

    #[test]
    fn marked_blocks_are_steps_and_others_are_not() {
        check("# A\n```sh\nkind load\n```\n", &[]);
        check("a\n<!-- run -->\n```sh\nls\n\npwd\n```\n", &[(3, "ls\n\npwd\n", &[])]);
        check(
            "<!-- run -->\n```sh\na\n```\ntext\n```text\nno\n```\n<!-- shows -->\n```text\nx …\n\ny\n```\n",
            &[(2, "a\n", &["x …", "y"])],
        );
    }

    #[test]
    fn a_marker_that_marks_nothing_is_refused() {
        for (page, why) in [
            ("<!-- run -->\n\n```sh\na\n```", "line 2: <!-- run --> stands before no block"),
            ("<!-- run -->", "<!-- run --> stands before no block"),
            ("<!-- run -->\n```yaml\na\n```", "line 2: <!-- run --> stands before a block of \"yaml\""),
            ("<!-- shows -->\n```text\na\n```", "line 2: nothing was run that shows it"),
            ("# A\n<!-- runs -->\n```sh\na\n```", "line 2: no marker is <!-- runs -->"),
        ] {
            assert_eq!(steps(page).unwrap_err().to_string(), why, "{page}");
        }
    }

    #[test]
    fn a_line_is_shown_where_its_parts_stand_one_behind_the_other() {
        for (wanted, is_shown) in [
            ("web 1/1", true),
            ("NAME READY", true),
            ("web … 5s", true),
            ("… 5s", true),
            ("5s … web", false),
            ("web … 7s", false),
            ("NAME … web", false),
        ] {
            let shows = [wanted.to_owned()];
            let missing = missing(&shows, "NAME   READY  AGE\nweb    1/1    5s\n");
            assert_eq!(missing.is_empty(), is_shown, "{wanted}");
        }
    }
}
