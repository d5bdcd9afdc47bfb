//! Records the run. No failure to record affects the hook.

use std::time::{SystemTime, UNIX_EPOCH};

use hooked_protocol::{Ending, Exit, Invocation, MAX_MESSAGE, Outcome, Record, RunId};
use rustix::rand::{GetRandomFlags, getrandom};

use crate::patience::Patience;
use crate::record_dir::RecordDir;
use crate::termination_log::TerminationLog;

/// The record of the run that is under way.
pub(crate) struct Recorder {
    record: Record,
    patience: Patience,
    record_dir: Option<RecordDir>,
    log: Option<TerminationLog>,
    /// Why the run has no number; empty if it has one, or is not to have one.
    trouble: String,
}

/// How the run ended.
pub(crate) struct RunEnd {
    pub(crate) outcome: Outcome,
    pub(crate) exit: Option<Exit>,
    pub(crate) attempts: u32,
    pub(crate) message: String,
    /// Microseconds.
    pub(crate) duration: u64,
}

impl Recorder {
    /// Writes down that the hook is about to start.
    pub(crate) fn begin(invocation: &Invocation) -> Self {
        let mut record = Record {
            run: random_id(),
            container: invocation.container.clone(),
            hook: invocation.hook,
            start: now(),
            numbering: None,
            ending: None,
        };
        let mut patience = Patience::new();
        let mut trouble = String::new();
        let counted = invocation
            .record_dir
            .as_deref()
            .map(|path| RecordDir::begin(path, &invocation.container, invocation.hook, &mut patience));
        let record_dir = match counted {
            Some(Ok((record_dir, numbering))) => {
                record.numbering = Some(numbering);
                Some(record_dir)
            }
            Some(Err(error)) => {
                trouble = error.to_string();
                None
            }
            None => None,
        };
        let log = invocation
            .termination_log
            .as_deref()
            .and_then(|path| TerminationLog::begin(path, invocation, &record, &mut patience).ok());
        Self { record, patience, record_dir, log, trouble }
    }

    /// What was written down at the beginning.
    pub(crate) fn begun(&self) -> &Record {
        &self.record
    }

    /// Writes down how the hook ended, and returns that.
    pub(crate) fn end(mut self, end: RunEnd, output: String) -> Record {
        let RunEnd { outcome, exit, attempts, mut message, duration } = end;
        if let Some(record_dir) = &self.record_dir {
            match record_dir.end(outcome, &mut self.patience) {
                Ok(numbering) => self.record.numbering = Some(numbering),
                Err(error) => self.trouble = error.to_string(),
            }
        }
        if !self.trouble.is_empty() {
            let separator = if message.is_empty() { "" } else { "; " };
            message = format!("{message}{separator}not counted: {}", self.trouble);
        }
        while message.len() > MAX_MESSAGE {
            message.pop();
        }
        self.record.ending = Some(Ending { outcome, exit, duration, attempts, message, output });
        if let Some(log) = &mut self.log {
            let _ = log.end(&self.record, &mut self.patience);
        }
        self.record
    }
}

/// 128 random bits. Where there are none, which is before a machine has gathered any, the time and the process's number
/// have to do.
fn random_id() -> RunId {
    let mut id = [0; 16];
    if getrandom(&mut id, GetRandomFlags::NONBLOCK) != Ok(id.len()) {
        id[..8].copy_from_slice(&now().to_le_bytes());
        id[8..12].copy_from_slice(&std::process::id().to_le_bytes());
    }
    RunId(id)
}

/// Microseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
