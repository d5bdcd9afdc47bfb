//! What the runner is told. By arguments only: an environment variable would be seen by the hook.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hooked_protocol::{Hook, MAX_OUTPUT};

/// What is asked of this program.
#[derive(Debug)]
pub(crate) enum Task {
    /// Run a hook.
    Run(Order),
    /// Copy this program.
    Install {
        /// A file, or a directory that exists.
        destination: PathBuf,
    },
    /// Read from stdin and stdout until both end; for [`crate::leftover`] alone.
    Swallow,
}

/// A hook, and how it is to be run and recorded.
#[derive(Debug)]
pub(crate) struct Order {
    /// The program and its arguments; never empty.
    pub(crate) command: Vec<OsString>,
    /// The container's name.
    pub(crate) container: String,
    /// Which hook.
    pub(crate) hook: Hook,
    /// Where executions are counted; `None` where they are not.
    pub(crate) record_dir: Option<PathBuf>,
    /// The container's termination log; `None` where nothing may be written to it.
    pub(crate) termination_log: Option<PathBuf>,
    /// Bytes that the termination log may hold in all after we wrote to it.
    pub(crate) budget: usize,
    /// Time for each attempt.
    pub(crate) timeout: Option<Duration>,
    /// Further attempts after a failure.
    pub(crate) retries: u32,
    /// Time between attempts.
    pub(crate) retry_delay: Duration,
    /// Whether a failure is only recorded.
    pub(crate) ignore_failure: bool,
    /// Bytes of output that are recorded.
    pub(crate) output_bytes: usize,
    /// The volume that says how to speak with the operator; `None` where that is not to be.
    pub(crate) live: Option<PathBuf>,
}

/// What is wrong with the arguments.
#[derive(Debug)]
pub(crate) enum ArgumentsError {
    /// Neither `run` nor `install DEST`.
    Task,
    /// An option that there is not.
    Unknown(OsString),
    /// An option without its value, or with one that it cannot have.
    Value(&'static str),
    /// `--container` or `--hook` is missing.
    Missing(&'static str),
    /// Nothing follows `--`.
    Command,
}

impl fmt::Display for ArgumentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task => f.write_str("usage: hook-runner run OPTION… -- COMMAND ARG… | install DEST"),
            Self::Unknown(option) => write!(f, "unknown option {}", option.display()),
            Self::Value(option) => write!(f, "{option} needs another value"),
            Self::Missing(option) => write!(f, "{option} is missing"),
            Self::Command => f.write_str("no command after --"),
        }
    }
}

/// Bytes of a termination log that the kubelet reads.
const MAX_BUDGET: usize = 4096;

impl Task {
    /// Reads the program's arguments, without its name.
    pub(crate) fn from_arguments(mut words: impl Iterator<Item = OsString>) -> Result<Self, ArgumentsError> {
        let task = words.next().ok_or(ArgumentsError::Task)?;
        match task.to_str() {
            Some("run") => Order::from_arguments(words).map(Self::Run),
            Some("install") => {
                let destination = words.next().ok_or(ArgumentsError::Task)?;
                Ok(Self::Install { destination: destination.into() })
            }
            Some("swallow") => Ok(Self::Swallow),
            _ => Err(ArgumentsError::Task),
        }
    }
}

impl Order {
    fn from_arguments(mut words: impl Iterator<Item = OsString>) -> Result<Self, ArgumentsError> {
        let mut order = Self {
            command: Vec::new(),
            container: String::new(),
            hook: Hook::PreStop,
            record_dir: None,
            termination_log: None,
            budget: 0,
            timeout: None,
            retries: 0,
            retry_delay: Duration::from_secs(1),
            ignore_failure: false,
            output_bytes: 0,
            live: None,
        };
        let mut hook = None;
        loop {
            let word = words.next().ok_or(ArgumentsError::Command)?;
            match word.to_str() {
                Some("--") => break,
                Some("--hook") => hook = Some(value("--hook", &mut words, Hook::from_name)?),
                Some(option) => order.set(option, &mut words)?,
                None => return Err(ArgumentsError::Unknown(word)),
            }
        }
        order.hook = hook.ok_or(ArgumentsError::Missing("--hook"))?;
        if order.container.is_empty() {
            return Err(ArgumentsError::Missing("--container"));
        }
        order.command = words.collect();
        if order.command.is_empty() { Err(ArgumentsError::Command) } else { Ok(order) }
    }

    fn set(
        &mut self,
        option: &str,
        words: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), ArgumentsError> {
        match option {
            "--container" => self.container = value("--container", words, |text| Some(text.to_owned()))?,
            "--record-dir" => self.record_dir = Some(path("--record-dir", words)?),
            "--termination-log" => self.termination_log = Some(path("--termination-log", words)?),
            "--budget" => self.budget = number::<usize>("--budget", words)?.min(MAX_BUDGET),
            "--timeout" => {
                let seconds = number::<u32>("--timeout", words)?;
                self.timeout = (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)));
            }
            "--retries" => self.retries = number("--retries", words)?,
            "--retry-delay" => {
                self.retry_delay = Duration::from_secs(u64::from(number::<u32>("--retry-delay", words)?));
            }
            "--live" => self.live = Some(path("--live", words)?),
            "--ignore-failure" => self.ignore_failure = true,
            "--output-bytes" => self.output_bytes = number::<usize>("--output-bytes", words)?.min(MAX_OUTPUT),
            _ => return Err(ArgumentsError::Unknown(option.into())),
        }
        Ok(())
    }
}

fn value<T>(
    option: &'static str,
    words: &mut impl Iterator<Item = OsString>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ArgumentsError> {
    words
        .next()
        .as_deref()
        .and_then(std::ffi::OsStr::to_str)
        .and_then(read)
        .ok_or(ArgumentsError::Value(option))
}

fn number<T: std::str::FromStr>(
    option: &'static str,
    words: &mut impl Iterator<Item = OsString>,
) -> Result<T, ArgumentsError> {
    value(option, words, |text| text.parse().ok())
}

fn path(option: &'static str, words: &mut impl Iterator<Item = OsString>) -> Result<PathBuf, ArgumentsError> {
    words.next().map(PathBuf::from).ok_or(ArgumentsError::Value(option))
}
