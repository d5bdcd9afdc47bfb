//! An invocation as words: written in one way, read in that and the one before.

use std::ffi::OsString;

use super::{Invocation, InvocationError, RUN, RUNNER_PATH, compact, options};

impl Invocation {
    /// The words of the exec handler that has the runner run the hook: [`RUNNER_PATH`] and [`Self::to_words`].
    pub fn to_command(&self) -> Vec<OsString> {
        std::iter::once(RUNNER_PATH.into()).chain(self.to_words()).collect()
    }

    /// The words after the program: one that says all about the run, and the hook's own command.
    pub fn to_words(&self) -> Vec<OsString> {
        std::iter::once(compact::write(self).into()).chain(self.command.iter().cloned()).collect()
    }

    /// Reads the words of an exec handler, as [`Self::to_command`] writes them. `None` if they do not have the runner
    /// run a hook.
    pub fn from_command(words: impl IntoIterator<Item = OsString>) -> Option<Result<Self, InvocationError>> {
        let mut words = words.into_iter();
        (words.next()? == RUNNER_PATH).then(|| Self::from_words(words))?
    }

    /// Reads the words after the program, as [`Self::to_words`] writes them, or as operators before that wrote them:
    /// Pods live longer than an operator. `None` if they are not about a hook.
    pub fn from_words(words: impl IntoIterator<Item = OsString>) -> Option<Result<Self, InvocationError>> {
        let mut words = words.into_iter();
        let first = words.next()?;
        if first == RUN {
            return Some(options::read(words));
        }
        compact::read(first.to_str()?, words)
    }
}
