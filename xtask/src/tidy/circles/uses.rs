//! What a file's `use` declarations and paths say, before anybody knows what they lead to.

use std::collections::BTreeSet;

use super::super::source::Source;

/// A path in a file, from the module that the file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

/// One name that a `use` brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) path: Path,
    /// The name it has here; none for `*`.
    pub(super) name: Option<String>,
    /// Whether it is passed on to others.
    pub(super) exported: bool,
}

/// What a file says in production.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) uses: Vec<Use>,
    /// Paths of two and more words outside of `use`.
    pub(super) paths: Vec<Path>,
    /// Types, functions, macros and constants that stand alone, outside of `use`.
    pub(super) names: Vec<(String, usize)>,
    /// What is defined outside of every function and `impl`.
    pub(super) defined: BTreeSet<String>,
}

/// Words before the name of what is defined.
const DEFINE: [&str; 9] =
    ["const", "enum", "fn", "macro_rules", "static", "struct", "trait", "type", "union"];

/// Reads a file.
pub(super) fn said(source: &Source) -> Said {
    let mut reader = Reader { source, said: Said::default(), inner: Vec::new() };
    let mut index = 0;
    while index < source.tokens.len() {
        index = reader.read(index);
    }
    reader.said
}

struct Reader<'a> {
    source: &'a Source,
    said: Said,
    /// Where the modules end that stand within the file and are open.
    inner: Vec<usize>,
}

impl Reader<'_> {
    /// Reads what begins at an index, and says where the next begins.
    fn read(&mut self, index: usize) -> usize {
        let source = self.source;
        self.inner.retain(|end| index < *end);
        let Some(word) = source.word(index).filter(|_| source.is_production(&source.tokens[index])) else {
            return index + 1;
        };
        if word == "use" && !source.is_sign(index + 1, '<') {
            return self.read_use(index);
        }
        let module = source.closed_at(index + 2, '{').filter(|_| word == "mod");
        self.inner.extend(module);
        if DEFINE.contains(&word) || module.is_some() {
            let name = if source.is_sign(index + 1, '!') { index + 2 } else { index + 1 };
            self.define(name);
            return name + usize::from(word != "const");
        }
        self.read_path(index)
    }

    /// Remembers a name, if it can be seen from other files.
    fn define(&mut self, name: usize) {
        let tokens = &self.source.tokens[..name];
        let open = |(index, _)| self.source.closed_at(index, '{').is_some_and(|close| close > name);
        let depth = tokens.iter().enumerate().filter(|token| open(*token)).count();
        if depth == 0
            && let Some(name) = self.source.word(name)
            && !matches!(name, "fn" | "unsafe" | "async" | "_")
        {
            self.said.defined.insert(name.to_owned());
        }
    }

    fn read_path(&mut self, index: usize) -> usize {
        let source = self.source;
        let line = source.tokens[index].line;
        let mut segments = vec![source.word(index).unwrap_or_default().to_owned()];
        let mut end = index + 1;
        while source.is_path_sign(end)
            && let Some(word) = source.word(end + 2)
        {
            segments.push(word.to_owned());
            end += 3;
        }
        let before = index.checked_sub(1);
        let is_member =
            before.is_some_and(|before| source.is_sign(before, '.') || source.is_sign(before, '\''));
        let goes_on =
            before.and_then(|before| before.checked_sub(1)).is_some_and(|at| source.is_path_sign(at));
        if is_member || goes_on || self.is_visibility(index) {
            return end;
        }
        if segments.len() > 1 {
            self.said.paths.push(Path { segments: self.outwards(segments), line });
        } else if let Some(name) = segments.pop().filter(|name| self.is_item(name, end)) {
            self.said.names.push((name, line));
        }
        end
    }

    /// Whether a path at an index is that of `pub(in path)`.
    fn is_visibility(&self, index: usize) -> bool {
        let Some(start) = index.checked_sub(3) else { return false };
        self.source.word(start) == Some("pub") && self.source.word(index - 1) == Some("in")
    }

    /// Whether a word that stands alone is a type, or is called: any other may be a variable.
    fn is_item(&self, name: &str, end: usize) -> bool {
        let called = self.source.closed_at(end, '(').is_some() || self.source.is_sign(end, '!');
        called || name.starts_with(|first: char| first.is_uppercase())
    }

    fn read_use(&mut self, index: usize) -> usize {
        let exported = self.is_exported(index);
        let end = (index..self.source.tokens.len()).find(|at| self.source.is_sign(*at, ';'));
        let end = end.unwrap_or(self.source.tokens.len());
        // `::name` is a crate of others'.
        if !self.source.is_path_sign(index + 1) {
            self.read_tree(index + 1, end, &[], exported);
        }
        end + 1
    }

    fn is_exported(&self, index: usize) -> bool {
        let Some(before) = index.checked_sub(1) else { return false };
        let public = |at: usize| self.source.word(at) == Some("pub");
        let of = self.source.tokens[..before].iter().rposition(|token| token.closed_at('(') == Some(before));
        public(before) || of.and_then(|open| open.checked_sub(1)).is_some_and(public)
    }

    /// Reads one path of a `use` and what is in its braces.
    fn read_tree(&mut self, mut index: usize, end: usize, before: &[String], exported: bool) {
        let source = self.source;
        let mut segments = before.to_vec();
        while index < end {
            let line = source.tokens[index].line;
            if let Some(close) = source.closed_at(index, '{') {
                return self.read_trees(index + 1, close, &segments, exported);
            }
            if source.is_sign(index, '*') {
                let path = Path { segments: self.outwards(segments), line };
                return self.said.uses.push(Use { path, name: None, exported });
            }
            let Some(word) = source.word(index) else { return };
            if word != "self" || segments.is_empty() {
                segments.push(word.to_owned());
            }
            if !source.is_path_sign(index + 1) {
                let renamed = source.word(index + 2).filter(|_| source.word(index + 1) == Some("as"));
                let name = renamed.map(str::to_owned).or_else(|| segments.last().cloned());
                let path = Path { segments: self.outwards(segments), line };
                return self.said.uses.push(Use { path, name, exported });
            }
            index += 3;
        }
    }

    /// Reads the paths in the braces of a `use`.
    fn read_trees(&mut self, mut index: usize, end: usize, before: &[String], exported: bool) {
        while index < end {
            self.read_tree(index, end, before, exported);
            while index < end && !self.source.is_sign(index, ',') {
                index = self.source.closed_at(index, '{').unwrap_or(index) + 1;
            }
            index += 1;
        }
    }

    /// A path as the file's own module would say it: within a module of the file, `super` may still be the file.
    fn outwards(&self, mut segments: Vec<String>) -> Vec<String> {
        let supers = segments.iter().take_while(|segment| *segment == "super").count();
        let within = supers.min(self.inner.len());
        segments.drain(..within);
        if within > 0 && supers == within {
            segments.insert(0, "self".to_owned());
        }
        segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Said {
        said(&Source::new("core/src/a.rs", text).unwrap())
    }

    fn uses(text: &str) -> Vec<(String, Option<String>, bool)> {
        let uses = read(text).uses.into_iter();
        uses.map(|found| (found.path.segments.join("::"), found.name, found.exported)).collect()
    }

    fn used(path: &str, name: &str, exported: bool) -> (String, Option<String>, bool) {
        (path.to_owned(), Some(name.to_owned()), exported)
    }

    #[test]
    fn a_tree_of_names_is_read_name_by_name() {
        let found =
            uses("use crate::a::{self, b::{C, D as E}, f};\npub(crate) use x::Y;\npub use super::z::*;");
        assert_eq!(
            found,
            [
                used("crate::a", "a", false),
                used("crate::a::b::C", "C", false),
                used("crate::a::b::D", "E", false),
                used("crate::a::f", "f", false),
                used("x::Y", "Y", true),
                ("super::z".to_owned(), None, true),
            ]
        );
    }

    #[test]
    fn paths_are_read_in_code_and_in_macros() {
        let text =
            "pub(in crate::v) fn f(a: &'a b::C) { d.e::<F>(); json!({\"g\": crate::h::i(), \"j\": k::L}) }";
        let paths = read(text).paths.into_iter().map(|path| path.segments.join("::"));
        assert_eq!(paths.collect::<Vec<_>>(), ["b::C", "crate::h::i", "k::L"]);
    }

    #[test]
    fn names_that_stand_alone_are_items_or_called() {
        let found = read("fn f(a: B) -> C { c(d).e(g!()); h }").names.into_iter().map(|(name, _)| name);
        assert_eq!(found.collect::<Vec<_>>(), ["B", "C", "c", "g"]);
    }

    #[test]
    fn what_other_files_can_see_is_defined() {
        let text = "pub struct A { b: C }\nimpl A { fn d() {} }\npub const fn e() {}\nmod f { fn g() {} }\nmacro_rules! h {}";
        assert_eq!(read(text).defined.into_iter().collect::<Vec<_>>(), ["A", "e", "f", "h"]);
    }

    #[test]
    fn within_a_module_of_the_file_super_is_the_file() {
        let text = "mod m { use super::A; use super::super::b::C; fn f() { super::d() } }\nuse super::E;";
        let found: Vec<_> = uses(text).into_iter().map(|(path, ..)| path).collect();
        assert_eq!(found, ["self::A", "super::b::C", "super::E"]);
    }
}
