//! The only place where the runner waits: for a signal, for the hook's output, for the operator, or for a deadline.

use std::time::{Duration, Instant};

use hooked_protocol::Record;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::live::Live;
use crate::signals::{Arrived, Signals};
use crate::streams::Streams;
use crate::waits::Waits;

/// Why [`Watch::next`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A signal arrived.
    Signal(Arrived),
    /// The operator asked that the hook be stopped. Returned once.
    Stop,
    /// The deadline has passed.
    Deadline,
}

/// How long the runner waits for the kubelet to read the last output.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// Signals, output and the live channel: all that the runner waits for.
pub(crate) struct Watch {
    pub(crate) signals: Signals,
    pub(crate) streams: Streams,
    pub(crate) waits: Waits,
    /// When the signal came that ended the latest waiting, if nothing else did: where there was output too, the runner
    /// was woken by whichever came first, and the hook may have gone on for as long as the runner then waited.
    signalled: Option<Instant>,
    live: Option<Live>,
    /// Whether [`Event::Stop`] was returned.
    stop_told: bool,
}

impl Watch {
    /// Watches these, and no live channel yet.
    pub(crate) fn new(signals: Signals, streams: Streams) -> Self {
        Self { signals, streams, waits: Waits::new(), signalled: None, live: None, stop_told: false }
    }

    /// Watches this channel as well.
    pub(crate) fn add_live(&mut self, live: Option<Live>) {
        self.live = live;
    }

    /// The hook has been started: the live channel is opened during the next waits.
    pub(crate) fn open_live(&mut self) {
        if let Some(live) = &mut self.live {
            live.open();
        }
    }

    /// Whether the operator asked that the hook be stopped.
    pub(crate) fn is_told_to_stop(&self) -> bool {
        self.live.as_ref().is_some_and(Live::is_told_to_stop)
    }

    /// Passes on output until a signal arrives or the time has come, whichever is first.
    pub(crate) fn next(&mut self, deadline: Option<Instant>) -> Event {
        loop {
            if let Some(arrived) = self.signals.next() {
                return Event::Signal(arrived);
            }
            if self.is_told_to_stop() && !self.stop_told {
                self.stop_told = true;
                return Event::Stop;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Event::Deadline;
            }
            if self.wait(deadline).is_err() {
                // `poll` fails: look for dead children from time to time instead.
                std::thread::sleep(Duration::from_millis(10));
                return Event::Signal(Arrived::Child);
            }
        }
    }

    /// When the latest signal came: not when the runner went on, which may have waited for a processor.
    pub(crate) fn signalled(&self) -> Instant {
        self.signalled.unwrap_or_else(Instant::now)
    }

    fn wait(&mut self, deadline: Option<Instant>) -> rustix::io::Result<()> {
        let mut interests = vec![PollFd::new(&self.signals, PollFlags::IN)];
        interests.extend(self.streams.interests());
        let of_streams = interests.len() - 1;
        interests.extend(self.live.as_ref().and_then(Live::interest));
        let deadline = deadline.into_iter().chain(self.live.as_ref().and_then(Live::deadline)).min();
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let before = self.waits.so_far();
        let polled = poll(&mut interests, left.and_then(|left| Timespec::try_from(left).ok()).as_ref());
        match polled {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        let came = |interest: &PollFd<'_>| interest.revents().contains(PollFlags::IN);
        let mut came = interests.iter().map(came);
        let alone = came.next() == Some(true) && !came.any(|came| came);
        self.signalled = alone.then(|| self.waits.woken(before));
        let ready: Vec<bool> =
            interests.iter().skip(1).map(|interest| !interest.revents().is_empty()).collect();
        drop(interests);
        self.streams.advance(&ready[..of_streams]);
        if let Some(live) = &mut self.live {
            live.advance(ready.get(of_streams).is_some_and(|ready| *ready));
        }
        Ok(())
    }

    /// Passes on what the hook wrote before it ended, and no more.
    pub(crate) fn finish(&mut self) {
        self.streams.finish();
        let deadline = Instant::now() + LAST_OUTPUT;
        while self.streams.interests().next().is_some() && Instant::now() < deadline {
            if self.wait(Some(deadline)).is_err() {
                return;
            }
            self.discard_signals();
        }
    }

    /// Tells the operator how the run ended, and waits for the answer until the deadline at most.
    pub(crate) fn tell(&mut self, ended: &Record, deadline: Instant) {
        let Some(live) = &mut self.live else { return };
        live.conclude(ended);
        while self.live.as_ref().is_some_and(|live| !live.is_over()) && Instant::now() < deadline {
            if self.wait(Some(deadline)).is_err() {
                return;
            }
            self.discard_signals();
        }
    }

    /// Discards signals that came for a hook that has ended.
    fn discard_signals(&self) {
        while self.signals.next().is_some() {}
    }
}
