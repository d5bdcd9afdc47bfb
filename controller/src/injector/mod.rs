//! The injector: a webhook that puts into Pods of others, while they are created, what workloads ask for that watch
//! them.
//!
//! Every operator serves it, whether it leads or not: `core/src/injector` decides, `review` speaks with the API server,
//! `reads` asks it without changing anything, and `upkeep` keeps the certificate, which the one that leads has the API
//! server know. Whatever fails here leaves Pods as they are.

mod budget;
mod reads;
mod review;
mod shown;
#[cfg(test)]
mod tests;
mod upkeep;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use futures::future;
use hooked_core::injector::Injector;
use hooked_live::{TlsError, acceptor, bind};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::clients::Clients;
use crate::fence::Fence;
use crate::lease::Standing;
use crate::runner::RunnerSource;
use crate::settings::InjectorSettings;
use crate::tls_listener::TlsListener;
use crate::watch::{Scope, watch_watchers};

use budget::Budget;
use reads::Reads;
pub(crate) use shown::Serving;
use shown::Shown;
use upkeep::Upkeep;

/// How soon it is tried again to listen.
const RETRY: Duration = Duration::from_secs(15);

#[derive(Debug, Error)]
enum ServeError {
    #[error("--inject-bind-address={0} cannot be listened on: {1}; is another program using the port?")]
    Bind(SocketAddr, #[source] std::io::Error),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("serving has ended: {0}")]
    Serve(#[source] std::io::Error),
}

/// Serves the injector for ever, if it is to be served. Dropping the future ends it: Pods are then made as they are.
/// Requests that are sent once go by the client `once`; how far it has come `serving` says.
pub(crate) async fn serve_injector(
    settings: InjectorSettings,
    Clients { client, once }: Clients,
    runner: Arc<RunnerSource>,
    scopes: Vec<Scope>,
    (standing, fence): (watch::Receiver<Standing>, Arc<Fence>),
    serving: watch::Sender<Serving>,
) {
    let Some(address) = settings.bind_address else { return future::pending().await };
    let injector = Arc::new(Injector::default());
    let (listed, lists): (Vec<_>, Vec<_>) = scopes.iter().map(|_| watch::channel(false)).unzip();
    let watches = scopes
        .into_iter()
        .zip(listed)
        .map(|(scope, listed)| watch_watchers(client.clone(), scope, Arc::clone(&injector), listed));
    let shown = Arc::new(Shown::new(serving));
    let reads = Reads::new(once.clone(), &settings, Arc::clone(&runner), Arc::clone(&shown));
    let upkeep = Upkeep::new(settings, once, standing, fence, Arc::clone(&shown));
    let serve = async {
        for mut listed in lists {
            listed.wait_for(|listed| *listed).await.ok();
        }
        shown.is_certified().await;
        serve(address, &shown, routes(&injector, &reads)).await;
    };
    future::join3(future::join_all(watches), upkeep.keep_up(), serve).await;
}

/// Listens for ever, and tries again where it cannot.
async fn serve(address: SocketAddr, shown: &Shown, routes: Router) {
    let mut told = String::new();
    loop {
        if let Err(error) = listen(address, shown, routes.clone()).await {
            let error = error.to_string();
            if error != told {
                tracing::warn!(error, "there is no injector: Pods of others are made as they are");
            }
            told = error;
        }
        shown.serving.send_replace(Serving::Certified);
        sleep(RETRY).await;
    }
}

async fn listen(address: SocketAddr, shown: &Shown, routes: Router) -> Result<(), ServeError> {
    let listener = bind(address).await.map_err(|error| ServeError::Bind(address, error))?;
    let listener = TlsListener::new(listener, acceptor(Arc::clone(&shown.resolver))?);
    tracing::info!(%address, "the injector is open");
    shown.serving.send_replace(Serving::Answering);
    axum::serve(listener, routes).await.map_err(ServeError::Serve)
}

/// What is refused leaves a Pod as it is, by the failurePolicy of the configuration.
fn routes(injector: &Arc<Injector>, reads: &Arc<Reads>) -> Router {
    let (injector, reads, budget) = (Arc::clone(injector), Arc::clone(reads), Arc::<Budget>::default());
    let review = move |body: Body| async move {
        let review = match budget.read(body).await {
            Ok(review) => review,
            Err(refused) => return refused.into_response(),
        };
        match review::answer(&injector, &*reads, &review.body).await {
            Some(review) => ([(header::CONTENT_TYPE, "application/json")], review).into_response(),
            None => StatusCode::BAD_REQUEST.into_response(),
        }
    };
    Router::new().route("/pods", post(review))
}
