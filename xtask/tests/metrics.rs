//! docs/metrics.md has every metric that the operator serves, and no other page names one that it does not serve.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The texts in a source that are the name of a metric and nothing else.
fn served(stream: TokenStream, found: &mut BTreeSet<String>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => served(group.stream(), found),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let text = text.trim_matches('"');
                if text.starts_with("hooked_") && named(text).contains(text) {
                    found.insert(text.to_owned());
                }
            }
            _ => {}
        }
    }
}

/// The names of metrics in a text, those of a histogram's parts as the histogram's. `hooked_` alone is none.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    let names = words.filter(|word| word.strip_prefix("hooked_").is_some_and(|rest| !rest.is_empty()));
    let whole = |name: &str| {
        let suffixes = ["_bucket", "_sum", "_count"];
        suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name).to_owned()
    };
    names.map(whole).collect()
}

/// All that the operator serves, by what its sources register.
fn all() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in fs::read_dir(workspace().join("controller/src/metrics")).unwrap() {
        let path = file.unwrap().path();
        if path.file_stem().is_some_and(|name| name != "tests") {
            served(fs::read_to_string(path).unwrap().parse().unwrap(), &mut found);
        }
    }
    found
}

#[test]
fn the_table_of_metrics_is_that_of_the_operator() {
    let page = fs::read_to_string(workspace().join("docs/metrics.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let told: BTreeSet<String> = rows.map(|(name, _)| name.to_owned()).collect();
    let all = all();
    assert!(all.len() > 15, "{all:?}");
    assert_eq!(told, all);
}

#[test]
fn pages_and_alerts_name_no_metric_that_is_not_served() {
    let all = all();
    for folder in ["docs", "docs/runbooks", "config/prometheus"] {
        for file in fs::read_dir(workspace().join(folder)).unwrap() {
            let path = file.unwrap().path();
            let text = if path.is_file() { fs::read_to_string(&path).unwrap() } else { String::new() };
            let unknown: Vec<_> = named(&text).into_iter().filter(|name| !all.contains(name)).collect();
            assert_eq!(unknown, [""; 0], "{}", path.display());
        }
    }
}
