//! What the rules look at: the workspace's source texts, manifests and settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::plan::SHIPPED;
use super::source::Source;
use super::violation::Violation;

/// Files that are read beside those of Rust and documents. Of others it is known that they are there.
const READ: [&str; 2] = ["Cargo.toml", "clippy.toml"];

pub(super) struct House {
    sources: Vec<Source>,
    unreadable: Vec<Violation>,
    others: BTreeMap<String, String>,
}

impl House {
    /// Reads the workspace in a directory.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        read_directory(root, "", &mut files)?;
        Ok(Self::new(files))
    }

    fn new(files: BTreeMap<String, String>) -> Self {
        let (mut sources, mut unreadable, mut others) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (path, text) in files {
            if !is_rust(&path) {
                others.insert(path, text);
                continue;
            }
            match Source::new(&path, &text) {
                Ok(source) => sources.push(source),
                Err(violation) => unreadable.push(violation),
            }
        }
        mark_modules_of_tests(&mut sources);
        Self { sources, unreadable, others }
    }

    /// A house of some texts, each with its path.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let owned = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        let house = Self::new(owned.collect());
        assert_eq!(house.unreadable, []);
        house
    }

    pub(super) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// What each file says that is no Rust although its name says so.
    pub(super) fn unreadable(&self) -> &[Violation] {
        &self.unreadable
    }

    pub(super) fn source(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }

    /// The sources of crates that are shipped.
    pub(super) fn shipped(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| SHIPPED.iter().any(|room| room.name == source.room()))
    }

    /// The text of a file that is no Rust.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.others.get(path).map(String::as_str)
    }

    /// The documents, each with its path and its text.
    pub(super) fn documents(&self) -> impl Iterator<Item = (&str, &str)> {
        let documents = self.others.iter().filter(|(path, _)| has_extension(path, "md"));
        documents.map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Whether there is a file or a directory of that path.
    pub(super) fn has(&self, path: &str) -> bool {
        let sources = self.sources.iter().map(|source| source.path.as_str());
        let mut all = self.others.keys().map(String::as_str).chain(sources);
        let within = format!("{path}/");
        all.any(|known| known == path || known.starts_with(&within))
    }

    /// The directories at the top that hold a crate.
    pub(super) fn rooms(&self) -> impl Iterator<Item = &str> {
        let manifests = self.others.keys().filter_map(|path| path.strip_suffix("/Cargo.toml"));
        manifests.filter(|room| !room.contains('/'))
    }
}

/// A file that is declared by `#[cfg(test)] mod name;`, or by such a file, is one of tests.
fn mark_modules_of_tests(sources: &mut [Source]) {
    loop {
        let declared = sources.iter().flat_map(|source| {
            let tests = source.declared_modules().filter(|(_, test)| *test);
            tests.flat_map(|(name, _)| {
                let place = format!("{}/{name}", source.modules_lie_in());
                [format!("{place}.rs"), format!("{place}/mod.rs")]
            })
        });
        let declared: BTreeSet<String> = declared.collect();
        let mut changed = false;
        for source in sources.iter_mut().filter(|source| !source.is_test && declared.contains(&source.path)) {
            source.is_test = true;
            changed = true;
        }
        if !changed {
            return;
        }
    }
}

fn is_rust(path: &str) -> bool {
    has_extension(path, "rs")
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn read_directory(root: &Path, below: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    let directory = root.join(below);
    let unread = || format!("cannot read {}", directory.display());
    for entry in fs::read_dir(&directory).with_context(unread)? {
        let entry = entry.with_context(unread)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if entry.file_type()?.is_dir() {
            if name == ".github" || (name != "target" && !name.starts_with('.')) {
                read_directory(root, &path, files)?;
            }
        } else {
            let is_read = is_rust(&name) || has_extension(&name, "md") || READ.contains(&name.as_str());
            let read = || fs::read_to_string(entry.path()).with_context(|| format!("cannot read {path}"));
            let text = if is_read { read()? } else { String::new() };
            files.insert(path, text);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_only_tests_declare_are_files_of_tests() {
        let house = House::of(&[
            ("core/Cargo.toml", ""),
            ("core/src/lib.rs", "mod a;\n#[cfg(test)]\nmod world;"),
            ("core/src/a.rs", ""),
            ("core/src/world.rs", "mod inner;"),
            ("core/src/world/inner.rs", ""),
            ("core/tests/all.rs", ""),
        ]);
        let tests = house.sources().iter().filter(|source| source.is_test).map(|source| &*source.path);
        let expected = ["core/src/world.rs", "core/src/world/inner.rs", "core/tests/all.rs"];
        assert_eq!(tests.collect::<Vec<_>>(), expected);
        assert_eq!(house.rooms().collect::<Vec<_>>(), ["core"]);
    }
}
