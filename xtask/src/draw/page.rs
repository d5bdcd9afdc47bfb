//! The page that draws: e2e/draw, bundled with Grafana's components from npm and with the dashboards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use hooked_cluster::Progress;
use serde_json::{Map, Value};

use super::browser::run;
use crate::image;
use crate::test::DASHBOARDS;

/// As in the page's own layout: a row, what lies between two, and what is above the first.
const ROW: u64 = 38;
const HEAD: u64 = 52;

/// Every dashboard, with the height of its picture.
pub(super) fn boards() -> Result<Vec<(&'static str, u64)>> {
    DASHBOARDS.into_iter().map(|name| Ok((name, height(&read(name)?)))).collect()
}

/// Builds the page in a place of its own, and returns it.
pub(super) fn build(place: &Path, progress: &Progress) -> Result<PathBuf> {
    let from = image::workspace()?.join("e2e/draw");
    fs::create_dir_all(place.join("src"))?;
    let packages = ["package.json", "package-lock.json"];
    let known = packages.iter().all(|file| fs::read(from.join(file)).ok() == fs::read(place.join(file)).ok());
    for directory in ["", "src"] {
        for entry in fs::read_dir(from.join(directory)).with_context(|| from.display().to_string())? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), place.join(directory).join(entry.file_name()))?;
            }
        }
    }
    let boards: Map<String, Value> =
        DASHBOARDS.into_iter().map(|name| Ok((name.to_owned(), read(name)?))).collect::<Result<_>>()?;
    fs::write(place.join("src/boards.json"), Value::from(boards).to_string())?;
    if !known || !place.join("node_modules").exists() {
        progress.say("fetching Grafana's components with npm");
        run(Command::new("npm").current_dir(place).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ]))?;
    }
    progress.say("bundling the page");
    run(Command::new("node").current_dir(place).arg("build.mjs"))?;
    Ok(place.join("page.html"))
}

fn read(name: &str) -> Result<Value> {
    let file = image::workspace()?.join("config/grafana").join(name);
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| file.display().to_string())
}

fn height(board: &Value) -> u64 {
    let bottom = |panel: &Value| Some(panel["gridPos"]["y"].as_u64()? + panel["gridPos"]["h"].as_u64()?);
    let rows = board["panels"].as_array().into_iter().flatten().filter_map(bottom).max();
    HEAD + ROW * rows.unwrap_or_default()
}
