//! One attempt: from the start of the hook's process to the end of that process, or of all its descendants.

use std::ffi::CString;
use std::time::{Duration, Instant};

use hooked_protocol::{Exit, Invocation};
use rustix::process::{Pid, Signal};

use crate::descendants::{reap, signal_all};
use crate::program::NotStarted;
use crate::signals::{Arrived, send};
use crate::spawn::{Started, spawn};
use crate::watch::{Event, Watch};

/// How long the hook's processes have between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
/// How often SIGKILL is sent again, to processes that were started meanwhile.
const KILL_INTERVAL: Duration = Duration::from_millis(10);
/// How long SIGKILL is sent. A process that lives on then cannot be killed, as one that waits for a disk that does not
/// answer.
const KILL_TIME: Duration = Duration::from_secs(1);

/// How an attempt went.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// How the hook's own process ended, or why that process could not be started. `None` if it survives SIGKILL.
    pub(crate) end: Option<Result<Exit, NotStarted>>,
    /// Who ended the attempt; `None` if the hook ended by itself.
    pub(crate) cut: Option<Cut>,
    /// When the child process had become the hook.
    pub(crate) began: Instant,
    /// When the runner saw the hook end.
    pub(crate) ended: Instant,
}

/// Who ended an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The runner, at the policy's timeout.
    Timeout,
    /// The operator, over the live channel.
    Operator,
}

/// Starts the hook's process and waits for its end. A signal that asks the runner to end goes into `stop`.
pub(crate) fn attempt(
    invocation: &Invocation,
    environment: &[CString],
    watch: &mut Watch,
    stop: &mut Option<i32>,
) -> Attempt {
    let command = (&*invocation.command, environment);
    let Started { process: hook, began } =
        match spawn(command, &watch.streams, watch.signals.original(), &watch.waits) {
            Ok(started) => started,
            Err(error) => {
                let now = Instant::now();
                return Attempt { end: Some(Err(error)), cut: None, began: now, ended: now };
            }
        };
    let attempt = |end, cut, ended| Attempt { end, cut, began, ended };
    watch.open_live();
    let deadline = invocation.timeout().and_then(|timeout| began.checked_add(timeout));
    loop {
        match watch.next(deadline) {
            Event::Signal(Arrived::Child) => {
                let reaped = reap(hook);
                if reaped.hook.is_some() || reaped.nobody_left {
                    return attempt(reaped.hook.map(Ok), None, watch.signalled().max(began));
                }
            }
            Event::Signal(Arrived::ForHook(signal)) => {
                // The hook's process number cannot be another process's by now: only `reap` above gives the number
                // back.
                send(hook, signal);
                note(signal, stop);
            }
            Event::Deadline => {
                let end = end_all(hook, watch).map(Ok);
                return attempt(end, Some(Cut::Timeout), Instant::now());
            }
            Event::Stop => {
                let end = end_all(hook, watch).map(Ok);
                return attempt(end, Some(Cut::Operator), Instant::now());
            }
        }
    }
}

/// Remembers a signal that asks the runner to end: the runner begins no further attempt.
pub(crate) fn note(signal: i32, stop: &mut Option<i32>) {
    if [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT].map(Signal::as_raw).contains(&signal) {
        *stop = Some(signal);
    }
}

/// Ends the hook's process and all its descendants: SIGTERM, a moment, SIGKILL. Returns how the hook's own process
/// ended.
fn end_all(hook: Pid, watch: &mut Watch) -> Option<Exit> {
    signal_all(hook, Signal::TERM);
    // A stopped process handles SIGTERM only after SIGCONT.
    signal_all(hook, Signal::CONT);
    let mut ended = None;
    if reap_until(Instant::now() + GRACE, hook, watch, &mut ended) {
        return ended;
    }
    let patience = Instant::now() + KILL_TIME;
    while Instant::now() < patience {
        signal_all(hook, Signal::KILL);
        if reap_until(Instant::now() + KILL_INTERVAL, hook, watch, &mut ended) {
            break;
        }
    }
    ended
}

/// Reaps children until the deadline. True as soon as no child is left.
fn reap_until(deadline: Instant, hook: Pid, watch: &mut Watch, ended: &mut Option<Exit>) -> bool {
    loop {
        let reaped = reap(hook);
        *ended = ended.or(reaped.hook);
        if reaped.nobody_left {
            return true;
        }
        if watch.next(Some(deadline)) == Event::Deadline {
            return false;
        }
    }
}
