//! Links of documents lead somewhere: to a file, and to a heading in it.

use std::collections::BTreeMap;

use super::house::House;
use super::violation::Violation;

const RULE: &str = "links-lead-somewhere";

/// Every link of a document to something of this repository leads to a file or a directory, its anchor to a heading.
pub(super) fn lead_somewhere(house: &House) -> Vec<Violation> {
    let links = house.documents().flat_map(|(path, text)| {
        links(text)
            .into_iter()
            .filter_map(move |(line, link)| Some((path, line, link, fault(house, path, link)?)))
    });
    links
        .map(|(path, line, link, what)| Violation::new(path, line, RULE, format!("({link}): {what}")))
        .collect()
}

/// The targets of links, each with its line. Code, fenced or not, has none, and neither have links to other places.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (line, text) in prose(text) {
        for part in text.split('`').step_by(2) {
            let targets = part.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            let ours = targets.map(|(target, _)| target).filter(|target| !target.contains("://"));
            found.extend(ours.map(|target| (line, target)));
        }
    }
    found
}

/// The lines outside of fenced blocks, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

/// What is wrong with a link of a document.
fn fault(house: &House, document: &str, link: &str) -> Option<String> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { document.to_owned() } else { resolved(document, path) };
    if !house.has(&target) {
        return Some(format!("there is no {target}"));
    }
    let text = house.text(&target).filter(|_| !anchor.is_empty())?;
    (!anchors(text).iter().any(|known| known == anchor)).then(|| format!("{target} has no heading #{anchor}"))
}

/// A path as seen from the directory of a document, from the top.
fn resolved(document: &str, path: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors of a document's headings, as GitHub makes them: of headings that are alike the second ends in `-1`.
fn anchors(text: &str) -> Vec<String> {
    let mut seen = BTreeMap::new();
    let headings = prose(text).filter(|(_, line)| line.starts_with('#'));
    let anchors = headings.map(|(_, line)| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let before = seen.entry(anchor.clone()).and_modify(|times| *times += 1).or_insert(0);
        if *before == 0 { anchor } else { format!("{anchor}-{before}") }
    });
    anchors.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, faults: &[&str]) {
        let house = House::of(&[
            ("README.md", "# A title\n[docs](docs/a.md#what-it-is-it-has-two)"),
            ("docs/a.md", "# What it is: `it` has (two)\n## Twice\n## Twice\n"),
            ("docs/b.md", text),
            ("config/rbac/role.yaml", ""),
        ]);
        let found: Vec<_> = lead_somewhere(&house).into_iter().map(|violation| violation.what).collect();
        assert_eq!(found, faults, "{text}");
    }

    #[test]
    fn links_to_files_directories_and_headings_are_good() {
        check("[a](a.md) [b](../README.md#a-title), [c](../config/rbac) [d](../config/rbac/)", &[]);
        check("[a](a.md#twice-1) [b](#here)\n# Here", &[]);
        check("[elsewhere](https://example.com/a.md#b)", &[]);
    }

    #[test]
    fn what_is_not_there_is_told_with_its_path() {
        check("[a](c.md)", &["(c.md): there is no docs/c.md"]);
        check("[a](a.md#no)", &["(a.md#no): docs/a.md has no heading #no"]);
        check("[a](a.md#twice-2)", &["(a.md#twice-2): docs/a.md has no heading #twice-2"]);
        check(
            "text [a](../../x)\n\n[b](#gone)",
            &["(../../x): there is no x", "(#gone): docs/b.md has no heading #gone"],
        );
    }

    #[test]
    fn code_has_no_links() {
        check("`[a](c.md)` and\n```\n[a](c.md)\n# Here\n```\n", &[]);
        check("```\n# Here\n```\n[b](#here)", &["(#here): docs/b.md has no heading #here"]);
    }
}
