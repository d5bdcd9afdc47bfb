//! The watch of workloads, which one malformed workload cannot stop.

use futures::{Stream, StreamExt, stream};
use hooked_crd::HookedWorkload;
use kube::core::DeserializeGuard;
use kube::{Client, Resource};
use kube_runtime::reflector::{self, ObjectRef, Store};
use kube_runtime::{WatchStreamExt, watcher};

use super::scope::{Scope, watch_config};

/// A workload, or what is known of one that cannot be decoded.
pub(crate) type Guarded = DeserializeGuard<HookedWorkload>;

/// Watches workloads: a store of them, and the stream that keeps it and names those to be reconciled. `shown` is
/// told of each version that is shown, of which the store keeps the last; `gone` is told of each that is gone: its
/// namespace, name and UID; `listed` is told when a list is complete, since those that went while no watch was up are
/// in no event.
pub(crate) fn watch_workloads(
    client: &Client,
    scope: &Scope,
    shown: impl Fn(&Guarded) + Send + 'static,
    gone: impl Fn(&str, &str, &str) + Send + 'static,
    listed: impl Fn(&Store<Guarded>) + Send + 'static,
) -> (Store<Guarded>, impl Stream<Item = ObjectRef<Guarded>> + Send + 'static) {
    let (store, writer) = reflector::store();
    let reader: Store<Guarded> = store.clone();
    let events = watcher(scope.api::<Guarded>(client), watch_config()).default_backoff();
    // Who manages which field is read by nobody here, and would be a third of what a workload takes.
    let events = events.modify(|workload| workload.meta_mut().managed_fields = None);
    let changed = reflector::reflector(writer, events).flat_map(move |event| {
        stream::iter(match event {
            Ok(watcher::Event::Apply(workload)) => {
                shown(&workload);
                vec![ObjectRef::from_obj(&workload)]
            }
            Ok(watcher::Event::Delete(workload)) => {
                let meta = workload.meta();
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                gone(&text(&meta.namespace), &text(&meta.name), &text(&meta.uid));
                Vec::new()
            }
            // The store takes a list in only when it is complete, and a reconcile reads the store.
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => Vec::new(),
            Ok(watcher::Event::InitDone) => {
                listed(&reader);
                reader.state().iter().map(|workload| ObjectRef::from_obj(&**workload)).collect()
            }
            Err(error) => {
                tracing::warn!(%error, "the workload watch is interrupted and will be resumed");
                Vec::new()
            }
        })
    });
    (store, changed)
}
