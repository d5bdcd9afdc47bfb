//! The table that people read: a line for each figure, a column for each contender, and the ratio to the first.

use crate::contender::Contender;
use crate::figures::Row;

/// Lays out what was measured of these contenders.
pub(crate) fn table(rows: &[Row], contenders: &[Contender]) -> String {
    let mut text = String::new();
    let mut scenario = "";
    for row in rows {
        if row.scenario != scenario {
            scenario = &row.scenario;
            text.push_str(&head(scenario, contenders));
        }
        text.push_str(&line(row, contenders));
    }
    text
}

fn head(scenario: &str, contenders: &[Contender]) -> String {
    let names: Vec<String> = contenders.iter().map(ToString::to_string).collect();
    format!("\n| {scenario} | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(contenders.len()))
}

fn line(row: &Row, contenders: &[Contender]) -> String {
    let value = |contender: &Contender| row.medians.get(&contender.to_string()).copied();
    let first = contenders.first().and_then(value);
    let cells = contenders.iter().enumerate().map(|(number, contender)| {
        let Some(value) = value(contender) else { return " – |".to_owned() };
        match first {
            Some(first) if number > 0 && first != 0.0 => {
                format!(" {} ({:.2}) |", short(value), value / first)
            }
            _ => format!(" {} |", short(value)),
        }
    });
    format!("| {} |{}\n", row.figure, cells.collect::<String>())
}

/// Three digits are as many as a figure of such a kind is good for.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_each_value_and_its_ratio_to_the_first() {
        let medians = [("deployment".to_owned(), 200.0), ("hooked".to_owned(), 150.4)].into();
        let row = Row { scenario: "create:1x10".to_owned(), figure: "creates a second", medians };
        let shown = table(&[row], &[Contender::Deployment, Contender::Observe, Contender::Hooked]);
        let expect = "\n| create:1x10 | deployment | observe | hooked |\n|---|---|---|---|\n\
                      | creates a second | 200 | – | 150 (0.75) |\n";
        assert_eq!(shown, expect);
    }
}
