//! Where Pods reach the operator.

mod route;
mod service;

use std::net::SocketAddr;

use hooked_core::lifecycle::LiveEndpoint;
use kube::Client;
use thiserror::Error;

use crate::options::Options;
use crate::secret::{Keeper, Kept, SecretError};
use route::RouteError;
use service::ServiceError;

#[derive(Debug, Error)]
pub(crate) enum EndpointError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Route(#[from] RouteError),
}

/// Why nobody can say where Pods reach the operator.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct LookUpError(#[from] LookUp);

#[derive(Debug, Error)]
enum LookUp {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Secret(#[from] SecretError),
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

/// Where Pods reach the operator that leads, as it has stored and installed: none if no operator has served the live
/// channel yet.
pub async fn look_up(client: &Client, options: &Options) -> Result<Option<LiveEndpoint>, LookUpError> {
    let keeper =
        Keeper::read(client, options, Kept::PLACE, || Ok(Kept::default())).await.map_err(LookUp::from)?;
    let mut authorities = keeper.kept.authorities;
    authorities.retire(options.now(), options.lifetimes());
    let ca = authorities.bundle();
    if ca.is_empty() {
        return Ok(None);
    }
    let address = match options.advertise_address {
        Some(address) => address,
        None => service::address(client, &options.namespace)
            .await
            .map_err(|error| LookUp::from(EndpointError::from(error)))?,
    };
    Ok(Some(LiveEndpoint { address: address.to_string(), ca }))
}
