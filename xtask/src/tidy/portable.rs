//! The plugin and what it is made of are built for Windows too: what only Unix has stands below `#[cfg(unix)]`.

use super::house::House;
use super::plan::PORTABLE;
use super::source::Source;
use super::tokens::Part;
use super::violation::Violation;

const RULE: &str = "portable";

/// Crates that only Unix has, and the modules of others that it alone has.
const CRATES: [&str; 3] = ["rustix", "nix", "libc"];
const MODULES: [(&str, &str); 3] = [("os", "unix"), ("os", "linux"), ("signal", "unix")];

/// What is shipped of those crates names nothing that only Unix has, but below `#[cfg(unix)]`.
pub(super) fn is_built_everywhere(house: &House) -> Vec<Violation> {
    let sources = house.sources().iter().filter(|source| PORTABLE.contains(&source.room()));
    sources.flat_map(of_source).collect()
}

fn of_source(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut only_unix = 0;
    for (index, token) in source.tokens.iter().enumerate() {
        only_unix = only_unix.max(end_of_unix_item(source, index).unwrap_or(0));
        if index < only_unix || !source.is_production(token) {
            continue;
        }
        if let Some(name) = unix_name(source, index) {
            let what =
                format!("{name} is there on Unix alone; put what needs it below #[cfg(unix)], or do without");
            found.push(Violation::new(&source.path, token.line, RULE, what));
        }
    }
    found
}

/// What begins at an index and only Unix has.
fn unix_name(source: &Source, index: usize) -> Option<String> {
    let (name, leads) = (source.word(index)?, source.is_path_sign(index + 1));
    let is_first = index < 2 || !source.is_path_sign(index - 2);
    if leads && is_first && CRATES.contains(&name) {
        return Some(name.to_owned());
    }
    let below = source.word(index + 3).filter(|_| leads)?;
    MODULES.contains(&(name, below)).then(|| format!("{name}::{below}"))
}

/// Where the item ends that is built on Unix alone, if `cfg` of its attribute stands at an index.
fn end_of_unix_item(source: &Source, index: usize) -> Option<usize> {
    let token = source.tokens.get(index)?;
    if token.part != Part::Attribute || token.word() != Some("cfg") {
        return None;
    }
    let close = source.closed_at(index + 1, '(')?;
    let mut words = (index + 2..close).filter_map(|index| source.word(index));
    if !words.clone().any(|word| word == "unix") || words.any(|word| matches!(word, "not" | "any")) {
        return None;
    }
    // Behind the bracket of the attribute.
    let mut at = close + 2;
    loop {
        let bracket = ['{', '(', '['].into_iter().find_map(|bracket| source.closed_at(at, bracket));
        let ends = source.is_sign(at, ';') || source.closed_at(at, '{').is_some();
        // A list of imports has braces too, and ends behind them.
        let ends = ends && !(at >= 2 && source.is_path_sign(at - 2));
        at = bracket.unwrap_or(at) + 1;
        if ends || at >= source.tokens.len() {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let house = House::of(&[(path, text)]);
        is_built_everywhere(&house).iter().map(|violation| violation.line).collect()
    }

    fn check(text: &str, expect: &[usize]) {
        assert_eq!(lines("kubectl-hooked/src/a.rs", text), expect, "{text}");
    }

    #[test]
    fn what_only_unix_has_is_found_in_what_is_shipped() {
        check("use std::os::unix::ffi::OsStrExt;\nuse tokio::signal::unix::signal;", &[1, 2]);
        check("fn f() {\n  rustix::termios::tcgetwinsize();\n  libc::getpid();\n}", &[2, 3]);
        check("use std::os::{self};\nuse tokio::signal::ctrl_c;\nfn f() { a::rustix::b(); }", &[]);
        check("#[cfg(test)]\nmod tests { use std::os::unix::ffi::OsStrExt; }", &[]);
        assert_eq!(lines("hook-runner/src/a.rs", "use std::os::unix::ffi::OsStrExt;"), [0; 0]);
    }

    #[test]
    fn below_cfg_unix_it_may_stand_until_the_item_ends() {
        check("#[cfg(unix)]\nuse std::os::unix::ffi::{A, B};\nuse std::os::unix::C;", &[3]);
        check("#[cfg(unix)]\nfn f(a: [u8; 2]) { libc::f() }\nfn g() { libc::g() }", &[3]);
        check("#[cfg(all(unix, feature = \"x\"))]\n#[allow(x)]\nfn f() { libc::f() }", &[]);
        check("#[cfg(not(unix))]\nfn f() { libc::f() }", &[2]);
        check("#[cfg(any(unix, windows))]\nfn f() { libc::f() }", &[2]);
    }
}
