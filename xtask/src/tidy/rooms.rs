//! ARCHITECTURE.md names every room: a crate, and each module of the crates that it is a map of.

use std::collections::BTreeMap;

use super::house::House;
use super::plan::MAPPED;
use super::violation::Violation;

const RULE: &str = "named-in-architecture";
const MAP: &str = "ARCHITECTURE.md";

/// Every crate, and every module right below a mapped directory, is named in ARCHITECTURE.md.
pub(super) fn are_named(house: &House) -> Vec<Violation> {
    let code = code(house.text(MAP).unwrap_or_default());
    let rooms = house.rooms().map(|room| (room, format!("{room}/Cargo.toml")));
    let modules = MAPPED.iter().flat_map(|directory| modules(house, directory));
    let unnamed = rooms.chain(modules).filter(|(name, _)| !names(&code, name));
    let told = unnamed.map(|(name, path)| {
        let what = format!("{MAP} does not name `{name}`; say there what it is for");
        Violation::new(&path, 1, RULE, what)
    });
    told.collect()
}

/// The modules right below a directory, each with its first file.
fn modules<'a>(house: &'a House, directory: &str) -> BTreeMap<&'a str, String> {
    let mut found = BTreeMap::new();
    for source in house.sources() {
        let below = source.path.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'));
        let first = below.and_then(|below| below.split('/').next()).unwrap_or_default();
        let name = first.strip_suffix(".rs").unwrap_or(first);
        if !matches!(name, "" | "lib" | "main" | "tests" | "bin") {
            found.entry(name).or_insert_with(|| source.path.clone());
        }
    }
    found
}

/// What stands in backticks or in fenced blocks: a word of prose is no name.
fn code(text: &str) -> String {
    let parts = text.split('`').enumerate().filter(|(number, _)| number % 2 == 1);
    parts.map(|(_, part)| part).collect::<Vec<_>>().join("\n")
}

fn names(code: &str, name: &str) -> bool {
    let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
    words.any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unnamed(map: &str) -> Vec<String> {
        let house = House::of(&[
            (MAP, map),
            ("core/Cargo.toml", ""),
            ("core/src/lib.rs", ""),
            ("core/src/pod/mod.rs", ""),
            ("core/src/pod/shape.rs", ""),
            ("core/src/plan.rs", ""),
        ]);
        are_named(&house).into_iter().map(|violation| violation.path).collect()
    }

    #[test]
    fn a_map_that_names_all_is_good() {
        assert_eq!(unnamed("```\ncore/  {pod, plan}\n```"), [""; 0]);
        assert_eq!(unnamed("`core` has `core/pod` and `plan.rs`"), [""; 0]);
    }

    #[test]
    fn what_is_not_named_is_found() {
        assert_eq!(
            unnamed("```\ncore/\n```\nThe plan of a pod."),
            ["core/src/plan.rs", "core/src/pod/mod.rs"]
        );
        assert_eq!(unnamed("`pod` and `plan`"), ["core/Cargo.toml"]);
    }
}
