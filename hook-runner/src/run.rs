//! A run: attempts until one succeeds or there are no more, and one outcome.

use std::ffi::CString;
use std::io;
use std::time::{Duration, Instant};

use hooked_protocol::{Exit, Invocation, Outcome};
use rustix::process::{Pid, getpid, set_child_subreaper};

use crate::attempt::{Attempt, Cut, attempt, note};
use crate::cancelled;
use crate::complain::say;
use crate::leftover::leave;
use crate::live::Live;
use crate::recorder::{Recorder, RunEnd};
use crate::signals::{Arrived, Signals, set_mask};
use crate::spawn::become_it;
use crate::streams::Streams;
use crate::watch::{Event, Watch};

/// The exit code of a hook that was ended at its timeout and nevertheless exited with 0.
const TIMED_OUT: u8 = 124;
/// What is returned for a process that SIGKILL does not end.
const KILLED: u8 = 128 + 9;
/// The exit code of a hook that was cancelled and exited with 0, or was not begun: as if SIGTERM had ended it.
const CANCELLED: u8 = 128 + 15;
/// How long after the hook's end the operator is tried to be told of it.
const TELL: Duration = Duration::from_millis(100);

/// Runs the hook as ordered and returns what the runner is to exit with.
pub(crate) fn run(invocation: &Invocation, environment: &[CString]) -> u8 {
    let Ok(mut watch) = prepare(invocation) else {
        // Without pipes or a signal queue the hook runs unrecorded: the hook matters more than its record.
        return replaced(invocation, environment, None);
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
        let last = attempt(invocation, environment, &mut watch, &mut stop);
        began.get_or_insert(last.began);
        if let Some(Err(error)) = &last.end
            && error.is_want()
        {
            return replaced(invocation, environment, Some(&watch));
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
        say(&result.message);
    }
    watch.finish();
    let ended = recorder.end(result, watch.streams.last_output());
    watch.tell(&ended, last.ended + TELL);
    leave(&watch.streams.held_open());
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

/// Replaces the runner by the hook, which then runs unwatched. The run stays recorded as begun.
fn replaced(invocation: &Invocation, environment: &[CString], watch: Option<&Watch>) -> u8 {
    let _ = set_child_subreaper(None::<Pid>);
    if let Some(watch) = watch {
        let _ = set_mask(&watch.signals.original());
    }
    let error = become_it(&invocation.command, environment);
    say(&error.to_string());
    if invocation.ignore_failure { 0 } else { error.code() }
}

/// Waits before the next attempt. False if the runner was asked to end meanwhile.
fn pause(invocation: &Invocation, watch: &mut Watch, stop: &mut Option<i32>) -> bool {
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
    (told, signal): (bool, Option<i32>),
    duration: Duration,
) -> RunEnd {
    let exit = match &last.end {
        Some(Ok(exit)) => Some(*exit),
        Some(Err(error)) => Some(Exit::Code(error.code())),
        None => None,
    };
    let (outcome, message) = match &last.end {
        _ if well(last) => (Outcome::Succeeded, String::new()),
        _ if last.cut == Some(Cut::Timeout) => {
            let seconds = invocation.timeout().unwrap_or_default().as_secs();
            (Outcome::TimedOut, format!("timed out after {seconds} s"))
        }
        _ if told => (Outcome::Cancelled, "stopped by the operator: the Pod is to go".to_owned()),
        Some(Err(error)) => (Outcome::Failed, error.to_string()),
        Some(Ok(Exit::Code(code))) => (Outcome::Failed, format!("exited with {code}")),
        Some(Ok(Exit::Signal(signal))) => (Outcome::Failed, format!("ended by signal {signal}")),
        None => (Outcome::Failed, "how it ended could not be learnt".to_owned()),
    };
    // The signal did not come from the operator, which uses the live channel: the run has failed.
    let asked = signal.filter(|_| outcome == Outcome::Failed);
    let asked = asked.map(|signal| format!(", asked to end by signal {signal}"));
    let message = message + asked.as_deref().unwrap_or_default();
    let duration = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    RunEnd { outcome, exit, attempts, message, duration }
}

/// What the runner exits with: what the hook's own process did, as a shell puts it.
fn code(last: &Attempt) -> u8 {
    match &last.end {
        Some(Ok(Exit::Code(0))) if last.cut == Some(Cut::Timeout) => TIMED_OUT,
        Some(Ok(Exit::Code(0))) if last.cut == Some(Cut::Operator) => CANCELLED,
        Some(Ok(Exit::Code(code))) => *code,
        Some(Ok(Exit::Signal(signal))) => signal.saturating_add(128),
        Some(Err(error)) => error.code(),
        None => KILLED,
    }
}
