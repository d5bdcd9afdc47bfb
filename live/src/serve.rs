//! Serving the live channel for as long as this operator leads.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hooked_core::lifecycle::LiveEndpoint;
use kube::Client;
use tokio::time::sleep;

use crate::auth::Authenticator;
use crate::channel::Channel;
use crate::limits::Limits;
use crate::listen::{bind, listen};
use crate::options::Options;
use crate::secret::SecretError;
use crate::session::Shared;
use crate::sink::{Observer, Sink};
use crate::tls::{CertificateResolver, acceptor};
use crate::upkeep::{ServeError, Upkeep};

/// How soon the operator tries again to open the channel.
const RETRY: Duration = Duration::from_secs(15);

/// Serves the live channel for ever, as far as it can be served: without it everything else goes on. Dropping
/// the future closes the channel.
pub async fn serve(
    options: &Options,
    client: &Client,
    channel: &Arc<Channel>,
    sink: Arc<dyn Sink>,
    observer: Arc<dyn Observer>,
) {
    let _closed = Closed(channel);
    let Some(bind_address) = options.bind_address else {
        channel.withdraw();
        return std::future::pending().await;
    };
    let server = Server { options, client, channel, sink, observer };
    let mut logged = String::new();
    loop {
        let Err(error) = server.open(bind_address).await;
        channel.withdraw();
        // Once is enough, as long as the error is the same.
        let error = error.to_string();
        if error != logged {
            tracing::warn!(
                error,
                "there is no live channel: hooks are counted all the same, some of them later"
            );
            logged = error;
        }
        sleep(RETRY).await;
    }
}

/// Withdraws the endpoint when it is dropped: new Pods are made without the live channel.
struct Closed<'a>(&'a Channel);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.withdraw();
    }
}

/// What serving needs.
struct Server<'a> {
    options: &'a Options,
    client: &'a Client,
    channel: &'a Arc<Channel>,
    sink: Arc<dyn Sink>,
    observer: Arc<dyn Observer>,
}

impl Server<'_> {
    /// Opens the channel, and serves it until it can be served no more.
    async fn open(&self, bind_address: SocketAddr) -> Result<Infallible, ServeError> {
        let resolver = Arc::new(CertificateResolver::default());
        let mut upkeep = Upkeep::begin(self.options, self.client, Arc::clone(&resolver)).await?;
        let listener = bind(bind_address).await.map_err(|error| ServeError::Bind(bind_address, error))?;
        let shared = Shared {
            channel: Arc::clone(self.channel),
            sink: Arc::clone(&self.sink),
            observer: Arc::clone(&self.observer),
            authenticator: Authenticator::new(self.client.clone(), upkeep.proof_key()),
            limits: Limits::default(),
        };
        let endpoint = upkeep.look().await?;
        tracing::info!(address = endpoint.address, "the live channel is open");
        self.announce(endpoint);
        tokio::select! {
            error = self.keep_up(&mut upkeep) => Err(error),
            () = listen(listener, acceptor(resolver)?, Arc::new(shared)) => std::future::pending().await,
        }
    }

    /// Keeps the endpoint up to date until that fails for good.
    async fn keep_up(&self, upkeep: &mut Upkeep<'_>) -> ServeError {
        loop {
            sleep(upkeep.rest()).await;
            match upkeep.look().await {
                Ok(endpoint) => self.announce(endpoint),
                // Another operator has written the Secret, perhaps with other keys: everything is read anew.
                Err(error @ ServeError::Secret(SecretError::Conflict(_))) => return error,
                Err(error) if upkeep.is_overdue() => return error,
                Err(error) => tracing::warn!(%error, "the live channel goes on as it is"),
            }
        }
    }

    fn announce(&self, endpoint: LiveEndpoint) {
        if self.channel.announce(endpoint, self.options.now()) {
            self.observer.endpoint_changed();
        }
    }
}
