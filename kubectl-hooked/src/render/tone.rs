//! What a piece of text is to the eye.

use anstyle::{AnsiColor, Style};
use hooked_crd::Outcome;

/// What a piece of text is to the eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing in particular.
    Plain,
    /// As it should be.
    Good,
    /// What somebody on call is looking for.
    Bad,
    /// Neither is known, or it will pass.
    Unsure,
    /// Going on.
    Active,
    /// Beside the point.
    Faint,
    /// A heading.
    Strong,
}

impl Tone {
    pub(super) fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Unsure => AnsiColor::Yellow.on_default(),
            Self::Active => AnsiColor::Cyan.on_default(),
            Self::Faint => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }
}

/// The tone of a hook's outcome.
pub(crate) fn of_outcome(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Succeeded => Tone::Good,
        Outcome::Failed | Outcome::TimedOut => Tone::Bad,
        Outcome::Running => Tone::Active,
        Outcome::Cancelled | Outcome::Unknown => Tone::Unsure,
        Outcome::Skipped => Tone::Faint,
    }
}

/// The tone of a condition that is good when it is True.
pub(crate) fn of_condition(status: &str) -> Tone {
    match status {
        "True" => Tone::Good,
        "False" => Tone::Bad,
        _ => Tone::Unsure,
    }
}
