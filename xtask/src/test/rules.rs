//! The alert rules of config/prometheus, held to promtool and to what people on call need.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hooked_cluster::{Progress, monitoring};

use crate::{image, prometheus};

/// Runs promtool on the rules and on their tests.
pub(super) fn check() -> Result<()> {
    let promtool = monitoring::promtool(&Progress::new(|line| eprintln!("{line}")))?;
    let root = image::workspace()?;
    // The tests name the rules as a file beside them.
    let place = root.join("target/alert-rules");
    fs::create_dir_all(&place)?;
    fs::write(place.join("rules.json"), prometheus::rules()?.to_string())?;
    run(&promtool, &place, &["check", "rules", "rules.json"])?;
    for entry in fs::read_dir(root.join("config/prometheus/tests"))? {
        let entry = entry?;
        fs::copy(entry.path(), place.join(entry.file_name()))?;
        run(&promtool, &place, &["test", "rules", &entry.file_name().to_string_lossy()])?;
    }
    Ok(())
}

fn run(promtool: &Path, place: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new(promtool)
        .current_dir(place)
        .args(arguments)
        .status()
        .context("cannot start promtool")?;
    ensure!(status.success(), "promtool {} failed", arguments.join(" "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    fn alerts() -> Vec<Value> {
        let rules = prometheus::rules().unwrap();
        let groups = rules["groups"].as_array().unwrap().iter();
        groups.flat_map(|group| group["rules"].as_array().unwrap()).cloned().collect()
    }

    #[test]
    fn every_alert_says_how_bad_it_is_what_it_is_and_where_its_runbook_lies() {
        let root = image::workspace().unwrap();
        for alert in alerts() {
            let name = alert["alert"].as_str().unwrap();
            let severity = alert["labels"]["severity"].as_str();
            assert!(matches!(severity, Some("warning" | "critical")), "{name}: {severity:?}");
            for annotation in ["summary", "description"] {
                assert!(alert["annotations"][annotation].is_string(), "{name} has no {annotation}");
            }
            let url = alert["annotations"]["runbook_url"].as_str().unwrap();
            // Installations put another base in its place, so all have the same.
            assert_eq!(url, format!("https://hooked.dev/runbooks/{name}.md"));
            let place = format!("docs/runbooks/{name}.md");
            let runbook = fs::read_to_string(root.join(&place)).unwrap();
            for part in ["## What it means", "## Look", "## Likely causes", "## Do", "## Verify"] {
                assert!(runbook.contains(part), "{place} has no part {part:?}");
            }
        }
    }

    #[test]
    fn the_table_of_runbooks_has_every_alert_with_its_severity_and_how_long_it_must_be_so() {
        let table = fs::read_to_string(image::workspace().unwrap().join("docs/runbooks/README.md")).unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| [")).count();
        assert_eq!(rows, alerts().len());
        for alert in alerts() {
            let name = alert["alert"].as_str().unwrap();
            let severity = alert["labels"]["severity"].as_str().unwrap();
            let after = alert["for"].as_str().unwrap_or("at once");
            let row = format!("| [{name}]({name}.md) | {severity} | {after} |");
            assert!(table.contains(&row), "the table has no {row}");
        }
    }

    #[test]
    fn no_alert_mixes_clusters_and_none_of_a_workload_loses_its_namespace() {
        for alert in alerts() {
            let (name, expr) = (&alert["alert"], alert["expr"].as_str().unwrap());
            let groups: Vec<_> = expr.split(" by (").skip(1).collect();
            let summary = alert["annotations"]["summary"].as_str().unwrap();
            let labels = if summary.contains("$labels.workload") {
                "cluster, namespace, exported_namespace, workload"
            } else {
                "cluster, job"
            };
            assert!(
                !groups.is_empty() && groups.iter().all(|group| group.starts_with(labels)),
                "{name}: {expr}"
            );
            assert!(summary.contains("$labels.cluster"), "{name} does not say in which cluster");
        }
    }

    #[test]
    fn every_alert_is_shown_to_fire_and_to_stay_silent() {
        let place = image::workspace().unwrap().join("config/prometheus/tests");
        let mut shown: BTreeMap<(String, bool), usize> = BTreeMap::new();
        for entry in fs::read_dir(place).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let file: Value = serde_saphyr::from_str(&text).unwrap();
            for case in file["tests"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|test| test["alert_rule_test"].as_array().unwrap())
            {
                let fires = !case["exp_alerts"].as_array().unwrap().is_empty();
                *shown.entry((case["alertname"].as_str().unwrap().to_owned(), fires)).or_default() += 1;
            }
        }
        for alert in alerts() {
            let name = alert["alert"].as_str().unwrap();
            for fires in [true, false] {
                assert!(
                    shown.contains_key(&(name.to_owned(), fires)),
                    "{name} is never shown: fires {fires}"
                );
            }
        }
    }
}
