//! HookedWorkloads of the namespace: reading and changing one.

use hooked_crd::HookedWorkload;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::Value;

use crate::arguments::Format;
use crate::connect::Connection;
use crate::print::{PrintError, Screen, document};
use crate::render::Line;
use crate::request::{Asked, Request, RequestError};

/// Workloads that one reply holds: few, since each has its account book with it.
pub(crate) const PAGE: u32 = 50;

/// The workloads of the namespace.
pub(crate) fn workloads(connection: &Connection) -> Api<HookedWorkload> {
    Api::namespaced(connection.client.clone(), &connection.namespace)
}

/// A workload by its name.
pub(crate) async fn get(connection: &Connection, name: &str) -> Result<HookedWorkload, RequestError> {
    let request = Request { verb: "get", asked: Asked::Workload, name, namespace: &connection.namespace };
    workloads(connection).get(name).await.map_err(|error| request.failed(&error))
}

/// Changes a workload as this program.
pub(crate) async fn change(
    connection: &Connection,
    name: &str,
    patch: &Patch<Value>,
) -> Result<HookedWorkload, kube::Error> {
    send(connection, name, patch, false).await
}

/// Has the API server check a change as if it were to make it.
pub(crate) async fn try_change(
    connection: &Connection,
    name: &str,
    patch: &Patch<Value>,
) -> Result<HookedWorkload, kube::Error> {
    send(connection, name, patch, true).await
}

async fn send(
    connection: &Connection,
    name: &str,
    patch: &Patch<Value>,
    dry_run: bool,
) -> Result<HookedWorkload, kube::Error> {
    let field_manager = Some("kubectl-hooked".to_owned());
    let parameters = PatchParams { dry_run, field_manager, ..PatchParams::default() };
    workloads(connection).patch(name, &parameters, patch).await
}

/// What is said of a change that the API server does not make.
pub(crate) fn not_changed(connection: &Connection, name: &str, error: &kube::Error) -> RequestError {
    Request { verb: "patch", asked: Asked::Workload, name, namespace: &connection.namespace }.failed(error)
}

/// Shows a workload that was changed: in the format for programs, or that it was, in a word or two.
pub(crate) fn show_changed(
    changed: &HookedWorkload,
    name: &str,
    done: &str,
    output: Option<Format>,
    screen: &Screen,
) -> Result<(), PrintError> {
    match output {
        Some(format) => document(changed, format),
        None => screen.show(&[Line::new().plain(format!("hookedworkload.hooked.dev/{name} {done}"))]),
    }
}
