//! Address and certificates of an open channel, kept up to date.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hooked_core::lifecycle::LiveEndpoint;
use hooked_protocol::SERVER_NAME;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use thiserror::Error;

use crate::endpoint::{self, EndpointError};
use crate::options::Options;
use crate::secret::{Keeper, Kept, SecretError};
use crate::tls::{CertificateError, CertificateResolver, TlsError};

/// What the authorities of the live channel are named.
const AUTHORITY: &str = "hooked-controller-live";
/// How often the operator looks whether address or certificates are to change.
const LOOK: Duration = Duration::from_secs(60);

/// Why the channel cannot be served.
#[derive(Debug, Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("--live-bind-address={0} cannot be listened on: {1}; is another program using the port?")]
    Bind(SocketAddr, #[source] std::io::Error),
}

/// Address and certificates, kept up to date.
pub(crate) struct Upkeep<'a> {
    options: &'a Options,
    client: &'a Client,
    keeper: Keeper<Kept>,
    resolver: Arc<CertificateResolver>,
    renew_leaf_at: Timestamp,
}

impl<'a> Upkeep<'a> {
    /// Reads the Secret and gives the resolver its first certificate.
    pub(crate) async fn begin(
        options: &'a Options,
        client: &'a Client,
        resolver: Arc<CertificateResolver>,
    ) -> Result<Self, ServeError> {
        let keeper = Keeper::read(client, options, Kept::PLACE, Kept::new).await?;
        let mut upkeep = Self { options, client, keeper, resolver, renew_leaf_at: Timestamp::UNIX_EPOCH };
        upkeep.renew().await?;
        Ok(upkeep)
    }

    /// The key that proofs are made with.
    pub(crate) fn proof_key(&self) -> &[u8] {
        self.keeper.kept.proof_key()
    }

    /// Renews what is due, and returns where Pods reach the operator now.
    pub(crate) async fn look(&mut self) -> Result<LiveEndpoint, ServeError> {
        self.renew().await?;
        let address = endpoint::claim(self.client, self.options).await?;
        Ok(LiveEndpoint { address: address.to_string(), ca: self.keeper.kept.authorities.bundle() })
    }

    async fn renew(&mut self) -> Result<(), ServeError> {
        let (now, lifetimes) = (self.options.now(), self.options.lifetimes());
        let mut authorities = self.keeper.kept.authorities.clone();
        if authorities.renew(AUTHORITY, now, lifetimes)? {
            let before = std::mem::replace(&mut self.keeper.kept.authorities, authorities);
            // No Pod may learn of an authority that is not stored: the next leader could not sign with it.
            if let Err(error) = self.keeper.write().await {
                self.keeper.kept.authorities = before;
                return Err(error.into());
            }
            tracing::info!("the authorities of the live channel were renewed");
            self.renew_leaf_at = Timestamp::UNIX_EPOCH;
        }
        if now >= self.renew_leaf_at {
            let leaf = self.keeper.kept.authorities.leaf(SERVER_NAME, now, lifetimes)?;
            self.resolver.replace(leaf.certified);
            self.renew_leaf_at = leaf.renew_at;
        }
        Ok(())
    }

    /// Whether the certificate that the operator shows is about to end, or has ended.
    pub(crate) fn is_overdue(&self) -> bool {
        // The certificate was to be renewed after two thirds of its life, and three quarters of the rest are
        // over.
        let grace = SignedDuration::try_from(self.options.certificate_lifetime / 4).unwrap_or_default();
        self.options.now().duration_since(self.renew_leaf_at) > grace
    }

    /// How long to wait before the next [`Upkeep::look`].
    pub(crate) fn rest(&self) -> Duration {
        let renew_authority_at = self.keeper.kept.authorities.renew_at(self.options.lifetimes());
        let next = self.renew_leaf_at.min(renew_authority_at);
        let until = Duration::try_from(next.duration_since(self.options.now())).unwrap_or_default();
        until.clamp(Duration::from_secs(1), LOOK)
    }
}
