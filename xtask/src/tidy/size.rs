//! No file and no function grows beyond what can be read at once.

use super::house::House;
use super::plan::{FILE_LINES, FUNCTION_LINES};
use super::source::Source;
use super::violation::Violation;

/// Files and functions keep their size, those of tests too.
pub(super) fn is_small(house: &House) -> Vec<Violation> {
    house
        .sources()
        .iter()
        .flat_map(|source| large_file(source).into_iter().chain(large_functions(source)))
        .collect()
}

fn large_file(source: &Source) -> Option<Violation> {
    let lines = source.text.lines().count();
    let what = format!("{lines} lines, where {FILE_LINES} are the most; split it along a concept");
    (lines > FILE_LINES).then(|| Violation::new(&source.path, 1, "file-size", what))
}

fn large_functions(source: &Source) -> impl Iterator<Item = Violation> {
    source.functions().filter_map(|function| {
        let lines = function.end - function.line + 1;
        let name = function.name;
        let what =
            format!("`{name}` has {lines} lines, where {FUNCTION_LINES} are the most; name a part of it");
        (lines > FUNCTION_LINES).then(|| Violation::new(&source.path, function.line, "function-size", what))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, &'static str)> {
        let house = House::of(&[("core/src/a.rs", text)]);
        is_small(&house).iter().map(|violation| (violation.line, violation.rule)).collect()
    }

    fn function(lines: usize) -> String {
        // A brace in a text, in a character and in a comment opens nothing.
        format!("//! A file.\nfn f() {{\n{}}}\n", "    g(\"}\", '{'); // }\n".repeat(lines - 2))
    }

    #[test]
    fn what_is_just_small_enough_is_good() {
        assert_eq!(found(&function(FUNCTION_LINES)), []);
        assert_eq!(found(&"\n".repeat(FILE_LINES)), []);
    }

    #[test]
    fn what_is_too_large_is_found() {
        assert_eq!(found(&function(FUNCTION_LINES + 1)), [(2, "function-size")]);
        assert_eq!(found(&"\n".repeat(FILE_LINES + 1)), [(1, "file-size")]);
    }
}
