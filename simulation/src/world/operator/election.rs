//! The Lease, as `controller/src/lease.rs` seeks and keeps it.

use std::sync::Arc;
use std::time::Duration;

use hooked_core::election::{Candidate, Claim, LEASE_DURATION, ObservedLease, PATIENCE};
use hooked_core::pass::call::{Call, Reply, Verb};
use hooked_core::pass::{Failure, Locked};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::world::wire::{Port, Process};
use crate::{ApiServer, ContentType, Request};

/// Where Leases are.
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/hooked/leases";
/// Where the operators' Lease is.
pub(in super::super) const LEASE: &str =
    "/apis/coordination.k8s.io/v1/namespaces/hooked/leases/hooked-controller";

/// What can be said of the election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Standby,
    Leader,
}

/// The time as a candidate counts it.
fn clock(now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default()
}

/// When a look at the Lease is given up that began at this time.
pub(super) fn gives_up(began: Timestamp) -> Timestamp {
    began.checked_add(PATIENCE).unwrap_or(began)
}

/// When the Lease is looked at again after a look that began at this time.
pub(super) fn next(candidate: &Candidate, began: Timestamp) -> Timestamp {
    Timestamp::UNIX_EPOCH.checked_add(candidate.next_look(clock(began))).unwrap_or(began)
}

/// Looks at the Lease once, and takes or renews it; none where that could not be done.
pub(super) async fn look(port: Port, candidate: Arc<Locked<Candidate>>) -> Option<Standing> {
    let found = match port.send_unfenced(call(Verb::Get, LEASE, Value::Null), patience()).await {
        Ok(lease) => Some(lease),
        Err(failure) if failure.is_not_found() => None,
        Err(_) => return None,
    };
    let sent = port.wire.lock().now;
    let claim = {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let version = text(found.as_ref().map(|lease| &lease["metadata"]["resourceVersion"]));
        let holder = text(found.as_ref().map(|lease| &lease["spec"]["holderIdentity"]));
        let observed = found.as_ref().map(|_| ObservedLease {
            holder: &holder,
            version: &version,
            duration: LEASE_DURATION,
        });
        candidate.lock().claim(observed, clock(sent))
    };
    if claim == Claim::Wait {
        return Some(Standing::Standby);
    }
    let holder = candidate.lock().identity().to_owned();
    match write(&port, found, &holder).await {
        Ok(_) => {
            port.machine.lock().leads_until = sent.checked_add(LEASE_DURATION).ok();
            Some(Standing::Leader)
        }
        Err(failure) if failure.is_conflict() => {
            let holds = port.machine.lock().leads_until.is_some_and(|until| port.wire.lock().now < until);
            (!holds).then_some(Standing::Standby)
        }
        Err(_) => None,
    }
}

async fn write(port: &Port, found: Option<Value>, holder: &str) -> Result<Value, Failure> {
    let is_new = found.is_none();
    let mut lease = found.unwrap_or_else(|| json!({"metadata": {"name": "hooked-controller"}}));
    lease["spec"]["holderIdentity"] = holder.into();
    lease["spec"]["renewTime"] = port.wire.lock().now.to_string().into();
    let call = if is_new { call(Verb::Create, LEASES, lease) } else { call(Verb::Replace, LEASE, lease) };
    port.send_unfenced(call, patience()).await
}

fn patience() -> SignedDuration {
    SignedDuration::try_from(PATIENCE).unwrap_or_default()
}

fn call(verb: Verb, path: &str, body: Value) -> Call {
    Call { verb, path: path.to_owned(), query: Vec::new(), body, reply: Reply::Whole }
}

/// Gives the Lease back for a process that has it.
pub(in super::super) fn release(process: Process, server: &mut ApiServer, now: Timestamp) {
    let is_ours =
        server.object(LEASE).is_some_and(|lease| lease["spec"]["holderIdentity"] == super::identity(process));
    if is_ours {
        let change = json!({"spec": {"holderIdentity": ""}});
        server.handle(&Request::patch(LEASE, ContentType::MergePatch, change), now);
    }
}
