//! One connection to the operator, from its first packet to its loss.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use hooked_protocol::{FrameError, Frames, FromOperator};
use rustix::event::{PollFd, PollFlags};
use rustls::ClientConnection;

use super::socket::Socket;
use super::tls;
use super::volume::Volume;

/// How long the operator has to send its welcome, for which it may have to wait until it is shown the Pod.
const WELCOME: Duration = Duration::from_secs(5);

/// The connection.
pub(super) struct Connection {
    socket: Socket,
    tls: ClientConnection,
    frames: Frames,
    connecting: bool,
    /// When to give the connection up unless the operator has sent its welcome; `None` after the welcome.
    answer_by: Option<Instant>,
}

/// The connection is lost. There is nobody to tell the reason to.
pub(super) struct Lost;

impl<E: std::error::Error> From<E> for Lost {
    fn from(_: E) -> Self {
        Self
    }
}

impl Connection {
    /// Begins to connect.
    pub(super) fn open(volume: &Volume) -> Result<Self, Lost> {
        // Sent before the handshake is begun, which then goes on while the packet travels.
        let socket = Socket::connect(volume.address)?;
        let tls = tls::connection(&volume.authorities).ok_or(Lost)?;
        let answer_by = Instant::now().checked_add(WELCOME);
        Ok(Self { socket, tls, frames: Frames::default(), connecting: true, answer_by })
    }

    /// When to advance the connection even if nothing has arrived.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.answer_by
    }

    /// What to wait for.
    pub(super) fn interest(&self) -> PollFd<'_> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, !self.connecting);
        flags.set(PollFlags::OUT, self.connecting || self.tls.wants_write());
        PollFd::new(&self.socket, flags)
    }

    /// Queues a frame, to be sent as soon as possible.
    pub(super) fn say(&mut self, line: &str) -> Result<(), Lost> {
        Ok(self.tls.writer().write_all(line.as_bytes())?)
    }

    /// Sends and receives as much as is possible without waiting.
    pub(super) fn advance(&mut self) -> Result<(), Lost> {
        if self.connecting {
            self.socket.established()?;
            self.connecting = false;
        } else {
            self.receive()?;
        }
        self.send()
    }

    fn receive(&mut self) -> Result<(), Lost> {
        match self.tls.read_tls(&mut self.socket) {
            Ok(0) => return Err(Lost),
            Ok(_) => {}
            Err(error) if is_later(&error) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        self.tls.process_new_packets()?;
        let mut page = [0; 1024];
        loop {
            match self.tls.reader().read(&mut page) {
                Ok(0) => return Err(Lost),
                Ok(length) => self.frames.take_in(&page[..length]),
                Err(error) if is_later(&error) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends as much of the queued frames as is possible without waiting.
    pub(super) fn send(&mut self) -> Result<(), Lost> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if is_later(&error) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The operator's next frame, once all of it has arrived. Frames that this version does not know are passed over.
    pub(super) fn hear(&mut self) -> Result<Option<FromOperator>, Lost> {
        while let Some(line) = self.frames.next_line()? {
            match FromOperator::parse(&line) {
                Ok(frame) => {
                    self.answer_by = None;
                    return Ok(Some(frame));
                }
                Err(FrameError::Unknown) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Closes the connection without a trace. There is nothing more to send, or to hear.
    pub(super) fn close(self) {
        self.socket.reset();
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
