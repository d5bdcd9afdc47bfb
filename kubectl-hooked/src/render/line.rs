//! A line of text in several tones that knows how wide it is.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::tone::Tone;

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<(Tone, String)>);

impl Line {
    /// An empty line.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The line with more text. What would steer the terminal, as a hook's output may, is made harmless.
    #[must_use]
    pub(crate) fn add(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        let text: String = text
            .as_ref()
            .chars()
            .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
            .collect();
        if !text.is_empty() {
            self.0.push((tone, text));
        }
        self
    }

    /// The line with more text in no particular tone.
    #[must_use]
    pub(crate) fn plain(self, text: impl AsRef<str>) -> Self {
        self.add(Tone::Plain, text)
    }

    /// The line with another one behind it.
    #[must_use]
    pub(crate) fn append(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The line with as many spaces as bring it to `column`.
    #[must_use]
    pub(crate) fn pad_to(self, column: usize) -> Self {
        let missing = column.saturating_sub(self.width());
        self.plain(" ".repeat(missing))
    }

    /// How many columns it takes.
    pub(crate) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.width()).sum()
    }

    /// The line cut to `width` columns, with … where something is missing.
    #[must_use]
    pub(crate) fn fit(&self, width: usize) -> Self {
        if self.width() <= width {
            return self.clone();
        }
        let mut left = width.saturating_sub(1);
        let mut fitted = Vec::new();
        for (tone, text) in &self.0 {
            let kept = head(text, left);
            left -= kept.width();
            let whole = kept.len() == text.len();
            fitted.push((*tone, kept.to_owned()));
            if !whole {
                break;
            }
        }
        if let Some((_, last)) = fitted.last_mut().filter(|_| width > 0) {
            last.push('…');
        }
        Self(fitted)
    }

    /// The line as it is written to a terminal or a file.
    pub(crate) fn text(&self, colour: bool) -> String {
        let parts = self.0.iter().map(|(tone, text)| {
            let style = tone.style();
            if colour { format!("{style}{text}{style:#}") } else { text.clone() }
        });
        let text: String = parts.collect();
        text.trim_end().to_owned()
    }
}

/// As much of the beginning of `text` as fits into `width` columns.
pub(super) fn head(text: &str, width: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, c)| {
        taken += c.width().unwrap_or(0);
        taken > width
    });
    end.map_or(text, |(index, _)| &text[..index])
}

/// Words broken into pieces of at most `width` columns, the first of them `indent` columns shorter; one piece
/// where there is no limit. A word that is longer has a piece of its own.
pub(crate) fn wrap(text: &str, indent: usize, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else { return vec![text.to_owned()] };
    let mut pieces: Vec<String> = Vec::new();
    let mut taken = indent;
    for word in text.split(' ') {
        match pieces.last_mut() {
            Some(piece) if taken + 1 + word.width() <= width => {
                piece.push(' ');
                piece.push_str(word);
                taken += 1 + word.width();
            }
            None => {
                taken += word.width();
                pieces.push(word.to_owned());
            }
            Some(_) => {
                taken = word.width();
                pieces.push(word.to_owned());
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, width: usize, expect: &str) {
        let line = Line::new().plain(&text[..text.len().min(3)]).add(Tone::Bad, &text[text.len().min(3)..]);
        assert_eq!(line.fit(width).text(false), expect);
        assert!(line.fit(width).width() <= width);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_says_so() {
        check("abcdef", 6, "abcdef");
        check("abcdef", 5, "abcd…");
        check("abcdef", 3, "ab…");
        check("abcdef", 0, "");
        check("abc日本", 6, "abc日…");
        check("abc日本", 5, "abc…");
    }

    #[test]
    fn what_would_steer_the_terminal_is_harmless() {
        let line = Line::new().plain("a\x1b[31mb\nc\u{9b}d");
        assert_eq!(line.text(false), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d");
    }

    #[test]
    fn a_line_has_colour_only_if_it_is_asked_for() {
        let line = Line::new().plain("a ").add(Tone::Bad, "b");
        assert_eq!(line.text(false), "a b");
        assert_eq!(line.text(true), "a \x1b[31mb\x1b[0m");
    }

    #[test]
    fn words_are_wrapped_between_words() {
        assert_eq!(wrap("one two three", 0, Some(7)), ["one two", "three"]);
        assert_eq!(wrap("incomprehensible, no", 0, Some(7)), ["incomprehensible,", "no"]);
        assert_eq!(wrap("one two three", 4, Some(7)), ["one", "two", "three"]);
        assert_eq!(wrap("one two three", 0, None), ["one two three"]);
    }
}
