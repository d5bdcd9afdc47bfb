//! Serving the live channel for as long as this operator leads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::Client;
use thiserror::Error;
use tokio::time::sleep;

use super::certificate::{CertificateError, Lifetimes};
use super::keys::SigningKeys;
use super::limits::Limits;
use super::listen::{Door, Shown, TlsError, acceptor, listen};
use super::proof::Prover;
use super::route::{RouteError, to_operator};
use super::secret::{Keeper, SecretError};
use super::service::{ServiceError, address};
use super::{Live, LiveEndpoint, signature};
use crate::metrics::Metrics;
use crate::server::bind;

/// How soon it is tried again if there can be no live channel now.
const RETRY: Duration = Duration::from_secs(15);
/// How often it is looked whether address or certificates are to change.
const LOOK: Duration = Duration::from_secs(60);

/// What the operator is told of its live channel.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where to listen; none if there is to be no live channel.
    pub(crate) bind_address: Option<SocketAddr>,
    /// Where Pods reach it, if not at the address of its Service.
    pub(crate) advertise_address: Option<SocketAddr>,
    /// The namespace of its Service and its Secret.
    pub(crate) namespace: String,
    /// The operator's own Pod.
    pub(crate) pod: String,
    /// How long an authority lasts.
    pub(crate) authority_lifetime: Duration,
    /// How long a certificate lasts.
    pub(crate) certificate_lifetime: Duration,
}

#[derive(Debug, Error)]
enum ServeError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Route(#[from] RouteError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("--live-bind-address={0} cannot be listened on: {1}; is another program using the port?")]
    Bind(SocketAddr, #[source] std::io::Error),
}

/// Serves the live channel for ever, as far as it can be served: without it everything else goes on. When this is dropped
/// the channel is closed.
pub(crate) async fn serve(options: &Options, client: &Client, live: &Arc<Live>, metrics: &Metrics) {
    let _closed = Closed(live);
    let Some(bind_address) = options.bind_address else {
        live.serves_no_more();
        return std::future::pending().await;
    };
    signature::install();
    let mut said = String::new();
    loop {
        let Err(error) = open(options, bind_address, client, live, metrics).await;
        live.serves_no_more();
        // Once is enough, as long as it is the same.
        let error = error.to_string();
        if error != said {
            tracing::warn!(
                error,
                "there is no live channel: hooks are counted all the same, some of them later"
            );
            said = error;
        }
        sleep(RETRY).await;
    }
}

/// Takes it back that there is a channel.
struct Closed<'a>(&'a Live);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.serves_no_more();
    }
}

async fn open(
    options: &Options,
    bind_address: SocketAddr,
    client: &Client,
    live: &Arc<Live>,
    metrics: &Metrics,
) -> Result<std::convert::Infallible, ServeError> {
    let shown = Arc::new(Shown::default());
    let mut upkeep = Upkeep::begin(options, client, Arc::clone(&shown)).await?;
    let listener = bind(bind_address).await.map_err(|error| ServeError::Bind(bind_address, error))?;
    let door = Door {
        live: Arc::clone(live),
        keys: SigningKeys::new(client.clone()),
        prover: Prover::new(upkeep.keeper.proof_key()),
        limits: Limits::default(),
        reports: metrics.live_reports.clone(),
        connections: metrics.live_connections.clone(),
    };
    door.connections.set(0);
    let endpoint = upkeep.look().await?;
    tracing::info!(address = endpoint.address, "the live channel is open");
    live.now_serves(endpoint);
    let kept = async {
        loop {
            sleep(upkeep.rest()).await;
            match upkeep.look().await {
                Ok(endpoint) => live.now_serves(endpoint),
                // Somebody else keeps it now, with other keys perhaps: all is read anew.
                Err(error @ ServeError::Secret(SecretError::Conflict)) => return error,
                Err(error) if upkeep.is_overdue() => return error,
                Err(error) => tracing::warn!(%error, "the live channel goes on as it is"),
            }
        }
    };
    tokio::select! {
        error = kept => Err(error),
        () = listen(listener, acceptor(shown)?, Arc::new(door)) => std::future::pending().await,
    }
}

/// Address and certificates, kept up to date.
struct Upkeep<'a> {
    options: &'a Options,
    client: &'a Client,
    keeper: Keeper,
    shown: Arc<Shown>,
    renew_leaf_at: Timestamp,
}

impl<'a> Upkeep<'a> {
    async fn begin(options: &'a Options, client: &'a Client, shown: Arc<Shown>) -> Result<Self, ServeError> {
        let keeper = Keeper::read(client, &options.namespace).await?;
        let mut upkeep = Self { options, client, keeper, shown, renew_leaf_at: Timestamp::UNIX_EPOCH };
        upkeep.renew().await?;
        Ok(upkeep)
    }

    /// Renews what is due, and says where Pods reach the operator now.
    async fn look(&mut self) -> Result<LiveEndpoint, ServeError> {
        self.renew().await?;
        if self.options.advertise_address.is_none() {
            // Again each time: somebody may have changed the labels.
            to_operator(self.client, &self.options.namespace, &self.options.pod).await?;
        }
        self.endpoint().await
    }

    async fn endpoint(&self) -> Result<LiveEndpoint, ServeError> {
        let address = match self.options.advertise_address {
            Some(address) => address,
            None => address(self.client, &self.options.namespace).await?,
        };
        Ok(LiveEndpoint { address: address.to_string(), ca: self.keeper.kept.authorities.bundle() })
    }

    async fn renew(&mut self) -> Result<(), ServeError> {
        let (now, lifetimes) = (Timestamp::now(), self.lifetimes());
        let mut authorities = self.keeper.kept.authorities.clone();
        if authorities.renew(now, lifetimes)? {
            let before = std::mem::replace(&mut self.keeper.kept.authorities, authorities);
            // What is not kept is told to nobody: who leads next could not sign with it.
            if let Err(error) = self.keeper.write().await {
                self.keeper.kept.authorities = before;
                return Err(error.into());
            }
            tracing::info!("the authorities of the live channel were renewed");
            self.renew_leaf_at = Timestamp::UNIX_EPOCH;
        }
        if now >= self.renew_leaf_at {
            let leaf = self.keeper.kept.authorities.leaf(now, lifetimes)?;
            self.shown.show(leaf.certified);
            self.renew_leaf_at = leaf.renew_at;
        }
        Ok(())
    }

    /// Whether what is shown is worth nothing any more.
    fn is_overdue(&self) -> bool {
        // Two thirds of its life were over when it was to be renewed: nothing was, for as long again.
        let grace = SignedDuration::try_from(self.options.certificate_lifetime / 4).unwrap_or_default();
        Timestamp::now().duration_since(self.renew_leaf_at) > grace
    }

    fn rest(&self) -> Duration {
        let next = self.renew_leaf_at.min(self.keeper.kept.authorities.renew_at(self.lifetimes()));
        let until = Duration::try_from(next.duration_since(Timestamp::now())).unwrap_or_default();
        until.clamp(Duration::from_secs(1), LOOK)
    }

    fn lifetimes(&self) -> Lifetimes {
        let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Lifetimes {
            authority: signed(self.options.authority_lifetime),
            leaf: signed(self.options.certificate_lifetime),
        }
    }
}
