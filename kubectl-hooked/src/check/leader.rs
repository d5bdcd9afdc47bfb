//! Which operator leads, by its Lease.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;

use super::finding::{Check, Finding};
use crate::connect::Connection;
use crate::render::ago;
use crate::request::{Asked, Request, RequestError};

/// The name of the Lease.
const NAME: &str = "hooked-controller";
/// How far the clocks of this machine and of the cluster may be apart.
const CLOCKS: SignedDuration = SignedDuration::from_secs(30);

/// The Lease, if there is one.
pub(crate) async fn fetch(connection: &Connection, namespace: &str) -> Result<Option<Lease>, RequestError> {
    let request = Request { verb: "get", asked: Asked::Lease, name: NAME, namespace };
    let leases: Api<Lease> = Api::namespaced(connection.client.clone(), namespace);
    leases.get_opt(NAME).await.map_err(|error| request.failed(&error))
}

/// Who leads.
pub(super) fn finding(fetched: &Result<Option<Lease>, RequestError>, now: Timestamp) -> Finding {
    match fetched {
        Err(error) => Finding::unanswered(Check::Leader, error),
        Ok(lease) => match holder(lease.as_ref(), now) {
            Ok(holder) => Finding::ok(Check::Leader, format!("{holder} leads")),
            Err(message) => nobody(message),
        },
    }
}

/// Who leads, or why nobody does.
pub(crate) fn holder(lease: Option<&Lease>, now: Timestamp) -> Result<String, String> {
    let lease = lease.and_then(|lease| lease.spec.as_ref());
    let holder = lease.and_then(|lease| lease.holder_identity.clone()).filter(|holder| !holder.is_empty());
    let renewed = lease.and_then(|lease| lease.renew_time.as_ref()).map(|time| time.0);
    let (Some(holder), Some(renewed)) = (holder, renewed) else {
        return Err(format!("nobody holds the Lease {NAME}"));
    };
    let seconds = lease.and_then(|lease| lease.lease_duration_seconds).unwrap_or(0);
    let lasts = SignedDuration::from_secs(seconds.into()) + CLOCKS;
    if now.duration_since(renewed) > lasts {
        return Err(format!("{holder} has not renewed the Lease {NAME} for {}", ago(renewed, now)));
    }
    Ok(holder)
}

fn nobody(message: String) -> Finding {
    let action = "nothing is counted until an operator leads: look at the logs of the operator's Pods";
    Finding::problem(Check::Leader, message, action)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::finding::Verdict;
    use crate::fixtures::now;

    fn check(spec: &Value, verdict: Verdict, words: &str) {
        let lease: Lease = serde_json::from_value(json!({"spec": spec})).unwrap();
        let found = finding(&Ok(Some(lease)), now());
        assert!(found.verdict == verdict && found.message.contains(words), "{found:?}");
    }

    #[test]
    fn who_leads_has_renewed_the_lease_lately() {
        let held = |renewed: &str| json!({"holderIdentity": "op-1", "leaseDurationSeconds": 15, "renewTime": renewed});
        check(&held("2026-11-22T10:04:58.000000Z"), Verdict::Ok, "op-1 leads");
        check(&held("2026-11-22T10:04:16.000000Z"), Verdict::Ok, "op-1 leads");
        check(&held("2026-11-22T10:04:14.000000Z"), Verdict::Problem, "op-1 has not renewed the Lease");
        check(
            &json!({"holderIdentity": "", "renewTime": "2026-11-22T10:05:00.000000Z"}),
            Verdict::Problem,
            "nobody",
        );
        assert_eq!(finding(&Ok(None), now()).verdict, Verdict::Problem);
    }
}
