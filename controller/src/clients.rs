//! Clients of the cluster.

use kube::Client;
use kube::client::ClientBuilder;
use tower::layer::layer_fn;

use crate::wire::compact;

/// Two clients of the cluster.
#[derive(Clone)]
pub(crate) struct Clients {
    /// Sends no request a second time: it could be carried out twice, and when this operator leads no more.
    pub(crate) once: Client,
    pub(crate) client: Client,
}

impl Clients {
    pub(crate) fn of(cluster: kube::Config) -> Result<Self, kube::Error> {
        let mut single_try = cluster.clone();
        single_try.default_retry = false;
        Ok(Self { once: client(single_try)?, client: client(cluster)? })
    }
}

/// A client that asks for protobuf where it can.
fn client(cluster: kube::Config) -> Result<Client, kube::Error> {
    Ok(ClientBuilder::try_from(cluster)?.with_layer(&layer_fn(compact)).build())
}
