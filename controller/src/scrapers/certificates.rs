//! The certificate that metrics are served with: from a directory, read again when it changes, or made in memory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hooked_core::pass::Locked;
use hooked_live::CertificateResolver;
use thiserror::Error;
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

/// The files, as a Secret of the type `kubernetes.io/tls` has them.
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
/// The name in a certificate that is made here. Nobody can check it: who signs such a certificate is known to nobody.
const NAME: &str = "hooked-controller-metrics";
/// How often files are looked at. The kubelet itself brings a changed Secret within a minute or two.
const LOOK: Duration = Duration::from_secs(10);

#[derive(Debug, Error)]
pub(crate) enum CertificatesError {
    #[error("--metrics-cert-dir: {0} cannot be read: {1}")]
    Read(String, #[source] io::Error),
    #[error("--metrics-cert-dir: {0} holds no such thing in PEM: {1}")]
    Pem(String, #[source] pem::Error),
    #[error("the certificate of metrics cannot be used: {0}")]
    Use(#[from] rustls::Error),
    #[error("a certificate for metrics could not be made: {0}")]
    Make(#[from] rcgen::Error),
}

/// What was read of the files, to see whether they have changed.
#[derive(Clone, PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// The certificate, and where it is from.
pub(super) struct Certificates {
    resolver: Arc<CertificateResolver>,
    /// The directory and what was read there last, or nothing if the certificate is made in memory.
    source: Option<(PathBuf, Locked<Files>)>,
}

impl Certificates {
    pub(super) fn new(directory: Option<PathBuf>) -> Result<Self, CertificatesError> {
        let resolver = Arc::new(CertificateResolver::default());
        let Some(directory) = directory else {
            resolver.replace(Arc::new(self_signed()?));
            return Ok(Self { resolver, source: None });
        };
        let files = Files::read(&directory)?;
        resolver.replace(Arc::new(files.certified(&directory)?));
        Ok(Self { resolver, source: Some((directory, Locked::new(files))) })
    }

    pub(super) fn resolver(&self) -> Arc<CertificateResolver> {
        Arc::clone(&self.resolver)
    }

    /// Looks at the files again and again, for ever. What cannot be used is told, and the certificate before it stays.
    pub(super) async fn keep_up(&self) {
        let mut told = String::new();
        loop {
            tokio::time::sleep(LOOK).await;
            let error = self.look().err().map(|error| error.to_string()).unwrap_or_default();
            if !error.is_empty() && error != told {
                tracing::warn!(error, "metrics are served with the certificate of before");
            }
            told = error;
        }
    }

    pub(super) fn look(&self) -> Result<(), CertificatesError> {
        let Some((directory, known)) = &self.source else { return Ok(()) };
        let files = Files::read(directory)?;
        if *known.lock() != files {
            self.resolver.replace(Arc::new(files.certified(directory)?));
            *known.lock() = files;
            tracing::info!("metrics are served with another certificate");
        }
        Ok(())
    }
}

impl Files {
    fn read(directory: &Path) -> Result<Self, CertificatesError> {
        let read = |name: &str| {
            let path = directory.join(name);
            fs::read(&path).map_err(|error| CertificatesError::Read(path.display().to_string(), error))
        };
        Ok(Self { certificate: read(CERTIFICATE)?, key: read(KEY)? })
    }

    /// Fails too where the key is not that of the certificate, as between two writes.
    fn certified(&self, directory: &Path) -> Result<CertifiedKey, CertificatesError> {
        let wrong = |name: &str| {
            let path = directory.join(name).display().to_string();
            |error| CertificatesError::Pem(path, error)
        };
        let chain = CertificateDer::pem_slice_iter(&self.certificate).collect::<Result<Vec<_>, _>>();
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(wrong(KEY))?;
        Ok(CertifiedKey::from_der(chain.map_err(wrong(CERTIFICATE))?, key, &default_provider())?)
    }
}

fn self_signed() -> Result<CertifiedKey, CertificatesError> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    Ok(CertifiedKey::from_der(vec![made.cert.der().clone()], key, &default_provider())?)
}
