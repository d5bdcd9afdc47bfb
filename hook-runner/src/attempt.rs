//! One attempt: from the start of the hook's process to its end, or to the end of everything that came of it.

use std::io;
use std::time::{Duration, Instant};

use hooked_protocol::{Exit, Invocation};
use rustix::process::{Pid, Signal, kill_process};

use crate::descendants::{bury, signal_all};
use crate::signals::Arrived;
use crate::spawn::{Started, spawn};
use crate::watch::{Event, Watch};

/// How long the hook's processes have between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
/// How often those that came up meanwhile are sent SIGKILL as well.
const KILL_INTERVAL: Duration = Duration::from_millis(10);
/// How long it is tried. What lives on then cannot be killed, as it waits for a disk that does not answer.
const KILL_TIME: Duration = Duration::from_secs(1);

/// How an attempt went.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// How the hook's own process ended, or why it could not be started. `None` if it lives on though it was killed.
    pub(crate) end: Option<Result<Exit, io::Error>>,
    /// Who ended it; `None` if it ended by itself.
    pub(crate) cut: Option<Cut>,
    /// When its process had become the hook.
    pub(crate) began: Instant,
    /// When its end was seen.
    pub(crate) ended: Instant,
}

/// What an attempt was ended by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Its timeout.
    Timeout,
    /// The operator.
    Operator,
}

/// Starts the hook's process and waits for its end. A signal that asks the runner to end goes into `stop`.
pub(crate) fn attempt(invocation: &Invocation, watch: &mut Watch, stop: &mut Option<Signal>) -> Attempt {
    let Started { process: hook, began } =
        match spawn(&invocation.command, &watch.streams, watch.signals.original(), &watch.waits) {
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
                let buried = bury(hook);
                if buried.hook.is_some() || buried.nobody_left {
                    return attempt(buried.hook.map(Ok), None, watch.signalled().max(began));
                }
            }
            Event::Signal(Arrived::ForHook(signal)) => {
                // It cannot be gone and its number another's: it is buried only above.
                let _ = kill_process(hook, signal);
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

/// Remembers a signal that asks the runner to end: no attempt is begun after it.
pub(crate) fn note(signal: Signal, stop: &mut Option<Signal>) {
    if [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT].contains(&signal) {
        *stop = Some(signal);
    }
}

/// Ends everything that came of the hook: asks, waits, and kills. Returns how the hook's own process ended.
fn end_all(hook: Pid, watch: &mut Watch) -> Option<Exit> {
    signal_all(hook, Signal::TERM);
    // A process that is stopped sees no other signal before this one.
    signal_all(hook, Signal::CONT);
    let mut ended = None;
    if bury_until(Instant::now() + GRACE, hook, watch, &mut ended) {
        return ended;
    }
    let patience = Instant::now() + KILL_TIME;
    while Instant::now() < patience {
        signal_all(hook, Signal::KILL);
        if bury_until(Instant::now() + KILL_INTERVAL, hook, watch, &mut ended) {
            break;
        }
    }
    ended
}

/// Buries whoever dies until then. True as soon as nobody is left.
fn bury_until(deadline: Instant, hook: Pid, watch: &mut Watch, ended: &mut Option<Exit>) -> bool {
    loop {
        let buried = bury(hook);
        *ended = ended.or(buried.hook);
        if buried.nobody_left {
            return true;
        }
        if watch.next(Some(deadline)) == Event::Deadline {
            return false;
        }
    }
}
