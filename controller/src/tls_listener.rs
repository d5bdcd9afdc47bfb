//! Connections that have shaken hands: so many at most, and none on which nothing happens.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many connections there are at once, from before their handshake until they end. Three API servers keep up to 75
/// that are idle, and whoever sends on all of them as much as is read ahead, 0.5 MB, takes 64 MB of our memory.
pub(crate) const CONNECTIONS: usize = 128;
/// How long nothing may happen on a connection: whoever opens all that there may be keeps others away no longer.
const IDLE: Duration = Duration::from_secs(30);
/// How long the listener rests after it could not accept a connection, as when there are no file descriptors left.
const REST: Duration = Duration::from_millis(100);

type Shaken = (Connection<TlsStream<TcpStream>>, SocketAddr);

/// Listens, and hands out connections once they speak TLS.
pub(crate) struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    room: Arc<Semaphore>,
    handshakes: JoinSet<Option<Shaken>>,
}

impl TlsListener {
    pub(crate) fn new(listener: TcpListener, acceptor: TlsAcceptor) -> Self {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        Self { listener, acceptor, room, handshakes: JoinSet::new() }
    }
}

/// The next connection, once there is room for it.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let room = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((room, stream, peer))
}

impl Listener for TlsListener {
    type Io = Connection<TlsStream<TcpStream>>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Shaken {
        let Self { listener, acceptor, room, handshakes } = self;
        loop {
            tokio::select! {
                next = next(listener, room) => match next {
                    Ok((room, stream, peer)) => {
                        let acceptor = acceptor.clone();
                        handshakes.spawn(async move {
                            let shaken = timeout(PATIENCE, acceptor.accept(stream)).await;
                            Some((Connection::new(shaken.ok()?.ok()?, IDLE, room), peer))
                        });
                    }
                    Err(error) => {
                        tracing::debug!(%error, "a connection could not be taken in");
                        sleep(REST).await;
                    }
                },
                Some(shaken) = handshakes.join_next() => {
                    if let Ok(Some(shaken)) = shaken {
                        return shaken;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that takes room until it ends, and ends when nothing has happened on it for long.
pub(crate) struct Connection<S> {
    stream: S,
    idle: Duration,
    ends: Pin<Box<Sleep>>,
    _room: OwnedSemaphorePermit,
}

impl<S> Connection<S> {
    fn new(stream: S, idle: Duration, room: OwnedSemaphorePermit) -> Self {
        Self { stream, idle, ends: Box::pin(sleep(idle)), _room: room }
    }

    /// What has come of reading or writing; nothing may for so long only.
    fn came<T>(&mut self, context: &mut Context<'_>, what: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if what.is_pending() {
            ready!(self.ends.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.ends.as_mut().reset(Instant::now() + self.idle);
        what
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        self.came(context, read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.came(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.came(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_connection_ends_on_which_nothing_happens() {
        let room = Arc::new(Semaphore::new(1));
        let taken = Arc::clone(&room).try_acquire_owned().unwrap();
        let (mut peer, stream) = duplex(16);
        let mut connection = Connection::new(stream, Duration::from_millis(200), taken);
        let mut bytes = [0; 1];
        for _ in 0..4 {
            sleep(Duration::from_millis(80)).await;
            peer.write_all(b"a").await.unwrap();
            connection.read_exact(&mut bytes).await.unwrap();
        }
        let ended = timeout(PATIENCE, connection.read_exact(&mut bytes)).await.unwrap();
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(room.available_permits(), 0);
        drop(connection);
        assert_eq!(room.available_permits(), 1);
    }
}
