//! An invocation out of options, as earlier operators wrote them. Their Pods live on, with runners of their time or,
//! where an image's tag has moved, of this one.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::str::FromStr;

use super::{Invocation, InvocationError, option};
use crate::hook::Hook;

/// Reads the words after [`super::RUN`]. Options may come in any order; of an option that is given twice the last one
/// counts.
pub(super) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Invocation, InvocationError> {
    let mut words = words.into_iter();
    // The hook is not known before `--hook` is read; without that there is no invocation.
    let mut invocation = Invocation::new(String::new(), Hook::PreStop, Vec::new());
    let mut hook = None;
    loop {
        let word = words.next().ok_or(InvocationError::Command)?;
        match word.to_str() {
            Some("--") => break,
            Some(option::HOOK) => hook = Some(value(option::HOOK, &mut words, Hook::from_name)?),
            Some(option) => invocation.set(option, &mut words)?,
            None => return Err(InvocationError::Unknown(word)),
        }
    }
    invocation.hook = hook.ok_or(InvocationError::Missing(option::HOOK))?;
    if invocation.container.is_empty() {
        return Err(InvocationError::Missing(option::CONTAINER));
    }
    invocation.command = words.collect();
    if invocation.command.is_empty() { Err(InvocationError::Command) } else { Ok(invocation) }
}

impl Invocation {
    fn set(
        &mut self,
        option: &str,
        words: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), InvocationError> {
        match option {
            option::CONTAINER => {
                self.container = value(option::CONTAINER, words, |text| Some(text.to_owned()))?;
            }
            option::RECORD_DIR => self.record_dir = Some(path(option::RECORD_DIR, words)?),
            option::TERMINATION_LOG => self.termination_log = Some(path(option::TERMINATION_LOG, words)?),
            option::BUDGET => self.budget = Some(number(option::BUDGET, words)?),
            option::TIMEOUT => self.timeout = Some(number(option::TIMEOUT, words)?),
            option::RETRIES => self.retries = Some(number(option::RETRIES, words)?),
            option::RETRY_DELAY => self.retry_delay = Some(number(option::RETRY_DELAY, words)?),
            option::OUTPUT_BYTES => self.output_bytes = Some(number(option::OUTPUT_BYTES, words)?),
            option::IGNORE_FAILURE => self.ignore_failure = true,
            option::LIVE => self.live = Some(path(option::LIVE, words)?),
            _ => return Err(InvocationError::Unknown(option.into())),
        }
        Ok(())
    }
}

fn value<T>(
    option: &'static str,
    words: &mut impl Iterator<Item = OsString>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, InvocationError> {
    let word = words.next();
    word.as_deref().and_then(OsStr::to_str).and_then(read).ok_or(InvocationError::Value(option))
}

fn number<T: FromStr>(
    option: &'static str,
    words: &mut impl Iterator<Item = OsString>,
) -> Result<T, InvocationError> {
    value(option, words, |text| text.parse().ok())
}

fn path(
    option: &'static str,
    words: &mut impl Iterator<Item = OsString>,
) -> Result<PathBuf, InvocationError> {
    words.next().map(PathBuf::from).ok_or(InvocationError::Value(option))
}
