//! Rust as a row of tokens, with their lines and with what is test code marked. Comments are no tokens.

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word(String),
    Sign(char),
    /// A string literal, without its quotes and with its escapes as they stand.
    Text(String),
    Number(String),
    Letter,
    /// A bracket, with the index of the one that closes it.
    Open(char, usize),
    Close(char),
}

/// What a token is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Production,
    Test,
    Attribute,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) part: Part,
    pub(super) line: usize,
    /// Columns count characters from 0, as the compiler's do.
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

impl Token {
    pub(super) fn word(&self) -> Option<&str> {
        if let Kind::Word(word) = &self.kind { Some(word) } else { None }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }

    pub(super) fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    /// The index of the bracket that closes this one.
    pub(super) fn closed_at(&self, bracket: char) -> Option<usize> {
        if let Kind::Open(open, close) = self.kind { (open == bracket).then_some(close) } else { None }
    }
}

/// The tokens of a Rust source text; why it is none, if it is not.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let stream: TokenStream = text.parse().map_err(|error| format!("{error}"))?;
    let mut row = Row(Vec::new());
    row.append(stream, Part::Production);
    Ok(row.0)
}

struct Row(Vec<Token>);

impl Row {
    fn append(&mut self, stream: TokenStream, part: Part) {
        let (mut around, mut item) = (part, part);
        let mut trees = stream.into_iter().peekable();
        while let Some(tree) = trees.next() {
            if matches!(&tree, TokenTree::Punct(sign) if sign.as_char() == '#') {
                let inner = trees
                    .next_if(|next| matches!(next, TokenTree::Punct(sign) if sign.as_char() == '!'))
                    .is_some();
                if let Some(TokenTree::Group(attribute)) = trees.next_if(is_attribute) {
                    if marks_tests(&attribute) {
                        item = Part::Test;
                        around = if inner { Part::Test } else { around };
                    }
                    self.append_attribute(&attribute);
                    continue;
                }
            }
            let ends_item = ends_item(&tree);
            self.append_tree(tree, item);
            if ends_item {
                item = around;
            }
        }
    }

    /// What a comment for documentation says is no code.
    fn append_attribute(&mut self, attribute: &Group) {
        let first = attribute.stream().into_iter().next();
        if !matches!(first, Some(TokenTree::Ident(name)) if name == "doc") {
            self.append(attribute.stream(), Part::Attribute);
        }
    }

    fn append_tree(&mut self, tree: TokenTree, part: Part) {
        match tree {
            TokenTree::Group(group) => self.append_group(&group, part),
            TokenTree::Ident(word) => self.push(Kind::Word(word.to_string()), part, word.span()),
            TokenTree::Punct(sign) => self.push(Kind::Sign(sign.as_char()), part, sign.span()),
            TokenTree::Literal(literal) => self.push(kind(&literal), part, literal.span()),
        }
    }

    fn append_group(&mut self, group: &Group, part: Part) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ('(', ')'),
            Delimiter::Brace => ('{', '}'),
            Delimiter::Bracket => ('[', ']'),
            Delimiter::None => return self.append(group.stream(), part),
        };
        let index = self.0.len();
        self.push(Kind::Open(open, 0), part, group.span_open());
        self.append(group.stream(), part);
        self.0[index].kind = Kind::Open(open, self.0.len());
        self.push(Kind::Close(close), part, group.span_close());
    }

    fn push(&mut self, kind: Kind, part: Part, span: Span) {
        let (start, end) = (span.start(), span.end());
        let (line, column) = (start.line, start.column);
        self.0.push(Token { kind, part, line, column, end_line: end.line, end_column: end.column });
    }
}

fn is_attribute(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket)
}

/// Whether the item below such an attribute is built for tests only.
fn marks_tests(attribute: &Group) -> bool {
    let text = attribute.stream().to_string();
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    match words.next() {
        Some("test") => true,
        Some("cfg") => words.clone().any(|word| word == "test") && words.all(|word| word != "not"),
        _ => false,
    }
}

fn ends_item(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Punct(sign) => sign.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    }
}

fn kind(literal: &Literal) -> Kind {
    let text = literal.to_string();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Kind::Number(text);
    }
    let hashes = text.trim_start_matches(['b', 'c', 'r']);
    let within = hashes.trim_start_matches('#').strip_prefix('"').and_then(|rest| {
        let end = rest.trim_end_matches('#');
        end.strip_suffix('"')
    });
    within.map_or(Kind::Letter, |within| Kind::Text(within.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, part: Part) -> Vec<String> {
        let of_part = tokens(text).unwrap().into_iter().filter(|token| token.part == part);
        of_part.filter_map(|token| token.word().map(str::to_owned)).collect()
    }

    #[test]
    fn comments_are_no_tokens_and_literals_are_known_as_such() {
        let found = tokens("/// a \"b\"\nfn f() { g(r#\"x\"y\"#, \"z\", 'c', 137_i32) } // fn h").unwrap();
        let texts: Vec<_> = found.iter().filter_map(Token::text).collect();
        assert_eq!(texts, ["x\"y", "z"]);
        let numbers = found.iter().filter(|token| matches!(&token.kind, Kind::Number(n) if n == "137_i32"));
        assert_eq!(numbers.count(), 1);
        assert_eq!(words("fn f() {} // g", Part::Production), ["fn", "f"]);
    }

    #[test]
    fn a_bracket_knows_where_it_is_closed() {
        let found = tokens("fn f() {\n  (a)\n}").unwrap();
        let body = found.iter().find_map(|token| token.closed_at('{')).unwrap();
        assert_eq!((found[body].kind.clone(), found[body].line), (Kind::Close('}'), 3));
    }

    #[test]
    fn what_is_built_for_tests_only_is_told_apart() {
        let text =
            "use a;\n#[cfg(test)]\nmod tests { fn b() {} }\n#[cfg(not(test))]\nfn c() {}\n#[test]\nfn d() {}";
        assert_eq!(words(text, Part::Production), ["use", "a", "fn", "c"]);
        assert_eq!(words(text, Part::Test), ["mod", "tests", "fn", "b", "fn", "d"]);
        assert_eq!(words("#![cfg(test)]\nfn a() {}\nfn b() {}", Part::Production), [""; 0]);
    }
}
