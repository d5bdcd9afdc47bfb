//! What a run has measured, and what came of several.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::contender::Contender;
use crate::scenario::Scenario;

/// Figures in the order in which they are told, each with its name and unit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(pub(crate) Vec<(&'static str, f64)>);

impl Figures {
    pub(crate) fn put(&mut self, name: &'static str, value: f64) {
        self.0.push((name, value));
    }
}

/// One run.
pub(crate) struct Run {
    pub(crate) scenario: Scenario,
    pub(crate) contender: Contender,
    pub(crate) round: u32,
    pub(crate) figures: Figures,
}

/// A figure of a scenario, each contender's median.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) figure: &'static str,
    pub(crate) medians: BTreeMap<String, f64>,
}

/// The medians of all runs, in the order in which they were measured.
pub(crate) fn rows(runs: &[Run]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut values: BTreeMap<(String, &str, String), Vec<f64>> = BTreeMap::new();
    for run in runs {
        let (scenario, contender) = (run.scenario.to_string(), run.contender.to_string());
        for (figure, value) in &run.figures.0 {
            if !rows.iter().any(|row| row.scenario == scenario && row.figure == *figure) {
                rows.push(Row { scenario: scenario.clone(), figure, medians: BTreeMap::new() });
            }
            values.entry((scenario.clone(), figure, contender.clone())).or_default().push(*value);
        }
    }
    for ((scenario, figure, contender), mut all) in values {
        if let Some(row) = rows.iter_mut().find(|row| row.scenario == scenario && row.figure == figure) {
            row.medians.insert(contender, median(&mut all));
        }
    }
    rows
}

/// The middle of some values; of an even number of them, the middle of both in the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], expect: f64) {
        assert!((median(&mut values.to_vec()) - expect).abs() < 1e-9, "{values:?}");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        check(&[3.0], 3.0);
        check(&[3.0, 1.0, 2.0], 2.0);
        check(&[4.0, 1.0, 2.0, 9.0], 3.0);
    }
}
