//! The live channel: the operator hears of a run at once, and can have a postStart hook stopped.
//!
//! The hook never waits for the channel and is not affected by the channel's failures; the durable record in the
//! termination log is written without it. Nor does the hook see the channel: a connection is there for as long as a
//! report takes, and leaves nothing behind in `/proc/net/tcp`. A preStop hook may well wait until all connections are
//! closed, so while a preStop hook runs there is none, and its end alone is reported. A postStart hook that hangs keeps
//! its Pod from going, so its beginning is reported, and again from time to time; the operator answers, or says stop.

mod connection;
mod socket;
mod tls;
mod volume;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hooked_protocol::{FromOperator, Hello, Hook, Invocation, MAX_LINE, Proof, Record};
use rustix::event::PollFd;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::cancelled;
use crate::resident::let_go_of_code;
use connection::{Connection, Lost};
use volume::Volume;

/// How long after the hook's start the runner connects to the operator. Most hooks are over by then: the TLS handshake,
/// which takes a millisecond of computing, neither slows them down nor keeps the runner from seeing their end.
const HEAD_START: Duration = Duration::from_millis(20);
/// How long after a failure to report the runner tries again: at first, and at most. The delay doubles in between.
const DELAYS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long after a report the runner asks again whether to stop the hook: a part of what the hook has taken so far,
/// and no less and no more than this. So few hooks are asked about twice, and a Pod whose hook hangs goes in seconds.
const ASK_AGAIN: (u32, Duration, Duration) = (4, Duration::from_secs(1), Duration::from_secs(5));

/// The channel of one run.
pub(crate) struct Live {
    directory: PathBuf,
    /// Where to mark that the Pod's hooks are cancelled, if the operator stops this hook; `None` for a preStop hook,
    /// which cancels no other.
    mark_in: Option<PathBuf>,
    begun: Record,
    /// When the hook's beginning could first be reported.
    opened: Option<Instant>,
    proof: Option<Proof>,
    /// The frame to send at the end, once the hook has ended.
    last_word: Option<String>,
    delay: Duration,
    stop: bool,
    state: State,
}

enum State {
    /// Not connected; not to connect before this time, and not at all while it is `None`.
    Away(Option<Instant>),
    Connected(Box<Connection>),
    /// The operator has taken the end of the run, or has refused the runner.
    Over,
}

impl Live {
    /// A channel that is silent until [`Self::open`].
    pub(crate) fn new(invocation: &Invocation, begun: &Record) -> Option<Self> {
        Some(Self {
            directory: invocation.live.clone()?,
            mark_in: invocation.record_dir.clone().filter(|_| invocation.hook == Hook::PostStart),
            begun: begun.clone(),
            opened: None,
            proof: None,
            last_word: None,
            delay: DELAYS.0,
            stop: false,
            state: State::Away(None),
        })
    }

    /// The hook has been started: report soon, unless it is a preStop hook. Has no effect when called again.
    pub(crate) fn open(&mut self) {
        if self.begun.hook == Hook::PostStart && self.opened.is_none() {
            self.opened = Instant::now().checked_add(HEAD_START);
            self.state = State::Away(self.opened);
        }
    }

    /// Whether the operator asked that the hook be stopped.
    pub(crate) fn is_told_to_stop(&self) -> bool {
        self.stop
    }

    /// Whether there is nothing left to say or to hear.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// What to wait for.
    pub(crate) fn interest(&self) -> Option<PollFd<'_>> {
        match &self.state {
            State::Connected(connection) => Some(connection.interest()),
            State::Away(_) | State::Over => None,
        }
    }

    /// Until when to wait at most.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Away(at) => *at,
            State::Connected(connection) => connection.deadline(),
            State::Over => None,
        }
    }

    /// Does what can be done without waiting. `ready` is the answer to [`Self::interest`].
    pub(crate) fn advance(&mut self, ready: bool) {
        let is_time = self.deadline().is_some_and(|deadline| Instant::now() >= deadline);
        let moved = match &mut self.state {
            State::Away(_) if is_time => self.connect(),
            State::Connected(connection) if ready => connection.advance(),
            State::Connected(_) if is_time => Err(Lost),
            State::Away(_) | State::Connected(_) | State::Over => return,
        };
        if moved.and_then(|()| self.hear()).is_err() {
            self.lose();
        }
    }

    /// Tells the operator how the run ended, as soon as the connection allows it. Without a connection nothing is told.
    pub(crate) fn conclude(&mut self, ended: &Record) {
        let Some(line) = ended.to_line(MAX_LINE) else { return self.state = State::Over };
        let said = match &mut self.state {
            State::Connected(connection) => connection.say(&line).and_then(|()| connection.send()),
            State::Away(_) | State::Over => Ok(()),
        };
        self.last_word = Some(line);
        match self.state {
            State::Away(_) => self.state = State::Away(Some(Instant::now())),
            State::Connected(_) if said.is_err() => self.state = State::Over,
            State::Connected(_) | State::Over => {}
        }
    }

    fn connect(&mut self) -> Result<(), Lost> {
        let Some(volume) = Volume::read(&self.directory) else {
            // The Pod has no live volume. If there was one before, it will be there again.
            if self.proof.is_none() {
                self.state = State::Over;
            }
            return if self.proof.is_some() { Err(Lost) } else { Ok(()) };
        };
        let mut connection = Connection::open(&volume)?;
        let hello = Hello { token: volume.token, proof: self.proof, record: self.begun.clone() };
        connection.say(&hello.to_line().ok_or(Lost)?)?;
        if let Some(line) = &self.last_word {
            connection.say(line)?;
        }
        self.state = State::Connected(Box::new(connection));
        Ok(())
    }

    fn hear(&mut self) -> Result<(), Lost> {
        let mut welcome = false;
        while let State::Connected(connection) = &mut self.state {
            match connection.hear()? {
                None => break,
                Some(FromOperator::Welcome { proof }) => {
                    self.proof = Some(proof);
                    self.delay = DELAYS.0;
                    welcome = true;
                }
                Some(FromOperator::Refused(_)) => {
                    self.state = State::Over;
                    self.rest();
                }
                Some(FromOperator::Stop) => self.obey(),
                Some(FromOperator::Taken) => {
                    if let State::Connected(connection) = std::mem::replace(&mut self.state, State::Over) {
                        connection.close();
                    }
                }
            }
        }
        // All that has come is heard: an operator may say stop after its welcome.
        if welcome {
            self.pause();
        }
        Ok(())
    }

    /// The beginning is reported. Closes the connection, unless the end is to be told over it as well.
    fn pause(&mut self) {
        if self.last_word.is_some() {
            return;
        }
        let again = if self.stop { None } else { self.ask_again() };
        if let State::Connected(connection) = std::mem::replace(&mut self.state, State::Away(again)) {
            connection.close();
        }
        self.rest();
    }

    /// When to ask again whether to stop the hook.
    fn ask_again(&self) -> Option<Instant> {
        let (part, least, most) = ASK_AGAIN;
        let so_far = self.opened.map_or(Duration::ZERO, |opened| opened.elapsed());
        Instant::now().checked_add(jittered((so_far / part).clamp(least, most)))
    }

    /// Makes the mark before the hook is stopped: once the hook has ended, the kubelet starts the next one.
    fn obey(&mut self) {
        if let Some(directory) = &self.mark_in {
            cancelled::mark(directory);
        }
        self.stop = true;
    }

    /// Connects again later, unless the run has ended.
    fn lose(&mut self) {
        let next = if self.last_word.is_some() {
            State::Over
        } else {
            State::Away(Instant::now().checked_add(jittered(self.delay)))
        };
        if let State::Connected(connection) = std::mem::replace(&mut self.state, next)
            && self.last_word.is_none()
        {
            connection.close();
        }
        self.delay = (self.delay * 2).min(DELAYS.1);
        self.rest();
    }

    /// The runner may have nothing to do for hours now, and gives back the memory that it does not need meanwhile.
    fn rest(&self) {
        if self.last_word.is_none() {
            let_go_of_code();
        }
    }
}

/// The delay, a quarter more or less: so a thousand runners do not connect again in one moment.
fn jittered(delay: Duration) -> Duration {
    let mut random = [0; 1];
    let _ = getrandom(&mut random, GetRandomFlags::NONBLOCK);
    delay * 3 / 4 + delay * u32::from(random[0]) / 512
}
