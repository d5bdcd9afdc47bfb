//! Why words are no invocation.

use std::ffi::OsString;
use std::fmt;

/// Why words are no invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvocationError {
    /// An option that there is not.
    Unknown(OsString),
    /// An option or item without its value, or with one that it cannot have.
    Value(&'static str),
    /// The container or the hook is missing.
    Missing(&'static str),
    /// The hook's own command is missing.
    Command,
}

impl fmt::Display for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(option) => write!(f, "unknown option {}", option.display()),
            Self::Value(option) => write!(f, "{option} needs another value"),
            Self::Missing(option) => write!(f, "{option} is missing"),
            Self::Command => f.write_str("no command follows"),
        }
    }
}

impl std::error::Error for InvocationError {}
