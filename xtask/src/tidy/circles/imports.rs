//! Which file imports which, and by which line.

use super::modules::Modules;
use super::resolve::{Target, resolve};
use super::uses::Path;

/// One file needs another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) line: usize,
    /// The path as it is said.
    pub(super) said: String,
}

/// The imports of all files, one for each two of them: that of the first line.
pub(super) fn all(modules: &Modules<'_>) -> Vec<Import> {
    let mut found: Vec<_> = (0..modules.len()).flat_map(|from| of_file(modules, from)).collect();
    found.sort_by_key(|import| (import.from, import.to, import.line));
    found.dedup_by_key(|import| (import.from, import.to));
    found
}

fn of_file(modules: &Modules<'_>, from: usize) -> Vec<Import> {
    let said = modules.said(from);
    let mut found = Vec::new();
    let mut add = |to: usize, line: usize, segments: &[String]| {
        if to != from {
            found.push(Import { from, to, line, said: segments.join("::") });
        }
    };
    for used in &said.uses {
        let Path { segments, line } = &used.path;
        match resolve(modules, from, segments) {
            Target::Item(to) | Target::Module(to) if used.exported && modules.is_below(to, from) => {
                // What is passed on to others may be used here as well.
                let name = used.name.as_deref();
                if let Some((name, line)) = said.names.iter().find(|(known, _)| name == Some(known)) {
                    add(to, *line, std::slice::from_ref(name));
                }
            }
            Target::Item(to) => add(to, *line, segments),
            Target::Module(to) if used.name.is_none() => add(to, *line, segments),
            // A module's name imports nothing yet: what is then named of it does.
            Target::Module(_) | Target::Outside => {}
        }
    }
    for Path { segments, line } in &said.paths {
        if let Target::Item(to) | Target::Module(to) = resolve(modules, from, segments) {
            add(to, *line, segments);
        }
    }
    found
}
