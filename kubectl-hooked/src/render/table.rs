//! Tables whose columns give way where a terminal is too narrow.

use unicode_width::UnicodeWidthStr;

use super::line::{Line, head};
use super::tone::Tone;

/// Columns between columns.
const GAP: usize = 2;

/// How a column gives way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Not at all.
    Never,
    /// Its beginning goes, down to this width: what tells one from another stands at its end, as in a Pod's
    /// name.
    Beginning(usize),
    /// Its end goes, down to this width.
    End(usize),
}

/// A table with a heading; as wide as it must be where `width` is none.
pub(crate) fn table(
    headings: &[(&str, Cut)],
    rows: &[Vec<(Tone, String)>],
    width: Option<usize>,
) -> Vec<Line> {
    let natural = headings.iter().enumerate().map(|(column, (heading, _))| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|(_, text)| text.width());
        cells.chain([heading.width()]).max().unwrap_or(0)
    });
    let mut widths: Vec<usize> = natural.collect();
    if let Some(width) = width {
        give_way(&mut widths, headings, width);
    }
    let heading = headings.iter().map(|(heading, _)| (Tone::Strong, (*heading).to_owned())).collect();
    let rows = std::iter::once(&heading).chain(rows);
    rows.map(|row| line(row, headings, &widths)).collect()
}

/// Takes what is too much from the columns that can spare it: first from names whose beginnings are alike,
/// then from words.
fn give_way(widths: &mut [usize], headings: &[(&str, Cut)], width: usize) {
    let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    let mut excess = total.saturating_sub(width);
    for beginning in [true, false] {
        for (size, (heading, cut)) in widths.iter_mut().zip(headings).rev() {
            let least = match cut {
                Cut::Beginning(least) if beginning => *least,
                Cut::End(least) if !beginning => *least,
                _ => continue,
            };
            let spared = size.saturating_sub(least.max(heading.width())).min(excess);
            *size -= spared;
            excess -= spared;
        }
    }
}

fn line(row: &[(Tone, String)], headings: &[(&str, Cut)], widths: &[usize]) -> Line {
    let mut line = Line::new();
    let mut column = 0;
    for (((tone, text), (_, cut)), width) in row.iter().zip(headings).zip(widths) {
        line = line.pad_to(column).add(*tone, fit(text, *cut, *width));
        column += width + GAP;
    }
    line
}

fn fit(text: &str, cut: Cut, width: usize) -> String {
    if text.width() <= width || cut == Cut::Never {
        return text.to_owned();
    }
    match cut {
        Cut::Beginning(_) => format!("…{}", tail(text, width.saturating_sub(1))),
        Cut::End(_) | Cut::Never => format!("{}…", head(text, width.saturating_sub(1))),
    }
}

/// As much of the end of `text` as fits into `width` columns.
fn tail(text: &str, width: usize) -> &str {
    let starts = text.char_indices().map(|(index, _)| &text[index..]);
    starts.into_iter().find(|rest| rest.width() <= width).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: Option<usize>, expect: &[&str]) {
        let headings = [("POD", Cut::Beginning(9)), ("HOOK", Cut::Never), ("WHY", Cut::End(5))];
        let cell = |text: &str| (Tone::Plain, text.to_owned());
        let rows = vec![
            vec![cell("web-abcdef-1"), cell("PreStop"), cell("exited with 3")],
            vec![cell("web-abcdef-2"), cell("PreStop"), cell("")],
        ];
        let lines: Vec<String> = table(&headings, &rows, width).iter().map(|line| line.text(false)).collect();
        assert_eq!(lines, expect);
    }

    #[test]
    fn a_table_is_as_wide_as_it_must_be_and_gives_way_where_it_can() {
        let whole =
            ["POD           HOOK     WHY", "web-abcdef-1  PreStop  exited with 3", "web-abcdef-2  PreStop"];
        check(None, &whole);
        check(Some(36), &whole);
        check(
            Some(33),
            &["POD        HOOK     WHY", "…abcdef-1  PreStop  exited with 3", "…abcdef-2  PreStop"],
        );
        check(Some(25), &["POD        HOOK     WHY", "…abcdef-1  PreStop  exit…", "…abcdef-2  PreStop"]);
    }
}
