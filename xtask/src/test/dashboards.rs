//! The dashboards of config/grafana, held to the schema that Grafana publishes and to what fits a wall.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hooked_cluster::{Progress, monitoring};
use serde_json::Value;

use crate::image;

pub(crate) const DASHBOARDS: [&str; 3] = ["overview.json", "workload.json", "operator.json"];

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

pub(super) fn read(name: &str) -> Result<Value> {
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

    /// The variables that a text uses.
    fn used(text: &str) -> BTreeSet<&str> {
        let end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        text.split('$').skip(1).map(|word| word.split(end).next().unwrap()).collect()
    }

    /// The variables that a query must mind: what it asks about is chosen by them.
    fn minded(dashboard: &str, query: &str) -> Vec<&'static str> {
        let of_a_workload = ["hook_", "hooks_", "container_", "grace_", "workload_", "rollout_"]
            .iter()
            .any(|part| query.contains(&format!("hooked_{part}")));
        let mut minded = vec!["cluster"];
        // Alerts are of a cluster, and cAdvisor's series of a job of their own.
        if query.contains("hooked_") {
            minded.push("job");
        }
        // The operator's board sums over all workloads.
        if of_a_workload && dashboard != "operator.json" {
            minded.extend(["namespace_label", "namespace", "workload"]);
        }
        minded
    }

    #[test]
    fn every_query_asks_the_chosen_data_source_and_minds_the_variables() {
        each(|name, dashboard| {
            let variables: BTreeSet<_> =
                list(&dashboard["templating"]["list"]).iter().map(|v| v["name"].as_str().unwrap()).collect();
            for target in list(&dashboard["panels"]).iter().flat_map(|panel| list(&panel["targets"])) {
                let query = target["expr"].as_str().unwrap();
                assert_eq!(target["datasource"]["uid"], "${datasource}", "{name}: {query}");
                let used = used(query);
                for variable in minded(name, query) {
                    assert!(used.contains(variable), "{name}: {query} does not mind ${variable}");
                }
                for variable in used {
                    let own = ["__range", "__rate_interval"].contains(&variable);
                    assert!(own || variables.contains(variable), "{name}: {query} uses ${variable}");
                }
            }
        });
    }

    /// A Prometheus of one cluster gives no series a cluster.
    #[test]
    fn all_clusters_and_jobs_takes_series_that_name_none() {
        each(|name, dashboard| {
            for variable in ["cluster", "job"] {
                let all =
                    list(&dashboard["templating"]["list"]).iter().find(|v| v["name"] == variable).unwrap();
                assert!(all["multi"] == true && all["includeAll"] == true, "{name}: {all}");
                assert_eq!(all["allValue"], ".*", "{name}: {variable}");
            }
        });
    }

    /// A wall where all is well has no colours that call for a look.
    #[test]
    fn a_number_is_coloured_only_where_something_is_wrong() {
        each(|name, dashboard| {
            for panel in list(&dashboard["panels"]).iter().filter(|panel| panel["type"] == "stat") {
                let steps = list(&panel["fieldConfig"]["defaults"]["thresholds"]["steps"]);
                let colours: Vec<_> = steps.iter().map(|step| step["color"].as_str().unwrap()).collect();
                let alarm = |colour: &&str| ["red", "yellow", "orange", "transparent"].contains(colour);
                let calm = panel["options"]["colorMode"] == "none" || colours.iter().all(alarm);
                assert!(calm, "{name}: {} is {colours:?}", panel["title"]);
            }
        });
    }

    #[test]
    fn each_dashboard_leads_to_the_others_and_keeps_time_and_variables() {
        let boards = DASHBOARDS.map(|name| read(name).unwrap());
        for board in &boards {
            let links = list(&board["links"]);
            let others = boards.iter().filter(|other| other["uid"] != board["uid"]);
            let expect: Vec<_> =
                others.map(|other| format!("/d/{}", other["uid"].as_str().unwrap())).collect();
            let urls: Vec<_> = links.iter().map(|link| link["url"].as_str().unwrap()).collect();
            assert_eq!(urls, expect, "{}", board["title"]);
            for link in links {
                assert!(link["keepTime"] == true && link["includeVars"] == true, "{link}");
            }
        }
        let overview = boards[0].to_string();
        let row = "/d/hooked-workload/?var-namespace=${__data.fields.namespace}&var-workload=";
        assert!(overview.contains(row), "no row of the overview leads to its workload");
    }

    #[test]
    fn every_dashboard_is_in_the_config_map_and_known_to_grafanas_operator() {
        let root = image::workspace().unwrap();
        for (file, line) in
            [("kustomization.yaml", "  - hooked-"), ("operator/dashboards.yaml", "    key: hooked-")]
        {
            let text = fs::read_to_string(root.join("config/grafana").join(file)).unwrap();
            for name in DASHBOARDS {
                assert!(text.contains(&format!("{line}{name}")), "{file} lacks {name}");
            }
        }
    }
}
