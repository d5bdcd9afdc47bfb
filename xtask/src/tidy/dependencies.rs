//! Crates that are shipped depend downwards only, by their manifests.

use super::house::House;
use super::plan::{Room, SHIPPED};
use super::violation::Violation;

const RULE: &str = "downwards-only";

/// A crate that is shipped depends on no crate beside or above it, and on nothing that is kept out of it.
pub(super) fn go_downwards(house: &House) -> Vec<Violation> {
    SHIPPED.iter().flat_map(|room| of_room(house, room)).collect()
}

fn of_room(house: &House, room: &Room) -> Vec<Violation> {
    let path = format!("{}/Cargo.toml", room.name);
    let Some(manifest) = house.text(&path) else { return Vec::new() };
    let told = dependencies(manifest).into_iter().filter_map(|(line, name)| {
        let above = name.starts_with("hooked-") && !room.below.contains(&name);
        let what = if above {
            format!(
                "{} stands below {name} and must not depend on it; move what is needed downwards",
                room.name
            )
        } else if room.banned.contains(&name) {
            format!("{name} is kept out of {}; do what needs it in a crate above", room.name)
        } else {
            return None;
        };
        Some(Violation::new(&path, line, RULE, what))
    });
    told.collect()
}

/// The names in a manifest's `[dependencies]`, with their lines. What tests and builds depend on does not count.
fn dependencies(manifest: &str) -> Vec<(usize, &str)> {
    let (mut inside, mut found) = (false, Vec::new());
    for (line, number) in manifest.lines().zip(1..) {
        let section = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Some(section) = section {
            let (kind, named) = section.split_once("dependencies").unwrap_or((section, "none"));
            inside = (kind.is_empty() || kind.ends_with('.')) && named.is_empty();
            let single = named.strip_prefix('.').filter(|_| kind.is_empty() || kind.ends_with('.'));
            found.extend(single.map(|name| (number, name)));
        } else if inside && let Some((name, _)) = line.split_once(['.', ' ', '=']) {
            let package = line.split_once("package = \"").and_then(|(_, rest)| rest.split('"').next());
            if !name.is_empty() && !name.starts_with('#') {
                found.push((number, package.unwrap_or(name)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(manifest: &str) -> Vec<usize> {
        let house = House::of(&[("core/Cargo.toml", manifest)]);
        go_downwards(&house).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn what_stands_below_may_be_used() {
        let manifest = "[package]\nname = \"hooked-core\"\n[dependencies]\n# kube is not here\nhooked-crd.workspace = true\n";
        assert_eq!(lines(manifest), [0; 0]);
        assert_eq!(lines("[dev-dependencies]\ntokio.workspace = true\n[lints]\nworkspace = true"), [0; 0]);
    }

    #[test]
    fn what_stands_above_or_is_kept_out_is_found() {
        let manifest = "[dependencies]\nhooked-controller.workspace = true\ntokio = { workspace = true }\nx = { package = \"kube\" }";
        assert_eq!(lines(manifest), [2, 3, 4]);
        assert_eq!(
            lines("[dependencies.kube]\nworkspace = true\n[target.'cfg(unix)'.dependencies]\ntokio = \"1\""),
            [1, 4]
        );
    }
}
