//! Records out of a text that anyone may have written.

use crate::limits::{MAX_LINE, MAX_RECORDS};
use crate::line::PREFIX;
use crate::record::Record;
use crate::wire::Wire;

/// Bytes of a text that are looked at. The kubelet passes on at most 4096 of a container's.
const MAX_TEXT: usize = 4 * MAX_LINE;

/// The records in a text, in its order. Whatever else is there, before, between, after or on the same line, is passed
/// over, and so are records that were cut off, are too long, or say what cannot be true. At most [`MAX_RECORDS`] are
/// taken, so a flood of forged ones hides true ones but costs nothing.
///
/// Records of the same run are for [`crate::merge()`] to bring together.
pub fn parse(text: &str) -> Vec<Record> {
    let text = &text[..floor(text, MAX_TEXT)];
    text.lines().flat_map(in_line).take(MAX_RECORDS).collect()
}

/// The records on one line. A program that writes no newline at its end puts its words in front of ours.
fn in_line(line: &str) -> impl Iterator<Item = Record> + '_ {
    let mut rest = line;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(PREFIX)?;
        let (record, used) = first_value(&after[..floor(after, MAX_LINE)]);
        rest = &after[used..];
        Some(record)
    })
    .take(MAX_RECORDS)
    .flatten()
}

/// The record that a text begins with, if it does, and how many bytes it takes.
fn first_value(text: &str) -> (Option<Record>, usize) {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Wire>();
    match values.next() {
        Some(Ok(wire)) => (wire.believe(), floor(text, values.byte_offset())),
        Some(Err(_)) | None => (None, 0),
    }
}

/// The last boundary between characters at or before `index`.
fn floor(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}
