//! The dashboards of config/grafana, held to the schema that Grafana publishes and to what fits a wall.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hooked_cluster::{Progress, monitoring};
use serde_json::Value;

use crate::image;

const DASHBOARDS: [&str; 2] = ["overview.json", "workload.json"];

/// Faults that the checker must find: where a dashboard is changed, to what, and what must be said of it.
const FAULTS: [(&str, &str, &str); 6] = [
    ("/refersh", r#""30s""#, "refersh"),
    ("/panels/0/titel", r#""x""#, "titel"),
    ("/panels/0/type", r#""stats""#, "stats"),
    ("/panels/0/options/colourMode", r#""value""#, "colourMode"),
    ("/panels/0/options/reduceOptions/values", r#""yes""#, "reduceOptions.values"),
    ("/panels/0/fieldConfig/defaults/units", r#""s""#, "units"),
];

/// Checks every dashboard, and that the checker is one: it must find a fault wherever we make one.
pub(super) fn check() -> Result<()> {
    let checker = monitoring::dashboard_checker(&Progress::new(|line| eprintln!("{line}")))?;
    for name in DASHBOARDS {
        let said = complaints(&checker, &place(name)?)?;
        ensure!(said.is_empty(), "Grafana's schema does not know what is in a dashboard:\n{said}");
    }
    let faulty = image::workspace()?.join("target/faulty-dashboard.json");
    for (at, value, expect) in FAULTS {
        let mut dashboard = read(DASHBOARDS[0])?;
        let (parent, field) = at.rsplit_once('/').context("no place for a fault")?;
        let object = dashboard.pointer_mut(parent).with_context(|| format!("there is no {parent}"))?;
        object[field] = serde_json::from_str(value)?;
        fs::write(&faulty, dashboard.to_string())?;
        let said = complaints(&checker, &faulty)?;
        ensure!(said.contains(expect), "{value} at {at} goes unnoticed: {said:?}");
    }
    println!(
        "{} dashboards are as Grafana's schema wants them, {} faults are found",
        DASHBOARDS.len(),
        FAULTS.len()
    );
    Ok(())
}

/// What the checker says of a dashboard; empty if it is as it should be.
fn complaints(checker: &Path, dashboard: &Path) -> Result<String> {
    let output = Command::new(checker).arg(dashboard).output().context("cannot start the checker")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success() == said.is_empty(),
        "the checker has ended with {}: {said}",
        output.status
    );
    Ok(said)
}

fn place(name: &str) -> Result<PathBuf> {
    Ok(image::workspace()?.join("config/grafana").join(name))
}

fn read(name: &str) -> Result<Value> {
    let place = place(name)?;
    let text = fs::read_to_string(&place).with_context(|| format!("cannot read {}", place.display()))?;
    serde_json::from_str(&text).with_context(|| place.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Calls `check` with each dashboard.
    fn each(check: impl Fn(&str, &Value)) {
        for name in DASHBOARDS {
            check(name, &read(name).unwrap());
        }
    }

    fn list(value: &Value) -> &[Value] {
        value.as_array().map_or(&[], Vec::as_slice)
    }

    fn has_words(value: &Value) -> bool {
        value.as_str().is_some_and(|text| !text.is_empty())
    }

    /// The cells of a grid of 24 columns that a panel covers.
    fn cells(panel: &Value) -> impl Iterator<Item = (u64, u64)> {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(w > 0 && h > 0 && x + w <= 24, "{} is wider than the wall", panel["title"]);
        (y..y + h).flat_map(move |row| (x..x + w).map(move |column| (row, column)))
    }

    #[test]
    fn no_panel_covers_another_and_no_hole_is_between_them() {
        each(|name, dashboard| {
            let mut covered = BTreeSet::new();
            for panel in list(&dashboard["panels"]) {
                for cell in cells(panel) {
                    assert!(
                        covered.insert(cell),
                        "{name}: {} covers another panel at {cell:?}",
                        panel["title"]
                    );
                }
            }
            let rows = covered.last().unwrap().0 + 1;
            assert_eq!(covered.len() as u64, rows * 24, "{name}: the grid has holes");
        });
    }

    #[test]
    fn panels_have_numbers_and_titles_of_their_own_and_say_what_they_show_and_in_which_unit() {
        each(|name, dashboard| {
            let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
            for panel in list(&dashboard["panels"]) {
                let title = &panel["title"];
                assert!(ids.insert(panel["id"].as_u64()), "{name}: {title} has another's id");
                assert!(has_words(title) && titles.insert(title.to_string()), "{name}: {title}");
                if panel["type"] == "row" {
                    continue;
                }
                assert!(has_words(&panel["description"]), "{name}: {title} has no description");
                let unit = [&panel["fieldConfig"]["defaults"]["unit"], &panel["options"]["yAxis"]["unit"]];
                // Of alerts there is nothing to measure.
                assert!(
                    unit.into_iter().any(has_words) || title == "Firing alerts",
                    "{name}: {title} has no unit"
                );
            }
        });
    }

    #[test]
    fn every_query_asks_the_chosen_data_source_and_minds_the_variables() {
        each(|name, dashboard| {
            let variables: Vec<_> =
                list(&dashboard["templating"]["list"]).iter().map(|v| v["name"].as_str().unwrap()).collect();
            for panel in list(&dashboard["panels"]) {
                for target in list(&panel["targets"]) {
                    let query = target["expr"].as_str().unwrap();
                    assert_eq!(target["datasource"]["uid"], "${datasource}", "{name}: {query}");
                    let of_a_workload = ["hook_", "hooks_", "container_", "grace_", "workload_"]
                        .iter()
                        .any(|part| query.contains(&format!("hooked_{part}")));
                    for variable in ["namespace", "workload"] {
                        let used = query.contains(&format!("${variable}"));
                        assert!(used || !of_a_workload, "{name}: {query} does not mind ${variable}");
                    }
                    for word in query.split('$').skip(1) {
                        let end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
                        let used = word.split(end).next().unwrap();
                        let own = ["__range", "__rate_interval"].contains(&used);
                        assert!(own || variables.contains(&used), "{name}: {query} uses ${used}");
                    }
                }
            }
        });
    }

    #[test]
    fn each_dashboard_leads_to_the_other_and_keeps_time_and_variables() {
        let uids = DASHBOARDS.map(|name| read(name).unwrap()["uid"].as_str().unwrap().to_owned());
        for (name, other) in DASHBOARDS.into_iter().zip(uids.iter().rev()) {
            let dashboard = read(name).unwrap();
            let link = &dashboard["links"][0];
            assert_eq!(link["url"], format!("/d/{other}"), "{name}");
            assert!(link["keepTime"] == true && link["includeVars"] == true, "{name}: {link}");
        }
        let overview = read(DASHBOARDS[0]).unwrap().to_string();
        let row = format!("/d/{}/?var-namespace=${{__data.fields.namespace}}&var-workload=", uids[1]);
        assert!(overview.contains(&row), "no row of the overview leads to its workload");
    }
}
