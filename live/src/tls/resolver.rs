//! The certificate that the operator shows, which may be replaced while connections are open.

use std::sync::Arc;

use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use hooked_core::pass::Locked;

/// The certificate that the operator shows now.
#[derive(Debug, Default)]
pub struct CertificateResolver(Locked<Option<Arc<CertifiedKey>>>);

impl CertificateResolver {
    /// Shows another certificate to new connections. Open connections go on.
    pub fn replace(&self, certified: Arc<CertifiedKey>) {
        *self.0.lock() = Some(certified);
    }
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.lock().clone()
    }
}
