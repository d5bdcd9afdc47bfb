//! What a write of a `status` subresource looks like.

use super::super::source::Source;

/// Calls that write a subresource, named by their first argument.
const OF_SUBRESOURCE: [&str; 3] = ["replace_subresource", "patch_subresource", "create_subresource"];

/// The lines of its production code that write a `status`.
pub(super) fn writes(source: &Source) -> Vec<usize> {
    let found = source.production().filter(|(index, token)| {
        if token.text().is_some_and(is_url_of_status) {
            return true;
        }
        let defined = *index > 0 && source.word(index - 1) == Some("fn");
        let called = source.closed_at(index + 1, '(').is_some() && !defined;
        let Some(word) = token.word().filter(|_| called) else { return false };
        let subresource = source.tokens.get(index + 2).and_then(|argument| argument.text());
        let status = subresource.is_none_or(|name| name == "status");
        matches!(word, "replace_status" | "patch_status") || (OF_SUBRESOURCE.contains(&word) && status)
    });
    found.map(|(_, token)| token.line).collect()
}

/// A pointer into a document, such as `/properties/status`, names no object.
fn is_url_of_status(text: &str) -> bool {
    text.ends_with("}/status") || (text.starts_with("/api") && text.ends_with("/status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        writes(&Source::new("controller/src/a.rs", text).unwrap())
    }

    #[test]
    fn every_way_to_write_a_status_is_known() {
        assert_eq!(lines("fn f() { api.replace_status(n, p, b); }"), [1]);
        assert_eq!(lines("fn f() {\n request.patch_subresource(\"status\", n, p); }"), [2]);
        assert_eq!(lines("fn f() { Request::new(format!(\"{base}/{name}/status\")) }"), [1]);
    }

    #[test]
    fn other_subresources_and_tests_are_left_alone() {
        assert_eq!(lines("fn f() { schema.pointer(\"/properties/status\"); }"), [0; 0]);
        assert_eq!(lines("fn f() { request.create_subresource(\"eviction\", n, p, b); }"), [0; 0]);
        assert_eq!(lines("#[cfg(test)]\nmod tests { fn f() { api.patch_status(n, p, b); } }"), [0; 0]);
        assert_eq!(lines("trait Port { fn patch_status(&self); }"), [0; 0]);
    }
}
