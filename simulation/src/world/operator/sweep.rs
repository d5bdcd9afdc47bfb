//! Letting Pods go that no workload accounts for, as `controller/src/collect_orphans.rs` has it.

use std::sync::Arc;

use hooked_core::pass::call::{Call, Reply, Verb};
use hooked_core::pass::remove_stray_finalizer;
use hooked_core::watch::{Index, NamedOwner, Stray};
use jiff::SignedDuration;
use serde_json::Value;

use crate::world::wire::Port;

/// How long a look at a workload may take.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);

/// Looks once, when workloads of these UIDs are known to be there.
pub(super) async fn sweep(port: Port, index: Arc<Index>, known: Vec<(String, String)>) {
    for stray in index.strays() {
        let Stray { namespace, name, uid, version, .. } = &stray;
        if remove_stray_finalizer(&port, namespace, (name, uid), version.as_deref()).await.is_err() {
            index.return_stray(stray);
        }
    }
    for NamedOwner { namespace, name, uid } in index.owners() {
        let is_known = known.iter().any(|(one, other)| *one == namespace && *other == uid);
        if !is_known && is_gone(&port, &namespace, &name, &uid).await {
            index.disown(&namespace, &uid);
        }
    }
}

async fn is_gone(port: &Port, namespace: &str, name: &str, uid: &str) -> bool {
    let path = format!("/apis/hooked.dev/v1alpha1/namespaces/{namespace}/hookedworkloads/{name}");
    let call = Call { verb: Verb::Get, path, query: Vec::new(), body: Value::Null, reply: Reply::Metadata };
    match port.send_unfenced(call, PATIENCE).await {
        Ok(found) => found["metadata"]["uid"] != *uid,
        Err(failure) => failure.is_not_found(),
    }
}
