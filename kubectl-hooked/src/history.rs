//! `kubectl hooked history`: the revisions that are kept of a workload, the oldest first, as `kubectl rollout
//! history` lists them, with the Pods that each has now.

use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::arguments::{Format, HistoryOptions, TableFormat};
use crate::connect::Connection;
use crate::counts::{Counts, HEADINGS};
use crate::end::End;
use crate::overview::{Role, role};
use crate::print::{PrintError, Screen, document};
use crate::render::{Cut, Line, Tone, ago, named, table};
use crate::request::RequestError;
use crate::revisions::{Kept, revisions};
use crate::workloads::get;

/// Why there is no history to show.
#[derive(Debug, Error)]
pub(crate) enum HistoryError {
    /// The API server has not given what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is no such revision.
    #[error(
        "{name} has no revision {revision}: `kubectl hooked history {name} -n {namespace}` lists those that are kept"
    )]
    NotFound {
        /// The workload.
        name: String,
        /// Its namespace.
        namespace: String,
        /// The revision that is asked for.
        revision: String,
    },
    /// It was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// A revision that is kept.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    number: i64,
    revision: String,
    /// What it is to the workload now.
    role: Role,
    #[serde(flatten)]
    counts: Counts,
    change_cause: Option<String>,
    /// When it was rolled out for the first time.
    created: Option<Timestamp>,
    images: Vec<String>,
    template: Value,
    /// What of `spec.hooks` decides about its Pods; null where that is nothing but defaults.
    hooks: Value,
}

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &HistoryOptions,
    screen: &Screen,
) -> Result<End, HistoryError> {
    let HistoryOptions { name, revision, output } = options;
    let workload = get(connection, name).await?;
    let rows = rows(&workload, &revisions(connection, &workload).await?);
    let programs = output.and_then(TableFormat::for_programs);
    if let Some(revision) = revision {
        let row = find(&rows, revision).ok_or_else(|| HistoryError::NotFound {
            name: name.clone(),
            namespace: connection.namespace.clone(),
            revision: revision.clone(),
        })?;
        document(row, programs.unwrap_or(Format::Yaml))?;
    } else if let Some(format) = programs {
        document(&rows, format)?;
    } else if rows.is_empty() {
        // Where a script reads a table there is none.
        eprintln!(
            "no revision of {name} is kept: nothing was rolled out yet, or it is paused since it was made"
        );
    } else {
        let wide = *output == Some(TableFormat::Wide);
        screen.show(&lines(&rows, wide, screen.width, Timestamp::now()))?;
    }
    Ok(End::Done)
}

fn rows(workload: &HookedWorkload, kept: &[Kept]) -> Vec<Row> {
    let status = workload.status.clone().unwrap_or_default();
    let row = |kept: &Kept| {
        let Kept { stored, object } = kept;
        let containers = object["data"]["template"]["spec"]["containers"].as_array().into_iter().flatten();
        let images = containers.filter_map(|container| container["image"].as_str().map(str::to_owned));
        Row {
            number: stored.number,
            revision: stored.revision.clone(),
            role: role(&stored.revision, &status),
            counts: Counts::of_revision(&stored.revision, &status),
            change_cause: stored.change_cause.clone(),
            created: object["metadata"]["creationTimestamp"].as_str().and_then(|time| time.parse().ok()),
            images: images.collect(),
            template: object["data"]["template"].clone(),
            hooks: object["data"]["hooks"].clone(),
        }
    };
    kept.iter().map(row).collect()
}

/// The row of a revision by its name or its number.
fn find<'a>(rows: &'a [Row], revision: &str) -> Option<&'a Row> {
    let named = rows.iter().find(|row| row.revision == revision);
    named.or_else(|| rows.iter().find(|row| revision.parse() == Ok(row.number)))
}

/// The revisions as a table, in the order in which they come.
fn lines(rows: &[Row], wide: bool, width: Option<usize>, now: Timestamp) -> Vec<Line> {
    let mut headings = vec![("REVISION", Cut::Never), ("NAME", Cut::Never), ("ROLE", Cut::Never)];
    headings.extend(HEADINGS);
    if wide {
        headings.extend([("AGE", Cut::Never), ("IMAGES", Cut::Never)]);
    }
    headings.push(("CHANGE-CAUSE", Cut::End(12)));
    let cells = |row: &Row| {
        let plain = |text: String| (Tone::Plain, text);
        let tone = match row.role {
            Role::Update => Tone::Good,
            Role::Current => Tone::Active,
            Role::Old => Tone::Faint,
        };
        let mut cells =
            vec![plain(row.number.to_string()), plain(row.revision.clone()), (tone, named(row.role))];
        cells.extend(row.counts.cells());
        if wide {
            let age = row.created.map_or_else(String::new, |time| ago(time, now));
            cells.extend([plain(age), plain(row.images.join(","))]);
        }
        cells.push(match &row.change_cause {
            Some(cause) => plain(cause.clone()),
            None => (Tone::Faint, "<none>".to_owned()),
        });
        cells
    };
    let cells: Vec<_> = rows.iter().map(cells).collect();
    table(&headings, &cells, if wide { None } else { width })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::{now, revision, workload};
    use crate::revisions::kept;

    fn history() -> Vec<Row> {
        let data = |image: &str| json!({"template": {"spec": {"containers": [{"image": image}, {"image": "side"}]}}});
        let objects = vec![
            revision("new", 4, &data("web:2"), Some("image 2")),
            revision("old", 2, &data("web:1"), None),
        ];
        let status = json!({
            "updateRevision": "new", "currentRevision": "old",
            "revisions": [{"revision": "new", "number": 4, "desired": 3, "replicas": 2, "ready": 1, "available": 0}],
        });
        rows(&workload(&status), &kept(objects, "w"))
    }

    fn check(wide: bool, width: Option<usize>, expect: &[&str]) {
        let lines: Vec<String> =
            lines(&history(), wide, width, now()).iter().map(|line| line.text(false)).collect();
        assert_eq!(lines, expect);
    }

    #[test]
    fn revisions_are_listed_by_their_numbers_with_pods_and_causes() {
        check(
            false,
            Some(40),
            &[
                "REVISION  NAME  ROLE     DESIRED  CURRENT  READY  AVAILABLE  CHANGE-CAUSE",
                "2         old   Current  0        0        0      0          <none>",
                "4         new   Update   3        2        1      0          image 2",
            ],
        );
        check(
            true,
            Some(40),
            &[
                "REVISION  NAME  ROLE     DESIRED  CURRENT  READY  AVAILABLE  AGE  IMAGES      CHANGE-CAUSE",
                "2         old   Current  0        0        0      0          5m   web:1,side  <none>",
                "4         new   Update   3        2        1      0          5m   web:2,side  image 2",
            ],
        );
    }

    #[test]
    fn one_revision_is_found_by_its_number_or_its_name() {
        let rows = history();
        let found = |revision: &str| find(&rows, revision).map(|row| row.number);
        assert_eq!([found("2"), found("new"), found("3"), found("web")], [Some(2), Some(4), None, None]);
        let shown = serde_json::to_value(find(&rows, "4").unwrap()).unwrap();
        assert_eq!(shown["template"]["spec"]["containers"][0]["image"], "web:2");
        assert_eq!(
            (&shown["desired"], &shown["replicas"], &shown["ready"]),
            (&json!(3), &json!(2), &json!(1))
        );
        assert_eq!((&shown["changeCause"], &shown["role"]), (&json!("image 2"), &json!("Update")));
    }
}
