//! What goes to standard output: lines that fit the terminal, or documents for programs.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use serde::Serialize;
use terminal_size::{Height, Width};
use thiserror::Error;

use crate::arguments::Format;
use crate::render::{Line, Tone};

/// Why something was not printed.
#[derive(Debug, Error)]
pub(crate) enum PrintError {
    /// The disk is full, or the like.
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
    /// A value that JSON cannot express.
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A value that YAML cannot express.
    #[error("cannot be written as YAML: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// Where lines are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Columns that a line may take; none where nobody looks: then nothing is cut off.
    pub(crate) width: Option<usize>,
    /// Whether to use colours.
    pub(crate) colour: bool,
    /// Lines that can be drawn over; none where nothing can.
    pub(crate) height: Option<usize>,
}

impl Screen {
    /// What standard output is. A pipe gets all of every line and no colour.
    pub(crate) fn of_stdout(no_color: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        // https://no-color.org: present and not empty, whatever it says.
        let refused = no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let size = terminal_size::terminal_size_of(io::stdout()).filter(|_| terminal);
        // A terminal that does not know its width is taken for one of the usual.
        let width = size.map(|(Width(columns), _)| if columns == 0 { 80 } else { usize::from(columns) });
        let height = size.map(|(_, Height(lines))| if lines == 0 { 24 } else { usize::from(lines) });
        Self { width, colour: terminal && !refused, height }
    }

    /// Prints lines.
    pub(crate) fn show(&self, lines: &[Line]) -> Result<(), PrintError> {
        write(&self.text(lines))
    }

    /// Prints a line in words.
    pub(crate) fn say(&self, words: impl AsRef<str>) -> Result<(), PrintError> {
        self.show(&[Line::new().plain(words)])
    }

    /// Makes room for drawings.
    pub(crate) fn clear(&self) -> Result<(), PrintError> {
        if self.height.is_some() { write("\x1b[2J") } else { Ok(()) }
    }

    /// Prints lines over those that were shown before; where that cannot be, below them.
    pub(crate) fn redraw(&self, lines: &[Line]) -> Result<(), PrintError> {
        let Some(height) = self.height else {
            return write(&format!("{}\n", self.text(lines)));
        };
        // The last line stays free: a break there would move all that was drawn.
        let room = height.saturating_sub(1);
        let mut lines = lines.to_vec();
        if lines.len() > room {
            let hidden = lines.len() - room.saturating_sub(1);
            lines.truncate(room.saturating_sub(1));
            lines.push(Line::new().add(Tone::Faint, format!("… {hidden} more lines")));
        }
        // To the corner, each line over the one before, and what is left below goes: nothing flickers.
        let text = self.text(&lines).replace('\n', "\x1b[K\n");
        write(&format!("\x1b[H{text}\x1b[J"))
    }

    fn text(&self, lines: &[Line]) -> String {
        let fitted = lines.iter().map(|line| match self.width {
            Some(width) => line.fit(width).text(self.colour),
            None => line.text(self.colour),
        });
        fitted.fold(String::new(), |text, line| text + &line + "\n")
    }
}

/// Prints a value for programs.
pub(crate) fn document<T: Serialize>(value: &T, format: Format) -> Result<(), PrintError> {
    let text = match format {
        Format::Json => serde_json::to_string_pretty(value)? + "\n",
        Format::Yaml => serde_saphyr::to_string(value)?,
    };
    write(&text)
}

/// Prints text. A console of Windows is told to take colours, or gets them in its own way; others get them as they are.
pub(crate) fn write(text: &str) -> Result<(), PrintError> {
    write_to(AutoStream::always(io::stdout().lock()), text.as_bytes())
}

/// Prints bytes as they are, which need be no text.
pub(crate) fn write_bytes(bytes: &[u8]) -> Result<(), PrintError> {
    write_to(io::stdout().lock(), bytes)
}

fn write_to(mut stdout: impl Write, bytes: &[u8]) -> Result<(), PrintError> {
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        // Who reads has had enough, as `head` has: that is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => Ok(written?),
    }
}
