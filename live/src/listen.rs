//! Connections are let in as far as the limits allow, and each gets a session of its own.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::framed::PATIENCE;
use crate::limits::Permit;
use crate::refusal::Refusal;
use crate::session::{Shared, serve_session};
use crate::sink::Observer;

/// How long the listener rests after it could not accept a connection, as when there are no file descriptors
/// left.
const REST: Duration = Duration::from_millis(100);

/// Listens on `address`. Every address of a machine without IPv6 is every IPv4 address.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(error) if address.is_ipv6() && address.ip().is_unspecified() && !is_taken(&error) => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        outcome => outcome,
    }
}

fn is_taken(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}

/// Accepts connections for ever. Dropping the future ends all sessions.
pub(crate) async fn listen(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let source = peer.ip().to_canonical();
                    let Some(permit) = shared.limits.permit() else {
                        shared.count(Refusal::RateLimited);
                        continue;
                    };
                    let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
                    sessions.spawn(serve_connection(stream, source, permit, acceptor, shared));
                }
                Err(error) => {
                    tracing::debug!(%error, "a live connection could not be taken in");
                    tokio::time::sleep(REST).await;
                }
            },
            Some(_) = sessions.join_next() => {}
        }
    }
}

/// The operator takes a silent runner for gone after 45 s, as the runner does with a silent operator.
fn keepalive() -> TcpKeepalive {
    let (time, interval) = (Duration::from_secs(30), Duration::from_secs(5));
    TcpKeepalive::new().with_time(time).with_interval(interval).with_retries(3)
}

/// A connection that the observer counts until this is dropped.
struct Connected<'a>(&'a dyn Observer);

impl<'a> Connected<'a> {
    fn new(observer: &'a dyn Observer) -> Self {
        observer.connected();
        Self(observer)
    }
}

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.disconnected();
    }
}

/// Shakes hands with a runner and serves its session.
async fn serve_connection(
    stream: TcpStream,
    source: IpAddr,
    _permit: Permit,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
) {
    let Some(unauthenticated) = shared.limits.admit(source) else {
        return shared.count(Refusal::RateLimited);
    };
    let _connected = Connected::new(&*shared.observer);
    // Frames are short, and the other side waits for each.
    stream.set_nodelay(true).ok();
    // A runner whose node is gone closes nothing.
    SockRef::from(&stream).set_tcp_keepalive(&keepalive()).ok();
    match timeout(PATIENCE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve_session(stream, unauthenticated, &shared).await,
        Ok(Err(_)) => {
            unauthenticated.has_failed();
            shared.count(Refusal::Malformed);
        }
        Err(_) => {
            unauthenticated.has_failed();
            shared.count(Refusal::Slow);
        }
    }
}
