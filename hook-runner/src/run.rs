//! A run: attempts until one succeeds or there are no more, and one outcome.

use std::io;
use std::time::{Duration, Instant};

use hooked_protocol::{Exit, Invocation, Outcome};
use rustix::process::{Pid, Signal, getpid, set_child_subreaper};

use crate::attempt::{Attempt, Cut, attempt, note};
use crate::cancelled;
use crate::complain::complain;
use crate::leftover::leave;
use crate::live::Live;
use crate::recorder::{Recorder, RunEnd};
use crate::signals::{Arrived, Signals, set_mask};
use crate::spawn::become_it;
use crate::streams::Streams;
use crate::watch::{Event, Watch};

/// The exit code of a hook that was ended at its timeout and nevertheless exited with 0.
const TIMED_OUT: u8 = 124;
/// What a shell returns for a command that it cannot start, and for one that it does not find.
const CANNOT_START: u8 = 126;
const NOT_FOUND: u8 = 127;
/// What is returned for a process that SIGKILL does not end.
const KILLED: u8 = 128 + 9;
/// The exit code of a hook that was cancelled and exited with 0, or was not begun: as if SIGTERM had ended it.
const CANCELLED: u8 = 128 + 15;
/// How long after the hook's end the operator is tried to be told of it.
const TELL: Duration = Duration::from_millis(100);

/// Runs the hook as ordered and returns what the runner is to exit with.
pub(crate) fn run(invocation: &Invocation) -> u8 {
    let Ok(mut watch) = prepare(invocation) else {
        // Without pipes or a signal queue the hook runs unrecorded: the hook matters more than its record.
        return replaced(invocation, None);
    };
    let recorder = Recorder::begin(invocation);
    if cancelled::bars(invocation) {
        return forgo(invocation, recorder);
    }
    watch.add_live(Live::new(invocation, recorder.begun()));
    let mut stop = None;
    let mut attempts = 1;
    let mut began = None;
    let last = loop {
        let last = attempt(invocation, &mut watch, &mut stop);
        began.get_or_insert(last.began);
        if let Some(Err(error)) = &last.end
            && is_want(error)
        {
            return replaced(invocation, Some(&watch));
        }
        if well(&last)
            || watch.is_told_to_stop()
            || stop.is_some()
            || attempts >= invocation.attempts()
            || !pause(invocation, &mut watch, &mut stop)
        {
            break last;
        }
        attempts += 1;
    };
    let duration = last.ended.saturating_duration_since(began.unwrap_or(last.began));
    let result = judge(invocation, &last, attempts, (watch.is_told_to_stop(), stop), duration);
    if last.end.as_ref().is_some_and(Result::is_err) {
        complain(&result.message);
    }
    watch.finish();
    let ended = recorder.end(result, watch.streams.last_output());
    watch.tell(&ended, last.ended + TELL);
    leave(watch.streams.held_open());
    if invocation.ignore_failure { 0 } else { code(&last) }
}

/// Records that the hook was not begun, since the Pod's hooks are cancelled.
fn forgo(invocation: &Invocation, recorder: Recorder) -> u8 {
    let message = "not begun: the operator stopped the hooks of this Pod, which is to go".to_owned();
    recorder.end(
        RunEnd { outcome: Outcome::Cancelled, exit: None, attempts: 0, message, duration: 0 },
        String::new(),
    );
    if invocation.ignore_failure { 0 } else { CANCELLED }
}

/// Sets up what is needed to watch a hook.
fn prepare(invocation: &Invocation) -> io::Result<Watch> {
    let streams = Streams::new(invocation.recorded_output())?;
    let signals = Signals::block()?;
    // Any number but 0 means yes. Without a subreaper, processes that leave the hook's tree are out of reach at the
    // timeout.
    let _ = set_child_subreaper(Some(getpid()));
    Ok(Watch::new(signals, streams))
}

/// Whether the machine lacked what a second process takes, so that the hook may yet start in the runner's place.
fn is_want(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory)
}

/// Replaces the runner by the hook, which then runs unwatched. The run stays recorded as begun.
fn replaced(invocation: &Invocation, watch: Option<&Watch>) -> u8 {
    let _ = set_child_subreaper(None::<Pid>);
    if let Some(watch) = watch {
        let _ = set_mask(&watch.signals.original());
    }
    let error = become_it(&invocation.command);
    complain(&cannot_start(invocation, &error));
    if invocation.ignore_failure { 0 } else { refusal(&error) }
}

/// Waits before the next attempt. False if the runner was asked to end meanwhile.
fn pause(invocation: &Invocation, watch: &mut Watch, stop: &mut Option<Signal>) -> bool {
    let Some(deadline) = Instant::now().checked_add(invocation.retry_delay()) else { return false };
    while stop.is_none() {
        match watch.next(Some(deadline)) {
            // A process that an earlier attempt left behind has died; the next attempt reaps it.
            Event::Signal(Arrived::Child) => {}
            Event::Signal(Arrived::ForHook(signal)) => note(signal, stop),
            Event::Stop => return false,
            Event::Deadline => return true,
        }
    }
    false
}

fn well(attempt: &Attempt) -> bool {
    attempt.cut.is_none() && matches!(attempt.end, Some(Ok(Exit::Code(0))))
}

/// How the run ended, if the operator has `told` it to stop or a `signal` has asked for an end.
fn judge(
    invocation: &Invocation,
    last: &Attempt,
    attempts: u32,
    (told, signal): (bool, Option<Signal>),
    duration: Duration,
) -> RunEnd {
    let exit = match &last.end {
        Some(Ok(exit)) => Some(*exit),
        Some(Err(error)) => Some(Exit::Code(refusal(error))),
        None => None,
    };
    let (outcome, message) = match &last.end {
        _ if well(last) => (Outcome::Succeeded, String::new()),
        _ if last.cut == Some(Cut::Timeout) => {
            let seconds = invocation.timeout().unwrap_or_default().as_secs();
            (Outcome::TimedOut, format!("timed out after {seconds} s"))
        }
        _ if told => (Outcome::Cancelled, "stopped by the operator: the Pod is to go".to_owned()),
        Some(Err(error)) => (Outcome::Failed, cannot_start(invocation, error)),
        Some(Ok(Exit::Code(code))) => (Outcome::Failed, format!("exited with {code}")),
        Some(Ok(Exit::Signal(signal))) => (Outcome::Failed, format!("ended by signal {signal}")),
        None => (Outcome::Failed, "how it ended could not be learnt".to_owned()),
    };
    // The signal did not come from the operator, which uses the live channel: the run has failed.
    let asked = signal.filter(|_| outcome == Outcome::Failed);
    let asked = asked.map(|signal| format!(", asked to end by signal {}", signal.as_raw()));
    let message = message + asked.as_deref().unwrap_or_default();
    let duration = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    RunEnd { outcome, exit, attempts, message, duration }
}

fn cannot_start(invocation: &Invocation, error: &io::Error) -> String {
    let program = invocation.command.first().map(|program| program.display().to_string()).unwrap_or_default();
    format!("cannot start {program:?}: {error}")
}

fn refusal(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { CANNOT_START }
}

/// What the runner exits with: what the hook's own process did, as a shell puts it.
fn code(last: &Attempt) -> u8 {
    match &last.end {
        Some(Ok(Exit::Code(0))) if last.cut == Some(Cut::Timeout) => TIMED_OUT,
        Some(Ok(Exit::Code(0))) if last.cut == Some(Cut::Operator) => CANCELLED,
        Some(Ok(Exit::Code(code))) => *code,
        Some(Ok(Exit::Signal(signal))) => signal.saturating_add(128),
        Some(Err(error)) => refusal(error),
        None => KILLED,
    }
}
