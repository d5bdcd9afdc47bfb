//! Metrics and health over HTTP.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream;
use hooked_live::bind;
use thiserror::Error;
use tokio::net::TcpListener;

use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::scrapers::{Scrapers, ScrapersError, Verdict};

#[derive(Debug, Error)]
pub(crate) enum ServeError {
    #[error("{flag}={address} cannot be listened on: {source}; is another program using the port?")]
    Bind { flag: &'static str, address: SocketAddr, source: std::io::Error },
    #[error("serving has ended: {0}")]
    Serve(#[source] std::io::Error),
    #[error(transparent)]
    Scrapers(#[from] ScrapersError),
}

/// Serves `/metrics`: to everybody, or to those `scrapers` alone who may read them, and over TLS.
pub(crate) async fn serve_metrics(
    address: SocketAddr,
    metrics: Arc<Metrics>,
    scrapers: Option<Arc<Scrapers>>,
) -> Result<(), ServeError> {
    let flag = "--metrics-bind-address";
    let Some(scrapers) = scrapers else {
        let routes = Router::new().route("/metrics", get(async move || exposition(&metrics)));
        return serve(flag, address, routes).await;
    };
    let judge = Arc::clone(&scrapers);
    let scrape = move |headers: HeaderMap| async move {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match judge.reviews.judge(authorization).await {
            Verdict::Allowed => exposition(&metrics),
            Verdict::Unauthenticated => {
                (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response()
            }
            Verdict::Forbidden => (StatusCode::FORBIDDEN, "you may not get /metrics").into_response(),
            Verdict::Unknown => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    };
    let listener = scrapers.secure(listen(flag, address).await?)?;
    let routes = Router::new().route("/metrics", get(scrape));
    tokio::select! {
        served = axum::serve(listener, routes) => served.map_err(ServeError::Serve),
        () = scrapers.keep_up() => Ok(()),
    }
}

fn exposition(metrics: &Metrics) -> Response {
    match metrics.scrape() {
        Ok(scrape) => {
            let text = Body::from_stream(stream::iter(scrape.map(Ok::<_, Infallible>)));
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Serves `/healthz`, which says that the process answers, and `/readyz`, which says whether it does its part, or why
/// it does not.
pub(crate) async fn serve_health(address: SocketAddr, readiness: Arc<Readiness>) -> Result<(), ServeError> {
    let ready = move |RawQuery(query): RawQuery| async move {
        let report = readiness.report();
        let is_verbose = query.is_some_and(|query| query.split('&').any(|word| word.starts_with("verbose")));
        match report.is_ready() {
            true if is_verbose => (StatusCode::OK, report.lines()),
            true => (StatusCode::OK, "ok".to_owned()),
            false => (StatusCode::SERVICE_UNAVAILABLE, report.lines()),
        }
    };
    let routes = Router::new().route("/healthz", get(async || "ok")).route("/readyz", get(ready));
    serve("--health-probe-bind-address", address, routes).await
}

async fn serve(flag: &'static str, address: SocketAddr, routes: Router) -> Result<(), ServeError> {
    axum::serve(listen(flag, address).await?, routes).await.map_err(ServeError::Serve)
}

async fn listen(flag: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    bind(address).await.map_err(|source| ServeError::Bind { flag, address, source })
}
