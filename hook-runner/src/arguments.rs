//! What the runner is asked to do.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use hooked_protocol::{CHECK, Invocation, InvocationError};

/// What is asked of this program.
#[derive(Debug)]
pub(crate) enum Task {
    /// Run a hook.
    Run(Invocation),
    /// Copy this program.
    Install {
        /// A file, or a directory that exists.
        destination: PathBuf,
    },
    /// Show that this program can be run.
    Check {
        /// Where somebody is to take a connection.
        address: Option<SocketAddr>,
    },
    /// Read from stdin and stdout until both end; for [`crate::leftover`] alone.
    Swallow,
}

/// What is wrong with the arguments.
#[derive(Debug)]
pub(crate) enum ArgumentsError {
    /// Neither a hook nor `install DEST` nor `check`.
    Task,
    /// The words are about a hook, and no invocation.
    Invocation(InvocationError),
}

impl fmt::Display for ArgumentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task => f.write_str(
                "usage: hook-runner (PostStart|PreStop)=CONTAINER[,ITEM…] COMMAND ARG… | install DEST | check [IP:PORT]",
            ),
            Self::Invocation(error) => error.fmt(f),
        }
    }
}

impl Task {
    /// Reads the program's words, without its name.
    pub(crate) fn from_words(words: Vec<OsString>) -> Result<Self, ArgumentsError> {
        let task = words.first().and_then(|word| word.to_str());
        match (task, words.get(1)) {
            (Some("install"), Some(destination)) => Ok(Self::Install { destination: destination.into() }),
            (Some("swallow"), _) => Ok(Self::Swallow),
            (Some(CHECK), None) => Ok(Self::Check { address: None }),
            (Some(CHECK), Some(word)) => {
                let address = word.to_str().and_then(|text| text.parse().ok());
                address.map(|address| Self::Check { address: Some(address) }).ok_or(ArgumentsError::Task)
            }
            _ => match Invocation::from_words(words) {
                Some(invocation) => invocation.map(Self::Run).map_err(ArgumentsError::Invocation),
                None => Err(ArgumentsError::Task),
            },
        }
    }
}
