//! TLS of the channel: who signs the operator's certificate, and which certificate the operator shows.

mod authority;
mod resolver;

use std::sync::Arc;

use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig, version};

pub use authority::{Authorities, CertificateError, Leaf, Lifetimes};
pub use resolver::CertificateResolver;

/// Why TLS cannot be served.
#[derive(Debug, Error)]
#[error("TLS cannot be served: {0}")]
pub struct TlsError(#[from] rustls::Error);

/// TLS 1.3 with the certificate that the resolver holds.
pub fn acceptor(resolver: Arc<CertificateResolver>) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&version::TLS13])?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
    // A runner connects once, a scraper keeps its connection: they have no use for a ticket.
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
