//! No line is wider than a screen: rustfmt breaks code, but neither comments nor what holds a long text.

use super::house::House;
use super::plan::COLUMNS;
use super::source::Source;
use super::tokens::Token;
use super::violation::Violation;

const RULE: &str = "width";

/// Comments keep the width; code keeps it but for the texts that stand in it.
pub(super) fn fits(house: &House) -> Vec<Violation> {
    house.sources().iter().flat_map(wide_lines).collect()
}

fn wide_lines(source: &Source) -> Vec<Violation> {
    let wide = source.lines().map(|(number, line)| (number, line, line.chars().count()));
    let wide = wide.filter(|(.., columns)| *columns > COLUMNS);
    let told = wide.filter_map(|(number, line, columns)| {
        let Layout { code_ends, texts } = layout(source, number, columns);
        let after: String = line.chars().skip(code_ends).collect();
        let comment = after.trim_start();
        let what = if comment.starts_with("//") {
            // A word, such as an address, cannot be broken.
            let breaks = code_ends > 0 || comment.split_whitespace().count() > 2;
            breaks.then_some("break the comment")
        } else {
            (columns - texts > COLUMNS).then_some("break the code; texts do not count")
        };
        what.map(|mend| format!("{columns} columns, where {COLUMNS} are the most; {mend}"))
            .map(|what| Violation::new(&source.path, number, RULE, what))
    });
    told.collect()
}

/// Where a line's code ends, and how many of its columns are texts.
struct Layout {
    code_ends: usize,
    texts: usize,
}

fn layout(source: &Source, line: usize, columns: usize) -> Layout {
    let on_line = source.tokens.iter().filter(|token| token.line <= line && line <= token.end_line);
    let span = |token: &Token| {
        let start = if token.line == line { token.column } else { 0 };
        let end = if token.end_line == line { token.end_column } else { columns };
        (start, end)
    };
    let mut layout = Layout { code_ends: 0, texts: 0 };
    for token in on_line {
        let (start, end) = span(token);
        layout.code_ends = layout.code_ends.max(end);
        layout.texts += if token.text().is_some() { end - start } else { 0 };
    }
    layout
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let house = House::of(&[("core/src/a.rs", text)]);
        fits(&house).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_wide_comment_is_found_wherever_it_stands() {
        let words = "word ".repeat(30);
        assert_eq!(lines(&format!("//! {words}\n/// {words}\nfn f() {{}} // {words}")), [1, 2, 3]);
        assert_eq!(lines(&format!("fn f() {{\n    // {words}\n    g(\"a\"); // \"{words}\"\n}}")), [2, 3]);
    }

    #[test]
    fn a_wide_text_is_left_alone_and_wide_code_is_not() {
        let words = "word ".repeat(30);
        assert_eq!(lines(&format!("fn f() {{ g(\"{words}\") }}\n#[error(\"{words}\")]\nstruct S;")), [0; 0]);
        assert_eq!(lines(&format!("const T: &str = \"// {words}\n// {words}\n\";")), [0; 0]);
        assert_eq!(lines(&format!("fn f() {{ {} }}", "g(); ".repeat(30))), [1]);
    }

    #[test]
    fn an_address_may_be_as_wide_as_it_is() {
        assert_eq!(lines(&format!("// https://{}", "a".repeat(130))), [0; 0]);
        assert_eq!(lines(&"// ö".repeat(30)), [0; 0]);
    }
}
