//! A Rust source text, and what the rules ask of it.

use super::tokens::{Part, Token, tokens};
use super::violation::Violation;

#[derive(Clone, Debug)]
pub(super) struct Source {
    /// From the workspace's root, with slashes.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    /// Whether the whole file is built for tests, examples or benchmarks only.
    pub(super) is_test: bool,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Result<Self, Violation> {
        let tokens =
            tokens(text).map_err(|why| Violation::new(path, 1, "readable", format!("no Rust: {why}")))?;
        let is_test =
            path.split('/').any(|part| matches!(part, "tests" | "examples" | "benches" | "tests.rs"));
        Ok(Self { path: path.to_owned(), text: text.to_owned(), tokens, is_test })
    }

    /// Its lines, numbered from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().zip(1..).map(|(line, number)| (number, line))
    }

    /// The directory of its crate.
    pub(super) fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// Whether a token is part of the program that is shipped.
    pub(super) fn is_production(&self, token: &Token) -> bool {
        !self.is_test && token.part == Part::Production
    }

    /// Its tokens that are shipped, each with its index.
    pub(super) fn production(&self) -> impl Iterator<Item = (usize, &Token)> {
        self.tokens.iter().enumerate().filter(|(_, token)| self.is_production(token))
    }

    /// The word at an index, if there is one.
    pub(super) fn word(&self, index: usize) -> Option<&str> {
        self.tokens.get(index).and_then(Token::word)
    }

    pub(super) fn is_sign(&self, index: usize, sign: char) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is_sign(sign))
    }

    /// Whether `::` stands at an index.
    pub(super) fn is_path_sign(&self, index: usize) -> bool {
        self.is_sign(index, ':') && self.is_sign(index + 1, ':')
    }

    /// Where the bracket at an index is closed, if it is one of that kind.
    pub(super) fn closed_at(&self, index: usize, bracket: char) -> Option<usize> {
        self.tokens.get(index).and_then(|token| token.closed_at(bracket))
    }

    /// Its functions that have a body, those of tests too.
    pub(super) fn functions(&self) -> impl Iterator<Item = Function<'_>> {
        self.tokens.iter().enumerate().filter_map(|(index, token)| {
            let name = self.word(index + 1).filter(|_| token.word() == Some("fn"))?;
            let open = self.body(index + 2)?;
            let close = self.closed_at(open, '{')?;
            Some(Function {
                name,
                line: token.line,
                end: self.tokens[close].line,
                body: &self.tokens[open..close],
            })
        })
    }

    /// The brace that opens the body of a function whose signature goes on at an index.
    fn body(&self, mut index: usize) -> Option<usize> {
        while !self.is_sign(index, ';') {
            if self.closed_at(index, '{').is_some() {
                return Some(index);
            }
            let group = self.closed_at(index, '(').or_else(|| self.closed_at(index, '['));
            index = group.unwrap_or(index) + 1;
            self.tokens.get(index)?;
        }
        None
    }

    /// The modules that it declares in files of their own, and whether each is for tests only.
    pub(super) fn declared_modules(&self) -> impl Iterator<Item = (&str, bool)> {
        self.tokens.iter().enumerate().filter_map(|(index, token)| {
            let name = self.word(index + 1).filter(|_| token.word() == Some("mod"))?;
            self.is_sign(index + 2, ';').then_some((name, self.is_test || token.part == Part::Test))
        })
    }

    /// The directory in which the files of its modules lie.
    pub(super) fn modules_lie_in(&self) -> &str {
        let (directory, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        match name {
            "lib.rs" | "main.rs" | "mod.rs" => directory,
            _ => self.path.strip_suffix(".rs").unwrap_or(&self.path),
        }
    }
}

/// A function, from its `fn` to its last brace.
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    pub(super) line: usize,
    pub(super) end: usize,
    pub(super) body: &'a [Token],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_tells_which_modules_it_declares_and_where_they_lie() {
        let source = Source::new("core/src/pod.rs", "mod a;\n#[cfg(test)]\nmod tests;\nmod b {}").unwrap();
        assert_eq!(source.declared_modules().collect::<Vec<_>>(), [("a", false), ("tests", true)]);
        assert_eq!(source.modules_lie_in(), "core/src/pod");
        assert_eq!(Source::new("core/src/lib.rs", "").unwrap().modules_lie_in(), "core/src");
    }

    #[test]
    fn functions_are_found_with_their_bodies() {
        let text = "trait T { fn a(b: [u8; 2]); }\nfn c(d: [u8; 2]) -> fn(u8) {\n  fn e() {}\n}";
        let source = Source::new("a.rs", text).unwrap();
        let found = source.functions().map(|function| (function.name, function.line, function.end));
        assert_eq!(found.collect::<Vec<_>>(), [("c", 2, 4), ("e", 3, 3)]);
    }

    #[test]
    fn what_is_no_rust_is_said_to_be_none() {
        assert_eq!(Source::new("a.rs", "fn f() {").unwrap_err().rule, "readable");
    }
}
