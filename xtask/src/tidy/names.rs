//! A file says what it is: by its name and by its first line.

use super::house::House;
use super::violation::Violation;

/// Names that say nothing of what is in a room.
const EMPTY: [&str; 8] = ["common", "helper", "helpers", "manager", "misc", "shared", "util", "utils"];

/// Every file begins with a line of documentation, and no module has a name that says nothing.
pub(super) fn say_what_it_is(house: &House) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in house.sources() {
        if !source.text.starts_with("//!") {
            let what = "begin it with a line of `//!` that says what it is for";
            found.push(Violation::new(&source.path, 1, "first-line", what));
        }
        let stem = source.path.strip_suffix(".rs").unwrap_or(&source.path);
        let inline = source.tokens.iter().enumerate().filter_map(|(index, token)| {
            let body = source.closed_at(index + 2, '{').filter(|_| token.word() == Some("mod"));
            body.and(source.word(index + 1)).map(|name| (token.line, name))
        });
        let names = stem.split('/').map(|name| (1, name)).chain(inline);
        found.extend(names.filter(|(_, name)| EMPTY.contains(name)).map(|(line, name)| {
            let what = format!("`{name}` says nothing; name it after the concept that is in it");
            Violation::new(&source.path, line, "module-name", what)
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        let house = House::of(&[(path, text)]);
        say_what_it_is(&house).iter().map(|violation| (violation.line, violation.rule)).collect()
    }

    #[test]
    fn a_file_that_says_what_it_is_is_good() {
        assert_eq!(found("core/src/pod/name.rs", "//! A Pod's name.\nmod hash {}"), []);
    }

    #[test]
    fn a_file_that_says_nothing_is_found() {
        assert_eq!(found("core/src/pod.rs", "use a::B;"), [(1, "first-line")]);
        assert_eq!(found("core/src/utils/time.rs", "//! Time."), [(1, "module-name")]);
        assert_eq!(found("core/src/a.rs", "//! A.\nmod helpers {}"), [(2, "module-name")]);
    }
}
