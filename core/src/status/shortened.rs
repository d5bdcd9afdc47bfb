//! Words of others, which may be too long for a condition.

/// The most bytes of somebody else's words that a condition holds.
pub(super) const WORDS: usize = 1024;

/// The beginning of a text that is too long for a condition: the API server may quote a whole field.
pub fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &text[..end])
}
