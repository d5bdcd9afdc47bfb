//! Metrics for those alone who may read them: over TLS, and to whom the API server knows and lets `get` `/metrics`.

mod certificates;
mod review;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use hooked_live::{CertificateResolver, TlsError, acceptor};
use kube::Client;
use thiserror::Error;

use crate::tls_listener::TlsListener;
use certificates::Certificates;
pub(crate) use certificates::CertificatesError;
pub(crate) use review::{Reviews, Verdict};

/// What metrics are served with, if not to everybody.
pub(crate) struct Scrapers {
    certificates: Certificates,
    pub(crate) reviews: Reviews,
}

#[derive(Debug, Error)]
pub(crate) enum ScrapersError {
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Scrapers {
    /// With the certificate in a directory, or with one of its own where none is named.
    pub(crate) fn new(client: Client, directory: Option<PathBuf>) -> Result<Self, ScrapersError> {
        Ok(Self { certificates: Certificates::new(directory)?, reviews: Reviews::new(client) })
    }

    /// Has connections to `listener` shake hands.
    pub(crate) fn secure(&self, listener: tokio::net::TcpListener) -> Result<TlsListener, ScrapersError> {
        let resolver: Arc<CertificateResolver> = self.certificates.resolver();
        Ok(TlsListener::new(listener, acceptor(resolver)?))
    }

    /// Shows another certificate when the one in the directory is changed, for ever.
    pub(crate) async fn keep_up(&self) {
        self.certificates.keep_up().await;
    }
}
