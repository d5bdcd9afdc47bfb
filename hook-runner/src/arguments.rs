//! What the runner is asked to do.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use hooked_protocol::{Invocation, InvocationError, RUN};

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
    /// Neither `run` nor `install DEST` nor `check`.
    Task,
    /// What follows `run` is no invocation.
    Invocation(InvocationError),
}

impl fmt::Display for ArgumentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task => {
                f.write_str("usage: hook-runner run OPTION… -- COMMAND ARG… | install DEST | check [IP:PORT]")
            }
            Self::Invocation(error) => error.fmt(f),
        }
    }
}

impl Task {
    /// Reads the program's arguments, without its name.
    pub(crate) fn from_arguments(mut words: impl Iterator<Item = OsString>) -> Result<Self, ArgumentsError> {
        let task = words.next().ok_or(ArgumentsError::Task)?;
        match task.to_str() {
            Some(RUN) => Invocation::from_args(words).map(Self::Run).map_err(ArgumentsError::Invocation),
            Some("install") => {
                let destination = words.next().ok_or(ArgumentsError::Task)?;
                Ok(Self::Install { destination: destination.into() })
            }
            Some("check") => match words.next() {
                None => Ok(Self::Check { address: None }),
                Some(word) => {
                    let address = word.to_str().and_then(|text| text.parse().ok());
                    address.map_or(Err(ArgumentsError::Task), |address| {
                        Ok(Self::Check { address: Some(address) })
                    })
                }
            },
            Some("swallow") => Ok(Self::Swallow),
            _ => Err(ArgumentsError::Task),
        }
    }
}
