//! Takes a workload through its pass when the runtime asks for it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hooked_core::pass::{Reconciled, Watched};
use hooked_core::watch::Index;
use hooked_core::workload::template::Owner;
use kube::Resource;
use kube_runtime::controller::Action;

use crate::port::Operator;
use crate::watch::Guarded;

/// What every reconcile of a scope shares.
pub(crate) struct Context {
    pub(crate) operator: Arc<Operator>,
    pub(crate) index: Arc<Index>,
}

/// One pass over one workload. What fails in it is made up for by the action that it ends with.
pub(crate) async fn reconcile(workload: Arc<Guarded>, context: Arc<Context>) -> Result<Action, Infallible> {
    let started = Instant::now();
    let owner = Owner::of(workload.meta());
    let memory = context.index.memory(workload.meta().namespace.as_deref().unwrap_or_default(), &owner);
    let port = context.operator.port(workload.object_ref(&()));
    let watched = match &workload.0 {
        Ok(workload) => Watched::Read(workload),
        Err(invalid) => Watched::Unreadable { metadata: &invalid.metadata, error: &invalid.error },
    };
    let Reconciled { after, trouble } = hooked_core::pass::reconcile(&port, watched, &memory).await;
    let metrics = &context.operator.metrics;
    metrics.reconcile_seconds.observe(started.elapsed().as_secs_f64());
    if let Some(error) = trouble {
        metrics.reconcile_errors.with_label_values(&[error.label()]).inc();
        if !error.is_conflict() {
            let failures = memory.lock().failures;
            let (name, uid) = (&owner.name, &owner.uid);
            tracing::warn!(%error, name, uid, failures, "a pass failed and will be made up for");
        }
    }
    let requeue = |after| Action::requeue(Duration::try_from(after).unwrap_or_default());
    Ok(after.map_or_else(Action::await_change, requeue))
}

/// Never called, since no reconcile ends with an error.
#[allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is the runtime's"
)]
pub(crate) fn on_error(_: Arc<Guarded>, error: &Infallible, _: Arc<Context>) -> Action {
    match *error {}
}
