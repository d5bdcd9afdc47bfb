//! Shows that this program can be run where it lies, and whether the operator can be reached from there: what
//! `kubectl hooked check --with-pod` has a Pod of its own do. No hook is run.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long the operator has to take the connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects to that address and hangs up. Without an address there is nothing to do: that the program has come so far
/// is the answer.
pub(crate) fn check(address: Option<SocketAddr>) -> io::Result<()> {
    address.map_or(Ok(()), |address| TcpStream::connect_timeout(&address, PATIENCE).map(drop))
}
