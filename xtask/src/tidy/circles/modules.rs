//! The modules of a crate that are files, and where each stands in the tree.

use std::collections::BTreeMap;

use super::super::house::House;
use super::super::source::Source;
use super::uses::{Said, said};

pub(super) struct Modules<'a> {
    modules: Vec<Module<'a>>,
    /// Each module's index by its path from the crate's root.
    by_path: BTreeMap<Vec<&'a str>, usize>,
}

struct Module<'a> {
    path: Vec<&'a str>,
    source: &'a Source,
    said: Said,
}

impl<'a> Modules<'a> {
    /// The modules of the crate in a directory: those of its library, or of its program if it is none. Tests are none.
    pub(super) fn of(house: &'a House, name: &str) -> Self {
        let directory = format!("{name}/src");
        let root =
            ["lib.rs", "main.rs"].iter().find(|name| house.source(&format!("{directory}/{name}")).is_some());
        let mut modules = Self { modules: Vec::new(), by_path: BTreeMap::new() };
        for source in house.sources().iter().filter(|source| !source.is_test) {
            let below = source.path.strip_prefix(&directory).and_then(|rest| rest.strip_prefix('/'));
            let Some(path) = below.and_then(|below| path(below, root.copied().unwrap_or("lib.rs"))) else {
                continue;
            };
            modules.by_path.insert(path.clone(), modules.modules.len());
            modules.modules.push(Module { path, source, said: said(source) });
        }
        modules
    }

    pub(super) fn len(&self) -> usize {
        self.modules.len()
    }

    pub(super) fn source(&self, module: usize) -> &'a Source {
        self.modules[module].source
    }

    pub(super) fn said(&self, module: usize) -> &Said {
        &self.modules[module].said
    }

    pub(super) fn root(&self) -> Option<usize> {
        self.by_path.get(&Vec::new()).copied()
    }

    pub(super) fn parent(&self, module: usize) -> Option<usize> {
        let (_, parent) = self.modules[module].path.split_last()?;
        self.by_path.get(parent).copied()
    }

    pub(super) fn child(&self, module: usize, name: &str) -> Option<usize> {
        let mut path = self.modules[module].path.clone();
        path.push(name);
        let child = self.by_path.iter().find(|(known, _)| **known == path);
        child.map(|(_, index)| *index)
    }

    /// Whether a module stands somewhere below another.
    pub(super) fn is_below(&self, module: usize, above: usize) -> bool {
        module != above && self.modules[module].path.starts_with(&self.modules[above].path)
    }
}

/// Where a file stands in the tree whose root is another; nowhere if it is a program for itself.
fn path<'a>(below: &'a str, root: &str) -> Option<Vec<&'a str>> {
    if below == root {
        return Some(Vec::new());
    }
    let stem = below.strip_suffix(".rs")?;
    if matches!(stem, "lib" | "main") || stem.starts_with("bin/") {
        return None;
    }
    Some(stem.strip_suffix("/mod").unwrap_or(stem).split('/').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_from_each_other() {
        let house = House::of(&[
            ("core/src/lib.rs", ""),
            ("core/src/main.rs", ""),
            ("core/src/bin/more.rs", ""),
            ("core/src/pod/mod.rs", ""),
            ("core/src/pod/fact.rs", ""),
        ]);
        let modules = Modules::of(&house, "core");
        let paths: Vec<_> = (0..modules.len()).map(|module| &*modules.source(module).path).collect();
        assert_eq!(paths, ["core/src/lib.rs", "core/src/pod/fact.rs", "core/src/pod/mod.rs"]);
        assert_eq!(modules.root(), Some(0));
        assert_eq!(
            (modules.child(0, "pod"), modules.child(2, "fact"), modules.child(2, "pod")),
            (Some(2), Some(1), None)
        );
        assert_eq!((modules.parent(1), modules.parent(2), modules.parent(0)), (Some(2), Some(0), None));
        assert!(modules.is_below(1, 2) && !modules.is_below(2, 1) && !modules.is_below(2, 2));
    }
}
