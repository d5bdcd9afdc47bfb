//! HookedWorkloads of the namespace.

use hooked_crd::HookedWorkload;
use kube::Api;

use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

/// The workloads of the namespace.
pub(crate) fn workloads(connection: &Connection) -> Api<HookedWorkload> {
    Api::namespaced(connection.client.clone(), &connection.namespace)
}

/// A workload by its name.
pub(crate) async fn get(connection: &Connection, name: &str) -> Result<HookedWorkload, RequestError> {
    let request = Request { verb: "get", asked: Asked::Workload, name, namespace: &connection.namespace };
    workloads(connection).get(name).await.map_err(|error| request.failed(&error))
}
