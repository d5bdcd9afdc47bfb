//! A TCP socket that never waits.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::{Errno, read};
use rustix::net::sockopt::{set_socket_linger, set_tcp_nodelay, socket_error};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, connect, send, socket_with};

/// The socket, connected or about to be.
pub(super) struct Socket(OwnedFd);

impl Socket {
    /// Begins to connect. [`Self::established`] is to be asked when it can be written to.
    pub(super) fn connect(address: SocketAddr) -> Result<Self, Errno> {
        let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        // Frames are short and urgent.
        set_tcp_nodelay(&socket, true)?;
        match connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(Self(socket)),
            Err(error) => Err(error),
        }
    }

    /// Closes the connection at once. In the ordinary way the side that closes first goes on showing the connection for
    /// a minute (`TIME_WAIT`), to whoever lists connections as well.
    pub(super) fn reset(self) {
        let _ = set_socket_linger(&self.0, Some(Duration::ZERO));
    }

    /// Whether the connection is established, once the answer is known.
    pub(super) fn established(&self) -> io::Result<()> {
        Ok(socket_error(&self.0)??)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl io::Read for Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(read(&self.0, bytes)?)
    }
}

/// Sends without SIGPIPE, which the runner would pass on to the hook.
impl io::Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(&self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
