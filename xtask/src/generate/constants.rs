//! The public texts that a Rust source gives a name to, each with its documentation.

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};

/// `pub const NAME: &str = "value";` with the comment before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Constant {
    /// With the modules that it stands in: `volume::RUNNER`.
    pub(super) name: String,
    pub(super) value: String,
    /// Its documentation in one line.
    pub(super) words: String,
}

/// All of a source text, in its order. Constants whose value is no plain text are left out.
pub(super) fn constants(source: &str) -> Result<Vec<Constant>> {
    let stream: TokenStream = source.parse().map_err(|error| anyhow!("no Rust: {error}"))?;
    let mut found = Vec::new();
    gather(stream, "", &mut found);
    Ok(found)
}

fn gather(stream: TokenStream, module: &str, found: &mut Vec<Constant>) {
    let mut words: Vec<String> = Vec::new();
    let mut item: Vec<TokenTree> = Vec::new();
    for tree in stream {
        if item.is_empty() && matches!(&tree, TokenTree::Punct(sign) if matches!(sign.as_char(), '#' | '!')) {
            continue;
        }
        match &tree {
            TokenTree::Group(group) if item.is_empty() && group.delimiter() == Delimiter::Bracket => {
                words.extend(documentation(group));
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                if let [.., TokenTree::Ident(keyword), TokenTree::Ident(name)] = item.as_slice()
                    && keyword == "mod"
                {
                    gather(group.stream(), &format!("{module}{name}::"), found);
                }
                (words, item) = (Vec::new(), Vec::new());
            }
            TokenTree::Punct(sign) if sign.as_char() == ';' => {
                found.extend(constant(&item, module, &words));
                (words, item) = (Vec::new(), Vec::new());
            }
            _ => item.push(tree),
        }
    }
}

/// The text of `doc = "…"`.
fn documentation(attribute: &Group) -> Option<String> {
    let parts: Vec<TokenTree> = attribute.stream().into_iter().collect();
    let [TokenTree::Ident(name), _, TokenTree::Literal(words)] = parts.as_slice() else { return None };
    (name == "doc").then(|| text(words)).flatten()
}

fn constant(item: &[TokenTree], module: &str, words: &[String]) -> Option<Constant> {
    let [TokenTree::Ident(public), TokenTree::Ident(keyword), TokenTree::Ident(name), .., last] = item else {
        return None;
    };
    let TokenTree::Literal(value) = last else { return None };
    let words = words.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    let is_constant = public == "pub" && keyword == "const";
    is_constant.then_some(Constant { name: format!("{module}{name}"), value: text(value)?, words })
}

/// What stands between the quotes.
fn text(literal: &Literal) -> Option<String> {
    serde_json::from_str(&literal.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expect: &[(&str, &str, &str)]) {
        let found = constants(source).unwrap();
        let found: Vec<_> = found.iter().map(|one| (&*one.name, &*one.value, &*one.words)).collect();
        assert_eq!(found, expect, "{source}");
    }

    #[test]
    fn a_public_text_has_its_name_value_and_words() {
        check("/// One\n/// thing.\npub const A: &str = \"a/b\";", &[("A", "a/b", "One thing.")]);
        check("//! File.\npub use x::y;\n/// It's.\npub const A: &str = \"a\";", &[("A", "a", "It's.")]);
        check("pub mod m { /// Of m.\npub const A: &str = \"a\"; }", &[("m::A", "a", "Of m.")]);
    }

    #[test]
    fn what_is_no_public_text_is_left_out() {
        check("const A: &str = \"a\"; pub const B: [&str; 1] = [X]; pub const C: &str = d::C;", &[]);
        check("/// Of f.\npub fn f() { g(\"a\"); }\npub const A: &str = \"a\";", &[("A", "a", "")]);
    }
}
