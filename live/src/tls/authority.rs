//! Certificates: authorities that others know, and a leaf that the operator shows. Old and new authorities
//! overlap, so that whoever knows only the old authority still recognizes the operator.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

/// By how much the clock of a node may be behind the operator's.
const BACKDATED: SignedDuration = SignedDuration::from_mins(5);

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// It could not be made.
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    /// It cannot be used.
    #[error("a certificate that was made cannot be used: {0}")]
    Use(#[from] rustls::Error),
    /// It cannot be read.
    #[error("a certificate cannot be read: {0}")]
    Read(#[from] rustls::pki_types::pem::Error),
    /// There is no authority.
    #[error("there is no authority to sign with")]
    NoAuthority,
}

/// How long certificates last.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// An authority.
    pub authority: SignedDuration,
    /// A certificate that an authority signs.
    pub leaf: SignedDuration,
}

/// An authority, which signs the operator's certificate. The authority's key is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authority {
    name: String,
    certificate: String,
    key: String,
    /// Seconds since 1970.
    begins: i64,
    /// Seconds since 1970.
    ends: i64,
}

/// Authorities, the oldest first.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Authorities(Vec<Authority>);

/// The certificate that the operator shows, and when the operator is to make another.
pub struct Leaf {
    /// The certificate.
    pub certified: Arc<CertifiedKey>,
    /// When another is to be made.
    pub renew_at: Timestamp,
}

impl Authorities {
    /// Drops authorities that end, as everybody does at the same time who has read them. True if there were any.
    pub fn retire(&mut self, now: Timestamp, lifetimes: Lifetimes) -> bool {
        let before = self.0.len();
        // What is left of an authority must suffice for a leaf to be of use.
        let spare = lifetimes.authority.as_secs() / 100;
        self.0.retain(|authority| authority.ends - spare > now.as_second());
        self.0.len() != before
    }

    /// Drops authorities that end, and makes another, of that name, once the newest is two thirds through its life.
    /// True if anything has changed.
    pub fn renew(
        &mut self,
        name: &str,
        now: Timestamp,
        lifetimes: Lifetimes,
    ) -> Result<bool, CertificateError> {
        let has_retired = self.retire(now, lifetimes);
        let renew =
            self.0.last().is_none_or(|newest| now.as_second() >= two_thirds(newest.begins, newest.ends));
        if renew {
            self.0.push(Authority::make(name, now, lifetimes.authority)?);
        }
        Ok(renew || has_retired)
    }

    /// When [`Authorities::renew`] will have something to do.
    pub fn renew_at(&self, lifetimes: Lifetimes) -> Timestamp {
        let spare = lifetimes.authority.as_secs() / 100;
        let next = self.0.last().map(|newest| two_thirds(newest.begins, newest.ends));
        let ends = self.0.iter().map(|authority| authority.ends - spare);
        let first = ends.chain(next).min().and_then(|second| Timestamp::from_second(second).ok());
        first.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// All certificates, as others are given them.
    pub fn bundle(&self) -> String {
        self.0.iter().map(|authority| authority.certificate.as_str()).collect()
    }

    /// A new certificate for a server of that name, signed by the oldest authority: whoever knows any authority knows
    /// the oldest.
    pub fn leaf(&self, server: &str, now: Timestamp, lifetimes: Lifetimes) -> Result<Leaf, CertificateError> {
        let authority = self.0.first().ok_or(CertificateError::NoAuthority)?;
        let ends = later(now, lifetimes.leaf).as_second().min(authority.ends);
        let mut params = CertificateParams::new([server.to_owned()])?;
        name(&mut params, server);
        valid(&mut params, earlier(now).as_second(), ends);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let issuer = Issuer::new(authority.params()?, KeyPair::from_pem(&authority.key)?);
        let certificate = params.signed_by(&key, &issuer)?;
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())?;
        let chain = vec![
            certificate.der().clone(),
            CertificateDer::from_pem_slice(authority.certificate.as_bytes())?,
        ];
        let certified = CertifiedKey::new(chain, rustls::crypto::ring::sign::any_ecdsa_type(&key)?);
        let renew_at = Timestamp::from_second(two_thirds(now.as_second(), ends)).unwrap_or(now);
        Ok(Leaf { certified: Arc::new(certified), renew_at })
    }
}

impl Authority {
    fn make(name: &str, now: Timestamp, lifetime: SignedDuration) -> Result<Self, CertificateError> {
        let (begins, ends) = (now.as_second(), later(now, lifetime).as_second());
        let key = KeyPair::generate()?;
        let unsigned = Self {
            name: format!("{name} {now:.0}"),
            certificate: String::new(),
            key: key.serialize_pem(),
            begins,
            ends,
        };
        let certificate = unsigned.params()?.self_signed(&key)?.pem();
        Ok(Self { certificate, ..unsigned })
    }

    fn params(&self) -> Result<CertificateParams, CertificateError> {
        let mut params = CertificateParams::new([])?;
        name(&mut params, &self.name);
        valid(&mut params, self.begins - BACKDATED.as_secs(), self.ends);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Ok(params)
    }
}

fn name(params: &mut CertificateParams, name: &str) {
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
}

fn valid(params: &mut CertificateParams, begins: i64, ends: i64) {
    let epoch = date_time_ymd(1970, 1, 1);
    let at = |second: i64| epoch + Duration::from_secs(u64::try_from(second).unwrap_or(0));
    (params.not_before, params.not_after) = (at(begins), at(ends));
}

fn two_thirds(begins: i64, ends: i64) -> i64 {
    begins + (ends - begins) * 2 / 3
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn earlier(now: Timestamp) -> Timestamp {
    now.checked_sub(BACKDATED).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use hooked_protocol::SERVER_NAME;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    const LIFETIMES: Lifetimes =
        Lifetimes { authority: SignedDuration::from_hours(9000), leaf: SignedDuration::from_hours(720) };

    fn hours(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
    }

    /// Whether a runner with this bundle takes the leaf for the operator's.
    fn knows(bundle: &str, leaf: &Leaf, now: Timestamp) -> bool {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.as_second()).unwrap()));
        let server = ServerName::try_from(SERVER_NAME).unwrap();
        let chain = &leaf.certified.cert;
        verifier.verify_server_cert(&chain[0], &chain[1..], &server, &[], now).is_ok()
    }

    #[test]
    fn a_pod_recognizes_the_operator_as_long_as_its_authority_lasts() {
        let mut authorities = Authorities::default();
        assert!(authorities.renew("authority", hours(0), LIFETIMES).unwrap());
        let first = authorities.bundle();
        assert!(!authorities.renew("authority", hours(5999), LIFETIMES).unwrap());
        assert!(authorities.renew("authority", hours(6001), LIFETIMES).unwrap());
        let both = authorities.bundle();
        assert!(both.starts_with(&first) && both.len() > first.len());
        for hour in [6001, 8900] {
            authorities.renew("authority", hours(hour), LIFETIMES).unwrap();
            let leaf = authorities.leaf(SERVER_NAME, hours(hour), LIFETIMES).unwrap();
            assert!(knows(&first, &leaf, hours(hour)) && knows(&both, &leaf, hours(hour)));
        }
        assert!(authorities.renew("authority", hours(8950), LIFETIMES).unwrap());
        let leaf = authorities.leaf(SERVER_NAME, hours(8950), LIFETIMES).unwrap();
        assert!(!knows(&first, &leaf, hours(8950)) && knows(&both, &leaf, hours(8950)));
    }

    #[test]
    fn a_stored_authority_signs_and_a_leaf_is_renewed_before_it_ends() {
        let mut authorities = Authorities::default();
        authorities.renew("authority", hours(0), LIFETIMES).unwrap();
        let stored = serde_json::to_string(&authorities).unwrap();
        let restored: Authorities = serde_json::from_str(&stored).unwrap();
        let leaf = restored.leaf(SERVER_NAME, hours(1), LIFETIMES).unwrap();
        assert_eq!(leaf.renew_at, hours(481));
        assert!(knows(&authorities.bundle(), &leaf, hours(720)));
        assert!(!knows(&authorities.bundle(), &leaf, hours(722)), "it ends");
        let mut other = Authorities::default();
        other.renew("authority", hours(0), LIFETIMES).unwrap();
        assert!(!knows(&other.bundle(), &leaf, hours(1)));
    }
}
