//! Where Pods reach the operator.

mod route;
mod service;

use std::net::SocketAddr;

use kube::Client;
use thiserror::Error;

use crate::options::Options;
use route::RouteError;
use service::ServiceError;

#[derive(Debug, Error)]
pub(crate) enum EndpointError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Route(#[from] RouteError),
}

/// Has the Service lead to this operator, and returns the Service's address; or the configured address, which
/// needs no Service.
pub(crate) async fn claim(client: &Client, options: &Options) -> Result<SocketAddr, EndpointError> {
    if let Some(address) = options.advertise_address {
        return Ok(address);
    }
    // Each time: somebody may have changed the labels.
    route::to_operator(client, options).await?;
    Ok(service::address(client, &options.namespace).await?)
}
