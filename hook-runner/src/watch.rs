//! The only place that waits: for a signal, for output on its way, or for a time.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::signals::{Arrived, Signals};
use crate::streams::Streams;

/// What ended the waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A signal arrived.
    Signal(Arrived),
    /// The time has come.
    Deadline,
}

/// How long the last output may wait for the kubelet to take it.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// Signals and output, which are looked after together.
pub(crate) struct Watch {
    pub(crate) signals: Signals,
    pub(crate) streams: Streams,
}

impl Watch {
    /// Passes on output until a signal arrives or the time has come, whichever is first.
    pub(crate) fn next(&mut self, deadline: Option<Instant>) -> Event {
        loop {
            if let Some(arrived) = self.signals.next() {
                return Event::Signal(arrived);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Event::Deadline;
            }
            if self.wait(deadline).is_err() {
                // Nothing can be waited for: look at the children from time to time instead.
                std::thread::sleep(Duration::from_millis(10));
                return Event::Signal(Arrived::Child);
            }
        }
    }

    fn wait(&mut self, deadline: Option<Instant>) -> rustix::io::Result<()> {
        let mut interests = vec![PollFd::new(&self.signals, PollFlags::IN)];
        interests.extend(self.streams.interests());
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match poll(&mut interests, left.and_then(|left| Timespec::try_from(left).ok()).as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        let ready: Vec<bool> =
            interests.iter().skip(1).map(|interest| !interest.revents().is_empty()).collect();
        drop(interests);
        self.streams.advance(&ready);
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
            // Whom they were for is no more.
            while self.signals.next().is_some() {}
        }
    }
}
