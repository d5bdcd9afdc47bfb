//! Connections that have shaken hands.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many go on at once: whoever is slow keeps nobody else away, and more than so many are nobody who belongs here.
const HANDSHAKES: usize = 64;
/// How long the listener rests after it could not accept a connection, as when there are no file descriptors left.
const REST: Duration = Duration::from_millis(100);

type Shaken = (TlsStream<TcpStream>, SocketAddr);

/// Listens, and hands out connections once they speak TLS.
pub(crate) struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    handshakes: JoinSet<Option<Shaken>>,
}

impl TlsListener {
    pub(crate) fn new(listener: TcpListener, acceptor: TlsAcceptor) -> Self {
        Self { listener, acceptor, handshakes: JoinSet::new() }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Shaken {
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if self.handshakes.len() < HANDSHAKES => match accepted {
                    Ok((stream, peer)) => {
                        let acceptor = self.acceptor.clone();
                        self.handshakes.spawn(async move {
                            let shaken = timeout(PATIENCE, acceptor.accept(stream)).await;
                            Some((shaken.ok()?.ok()?, peer))
                        });
                    }
                    Err(error) => {
                        tracing::debug!(%error, "a connection could not be taken in");
                        sleep(REST).await;
                    }
                },
                Some(shaken) = self.handshakes.join_next() => {
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
