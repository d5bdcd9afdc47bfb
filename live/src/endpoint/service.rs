//! The address of the operator's Service, which outlives each of the operator's Pods.

use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::core::v1::Service;
use kube::Client;
use kube::api::Api;
use thiserror::Error;

use crate::request;

/// The Service of the live channel.
const NAME: &str = "hooked-controller-live";
/// The port of a Service that has none.
const PORT: u16 = 8443;

#[derive(Debug, Error)]
pub(crate) enum ServiceError {
    #[error(
        "Service {NAME} could not be read: {why}; is config/manager installed? Outside of the cluster use \
         --live-advertise-address",
        why = request::brief(.0)
    )]
    Read(#[source] Box<kube::Error>),
    #[error("Service {NAME} has no address of its own (clusterIP), at which Pods could reach the operator")]
    NoAddress,
}

/// The Service's address and port: a name would need cluster DNS.
pub(super) async fn address(client: &Client, namespace: &str) -> Result<SocketAddr, ServiceError> {
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let service = services.get(NAME).await.map_err(|error| ServiceError::Read(Box::new(error)))?;
    let spec = service.spec.unwrap_or_default();
    let ip = spec.cluster_ip.and_then(|ip| ip.parse::<IpAddr>().ok()).ok_or(ServiceError::NoAddress)?;
    let port = spec.ports.iter().flatten().next().and_then(|port| u16::try_from(port.port).ok());
    Ok(SocketAddr::new(ip, port.unwrap_or(PORT)))
}
