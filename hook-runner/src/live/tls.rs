//! TLS 1.3 with the algorithms that every server supports, and no others: each one left out makes the program smaller.

use std::sync::Arc;

use rustix::rand::{GetRandomFlags, getrandom};
use rustls::client::Resumption;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::crypto::ring::kx_group::X25519;
use rustls::crypto::{CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::SigningKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, Error, RootCertStore, SignatureScheme};

use hooked_protocol::SERVER_NAME;

/// How certificates may be signed: as the operator signs its own, and as ed25519 does.
const SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[webpki::ring::ECDSA_P256_SHA256, webpki::ring::ED25519],
    mapping: &[
        (SignatureScheme::ECDSA_NISTP256_SHA256, &[webpki::ring::ECDSA_P256_SHA256]),
        (SignatureScheme::ED25519, &[webpki::ring::ED25519]),
    ],
};

/// A connection to the operator, which is to prove its name by one of these authorities. `None` if there is none among
/// them, or the machine has no random bytes yet.
pub(super) fn connection(authorities: &str) -> Option<ClientConnection> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(authorities.as_bytes()).flatten());
    let provider = CryptoProvider {
        cipher_suites: vec![TLS13_AES_128_GCM_SHA256],
        kx_groups: vec![X25519],
        signature_verification_algorithms: SIGNATURES,
        secure_random: &Random,
        key_provider: &NoKeys,
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    ClientConnection::new(Arc::new(config), ServerName::try_from(SERVER_NAME).ok()?).ok()
}

/// Random bytes, if they can be had at once.
#[derive(Debug)]
struct Random;

impl SecureRandom for Random {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        match getrandom(&mut *bytes, GetRandomFlags::NONBLOCK) {
            Ok(length) if length == bytes.len() => Ok(()),
            _ => Err(GetRandomFailed),
        }
    }
}

/// The runner has no certificate: it proves itself by its token.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("no keys here".into()))
    }
}
