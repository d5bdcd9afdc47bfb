//! A label and what it labels, which may need several lines.

use super::line::{Line, wrap};
use super::tone::Tone;

/// Least columns for what is labelled, however narrow the terminal is.
const LEAST: usize = 20;

/// `label`, and from the column `values` on `start` and `rest`, whose further lines stand under the first.
pub(crate) fn labelled(
    label: &str,
    values: usize,
    start: Line,
    rest: &str,
    width: Option<usize>,
) -> Vec<Line> {
    let room = width.map(|width| width.saturating_sub(values).max(LEAST));
    let pieces = wrap(rest, start.width(), room);
    let mut start = Some(start);
    let lines = pieces.iter().map(|piece| match start.take() {
        Some(start) => Line::new().add(Tone::Faint, label).pad_to(values).append(start).plain(piece),
        None => Line::new().pad_to(values).plain(piece),
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_lines_stand_under_the_first() {
        let start = Line::new().add(Tone::Bad, "False");
        let lines = labelled("Ready", 8, start, " (Why): one two three four", Some(28));
        let lines: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
        assert_eq!(lines, ["Ready   False (Why): one two", "        three four"]);
    }
}
