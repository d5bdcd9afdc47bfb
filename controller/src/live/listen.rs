//! The door: connections are let in as far as the limits allow, and each is spoken with by itself.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus::{IntCounterVec, IntGauge};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use socket2::{SockRef, TcpKeepalive};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, rustls};

use super::Live;
use super::conversation::{PATIENCE, converse};
use super::keys::SigningKeys;
use super::limits::{Limits, Place};
use super::proof::Prover;
use super::refusal::Refusal;
use crate::context::Locked;

/// How long a listener rests that cannot take a connection in, as when there are no file descriptors left.
const REST: Duration = Duration::from_millis(100);

#[derive(Debug, Error)]
#[error("TLS cannot be served: {0}")]
pub(super) struct TlsError(#[from] rustls::Error);

/// What every conversation shares.
pub(super) struct Door {
    pub(super) live: Arc<Live>,
    pub(super) keys: SigningKeys,
    pub(super) prover: Prover,
    pub(super) limits: Limits,
    pub(super) reports: IntCounterVec,
    pub(super) connections: IntGauge,
}

impl Door {
    /// Counts a report by what has become of it.
    pub(super) fn count(&self, result: &'static str) {
        self.reports.with_label_values(&[result]).inc();
    }
}

/// The certificate that is shown now.
#[derive(Debug, Default)]
pub(super) struct Shown(Locked<Option<Arc<CertifiedKey>>>);

impl Shown {
    /// Shows another from now on. Connections that are open go on.
    pub(super) fn show(&self, certified: Arc<CertifiedKey>) {
        *self.0.lock() = Some(certified);
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.lock().clone()
    }
}

/// TLS 1.3 with the certificate that is shown.
pub(super) fn acceptor(shown: Arc<Shown>) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&version::TLS13])?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(shown);
    // A runner connects once: it has no use for a ticket.
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Takes connections in for ever. All of them end with this.
pub(super) async fn listen(listener: TcpListener, acceptor: TlsAcceptor, door: Arc<Door>) {
    let mut conversations = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let source = peer.ip().to_canonical();
                    let Some(place) = door.limits.place() else {
                        door.count(Refusal::RateLimited.label());
                        continue;
                    };
                    let (acceptor, door) = (acceptor.clone(), Arc::clone(&door));
                    conversations.spawn(attend(stream, source, place, acceptor, door));
                }
                Err(error) => {
                    tracing::debug!(%error, "a live connection could not be taken in");
                    tokio::time::sleep(REST).await;
                }
            },
            Some(_) = conversations.join_next() => {}
        }
    }
}

/// A silent runner is taken for gone after 45 s, as the runner takes a silent operator.
fn keepalive() -> TcpKeepalive {
    let (time, interval) = (Duration::from_secs(30), Duration::from_secs(5));
    TcpKeepalive::new().with_time(time).with_interval(interval).with_retries(3)
}

/// Shakes hands and speaks.
async fn attend(stream: TcpStream, source: IpAddr, place: Place, acceptor: TlsAcceptor, door: Arc<Door>) {
    let Some(stranger) = door.limits.admit(source) else { return door.count(Refusal::RateLimited.label()) };
    door.connections.inc();
    // What is said is short, and waited for.
    stream.set_nodelay(true).ok();
    // A runner whose node is gone does not say so.
    SockRef::from(&stream).set_tcp_keepalive(&keepalive()).ok();
    match timeout(PATIENCE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => converse(stream, stranger, &door).await,
        Ok(Err(_)) => {
            stranger.has_failed();
            door.count(Refusal::Malformed.label());
        }
        Err(_) => {
            stranger.has_failed();
            door.count(Refusal::Slow.label());
        }
    }
    door.connections.dec();
    drop(place);
}
