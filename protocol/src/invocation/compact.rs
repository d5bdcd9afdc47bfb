//! An invocation in one word: items with a comma between them, each a name alone or a name with `=` and a value.
//!
//! The first item names the hook and the container. A path that is the usual one is left out, and bytes that would end
//! an item are written as in a URL: `%2C` for a comma. A reader passes over items that it does not know, so that a
//! runner of an earlier version runs the hook all the same.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt::{Display, Write};
use std::path::PathBuf;

use super::{DEFAULT_LOG, Invocation, InvocationError, LIVE_DIR, RECORD_DIR};
use crate::hook::Hook;

const RECORDS: &str = "records";
const LOG: &str = "log";
const BUDGET: &str = "budget";
const TIMEOUT: &str = "timeout";
const RETRIES: &str = "retries";
const DELAY: &str = "delay";
const OUTPUT: &str = "output";
const IGNORE: &str = "ignore";
const LIVE: &str = "live";

/// The word that says all of an invocation but the hook's own command.
pub(super) fn write(invocation: &Invocation) -> String {
    let Invocation {
        container,
        hook,
        record_dir,
        termination_log,
        budget,
        timeout,
        retries,
        retry_delay,
        ignore_failure,
        output_bytes,
        live,
        command: _,
    } = invocation;
    let items = [
        path(RECORDS, record_dir.as_ref(), RECORD_DIR),
        path(LOG, termination_log.as_ref(), DEFAULT_LOG),
        number(BUDGET, *budget),
        number(TIMEOUT, *timeout),
        number(RETRIES, *retries),
        number(DELAY, *retry_delay),
        number(OUTPUT, *output_bytes),
        ignore_failure.then(|| IGNORE.to_owned()),
        path(LIVE, live.as_ref(), LIVE_DIR),
    ];
    items.into_iter().flatten().fold(format!("{}={container}", hook.name()), |word, item| word + "," + &item)
}

fn path(name: &str, path: Option<&PathBuf>, usual: &str) -> Option<String> {
    let path = path?;
    Some(if path.as_os_str() == usual {
        name.to_owned()
    } else {
        format!("{name}={}", escaped(path.as_os_str()))
    })
}

fn number(name: &str, number: Option<impl Display>) -> Option<String> {
    Some(format!("{name}={}", number?))
}

fn escaped(path: &OsStr) -> String {
    // As the system has it; on Unix these are its bytes.
    path.as_encoded_bytes().iter().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// Reads the word and the hook's own command after it. `None` if the word is not about a hook.
pub(super) fn read(
    word: &str,
    command: impl Iterator<Item = OsString>,
) -> Option<Result<Invocation, InvocationError>> {
    let mut items =
        word.split(',').map(|item| item.split_once('=').map_or((item, None), |(n, v)| (n, Some(v))));
    let (hook, container) = items.next()?;
    let hook = Hook::from_name(hook)?;
    let invocation = Invocation::new(container.unwrap_or_default().to_owned(), hook, command.collect());
    Some(complete(invocation, items))
}

fn complete<'word>(
    mut invocation: Invocation,
    items: impl Iterator<Item = (&'word str, Option<&'word str>)>,
) -> Result<Invocation, InvocationError> {
    if invocation.container.is_empty() {
        return Err(InvocationError::Missing("the container"));
    }
    if invocation.command.is_empty() {
        return Err(InvocationError::Command);
    }
    for (name, value) in items {
        match name {
            RECORDS => invocation.record_dir = Some(path_of(value, RECORD_DIR)),
            LOG => invocation.termination_log = Some(path_of(value, DEFAULT_LOG)),
            BUDGET => invocation.budget = Some(number_of(BUDGET, value)?),
            TIMEOUT => invocation.timeout = Some(number_of(TIMEOUT, value)?),
            RETRIES => invocation.retries = Some(number_of(RETRIES, value)?),
            DELAY => invocation.retry_delay = Some(number_of(DELAY, value)?),
            OUTPUT => invocation.output_bytes = Some(number_of(OUTPUT, value)?),
            IGNORE => invocation.ignore_failure = true,
            LIVE => invocation.live = Some(path_of(value, LIVE_DIR)),
            _ => {}
        }
    }
    Ok(invocation)
}

fn number_of<T: std::str::FromStr>(name: &'static str, value: Option<&str>) -> Result<T, InvocationError> {
    value.and_then(|value| value.parse().ok()).ok_or(InvocationError::Value(name))
}

fn path_of(value: Option<&str>, usual: &str) -> PathBuf {
    value.map_or_else(|| usual.into(), |value| os_string(unescaped(value).into_owned()).into())
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

/// The plugin is built for other systems too, and paths of containers are text there.
#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// What [`escaped`] was given. A `%` without two digits behind it stands for itself.
fn unescaped(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('%') {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let digits =
            others.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &others[2..];
        } else {
            bytes.push(*first);
            rest = others;
        }
    }
    Cow::Owned(bytes)
}
