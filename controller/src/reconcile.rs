//! Takes a workload through its pass, and says when to take it through the next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hooked_core::backoff;
use hooked_core::pass::{Locked, Memory, Passed, Retry, Stop, pass, reject, reject_unreadable};
use hooked_core::watch::Index;
use hooked_core::workload::template::Owner;
use jiff::Timestamp;
use kube::Resource;
use kube_runtime::controller::Action;

use crate::port::{Operator, Port};
use crate::watch::Guarded;

/// The least time between two passes that nothing new has caused.
const SOON: Duration = Duration::from_millis(100);
/// How long to wait for the watch to show a change that a commit has met.
const CONFLICT: Duration = Duration::from_millis(200);

/// What every reconcile of a scope shares.
pub(crate) struct Context {
    pub(crate) operator: Arc<Operator>,
    pub(crate) index: Arc<Index>,
}

/// One pass over one workload. One that cannot be read or carried out is told so, and hurts no other.
pub(crate) async fn reconcile(workload: Arc<Guarded>, context: Arc<Context>) -> Result<Action, Retry> {
    let started = Instant::now();
    let metadata = workload.meta();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let owner = Owner { name: text(&metadata.name), uid: text(&metadata.uid) };
    let memory = context.index.memory(&text(&metadata.namespace), &owner);
    let port = context.operator.port(workload.object_ref(&()));
    let outcome = take_through(&port, &workload, &memory).await;
    context.operator.metrics.reconcile_seconds.observe(started.elapsed().as_secs_f64());
    let Passed { again, trouble } = match outcome {
        Ok(passed) => passed,
        Err(trouble) => Passed { again: None, trouble: Some(trouble) },
    };
    let mut locked = memory.lock();
    let Some(trouble) = trouble else {
        locked.failures = 0;
        return Ok(again.map_or_else(Action::await_change, |at| Action::requeue(until(at))));
    };
    context.operator.metrics.reconcile_errors.with_label_values(&[trouble.label()]).inc();
    if trouble.label() == "conflict" {
        return Ok(Action::requeue(CONFLICT));
    }
    locked.failures = locked.failures.saturating_add(1);
    let (rest, failures) = (backoff::rest(locked.failures), locked.failures);
    // What fails need not be the counting: that goes on when it would have.
    let due = again.or_else(|| locked.tracker.next_due()).map(until).filter(|due| *due > SOON);
    let (error, name, uid) = (&trouble, &owner.name, &owner.uid);
    tracing::warn!(%error, name, uid, failures, "a pass failed and will be made up for");
    Ok(Action::requeue(due.map_or(rest, |due| rest.min(due))))
}

async fn take_through(port: &Port, workload: &Guarded, memory: &Locked<Memory>) -> Result<Passed, Retry> {
    let again = match &workload.0 {
        Ok(workload) => match pass(port, workload, memory).await {
            Ok(passed) => return Ok(passed),
            Err(Stop::Retry(trouble)) => return Err(trouble),
            Err(Stop::Invalid(why)) => reject(port, &workload.metadata, &why.to_string(), memory).await?,
        },
        Err(invalid) => reject_unreadable(port, &invalid.metadata, &invalid.error, memory).await?,
    };
    Ok(Passed { again, trouble: None })
}

fn until(at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default().max(SOON)
}

/// Never called: what fails in a pass is made up for by the action that the pass ends with.
#[allow(clippy::needless_pass_by_value, reason = "the signature is the runtime's")]
pub(crate) fn on_error(_: Arc<Guarded>, error: &Retry, _: Arc<Context>) -> Action {
    tracing::error!(%error, "a pass has ended without an action");
    Action::requeue(backoff::rest(u32::MAX))
}
