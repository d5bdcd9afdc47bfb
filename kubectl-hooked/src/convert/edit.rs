//! Edits of a text: what stands at a place is replaced, or goes with the comma or the line it would leave
//! behind.

use std::ops::Range;

use super::syntax::{Node, Value};

/// What stands at `place` is to be `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    place: Range<usize>,
    text: String,
}

/// Replaces a single value, in quotes if it was.
pub(super) fn replace(node: &Node, text: &str) -> Edit {
    let quoted = matches!(node.value, Value::Scalar { quoted: true, .. });
    let text = if quoted { format!("\"{text}\"") } else { text.to_owned() };
    Edit { place: node.place.clone(), text }
}

/// Writes another entry before one of a mapping: a comment behind that one stays where it is.
pub(super) fn insert_before(text: &str, mapping: &Node, key: &Node, (name, value): (&str, &str)) -> Edit {
    let begin = key.place.start;
    let braces = matches!(mapping.value, Value::Mapping { braces: true, .. });
    let json = matches!(key.value, Value::Scalar { quoted: true, .. });
    let entry = if json { format!("\"{name}\": \"{value}\"") } else { format!("{name}: {value}") };
    let indent = " ".repeat(text[line_start(text, begin)..begin].chars().count());
    let inserted = if braces { format!("{entry}, ") } else { format!("{entry}\n{indent}") };
    Edit { place: begin..begin, text: inserted }
}

/// Removes entries of a mapping by their keys; at least one entry must be left.
pub(super) fn remove(text: &str, mapping: &Node, goes: impl Fn(&str) -> bool) -> Vec<Edit> {
    let Value::Mapping { braces, entries } = &mapping.value else { return Vec::new() };
    let gone = |index: usize| entries[index].0.text().is_some_and(&goes);
    let mut edits = Vec::new();
    let mut index = 0;
    while index < entries.len() {
        let first = index;
        while index < entries.len() && gone(index) {
            index += 1;
        }
        if first < index {
            let begin = entries[first].0.place.start;
            let place = match (entries.get(index), *braces) {
                // Up to the next entry: commas, comments and indentation go along.
                (Some((next, _)), _) => begin..next.place.start,
                // The comma before the last ones goes, and what stands before the brace stays.
                (None, true) => {
                    first.checked_sub(1).map_or(begin, |before| entries[before].1.place.end)
                        ..entries[index - 1].1.place.end
                }
                (None, false) => line_start(text, begin)..end_of_block(text, &entries[index - 1].1),
            };
            edits.push(Edit { place, text: String::new() });
        }
        index += 1;
    }
    edits
}

/// Where the lines of a value end that no brace ends. A block ends where something else begins.
fn end_of_block(text: &str, value: &Node) -> usize {
    let end = value.place.end;
    let begins_here = line_start(text, end);
    let is_block = end > begins_here && text[begins_here..end].trim().is_empty();
    if is_block || end == begins_here {
        return begins_here;
    }
    // The rest of the line can only be a comment on it.
    text[end..].find('\n').map_or(text.len(), |index| end + index + 1)
}

fn line_start(text: &str, place: usize) -> usize {
    text[..place].rfind('\n').map_or(0, |index| index + 1)
}

/// The text with all edits, none of which overlap.
pub(super) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.place.start);
    let mut edited = String::with_capacity(text.len());
    let mut done = 0;
    for Edit { place, text: with } in edits {
        edited.push_str(&text[done..place.start]);
        edited.push_str(&with);
        done = place.end;
    }
    edited.push_str(&text[done..]);
    edited
}
