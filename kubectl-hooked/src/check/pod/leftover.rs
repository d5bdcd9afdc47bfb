//! Pods of earlier checks, and of this one, that could not be removed.

use hooked_core::names::{CHECK_LABEL, CHECK_UNTIL_ANNOTATION};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use crate::check::finding::{Check, Finding, some_of};
use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

/// The Pods of checks that are there.
pub(super) async fn fetch(connection: &Connection) -> Result<Vec<Pod>, RequestError> {
    let request = Request { verb: "list", asked: Asked::Pod, name: "", namespace: &connection.namespace };
    let all: Api<Pod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let found = all.list(&ListParams::default().labels(CHECK_LABEL)).await;
    Ok(found.map_err(|error| request.failed(&error))?.items)
}

/// Those that nobody removes any more: of this check, whose names begin so, and of others whose time is over at `now`.
/// Another check may be under way.
pub(super) fn finding(
    fetched: &Result<Vec<Pod>, RequestError>,
    namespace: &str,
    ours: &str,
    now: Timestamp,
) -> Finding {
    let check = Check::LeftoverPods;
    let pods = match fetched {
        Ok(pods) => pods,
        Err(error) => return Finding::unanswered(check, error),
    };
    let left: Vec<_> = pods.iter().filter(|pod| is_left(pod, ours, now)).map(ResourceExt::name_any).collect();
    if left.is_empty() {
        return Finding::ok(check, "no Pod of a check is left over");
    }
    let action = format!("`kubectl -n {namespace} delete pod -l {CHECK_LABEL}` removes them");
    Finding::warning(check, format!("Pods of checks are left over: {}", some_of(&left)), action)
}

fn is_left(pod: &Pod, ours: &str, now: Timestamp) -> bool {
    let until =
        pod.annotations().get(CHECK_UNTIL_ANNOTATION).and_then(|until| until.parse::<Timestamp>().ok());
    let is_over = pod.name_any().starts_with(ours) || until.is_none_or(|until| until < now);
    is_over && pod.metadata.deletion_timestamp.is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::finding::Verdict;
    use crate::fixtures::now;

    fn check(name: &str, metadata: &Value, expect: Verdict) {
        let mut pod = json!({"metadata": metadata});
        pod["metadata"]["name"] = json!(name);
        let found =
            finding(&Ok(vec![serde_json::from_value(pod).unwrap()]), "shop", "hooked-check-1-", now());
        assert_eq!(found.verdict, expect, "{found:?}");
    }

    #[test]
    fn a_pod_that_nobody_removes_any_more_is_named() {
        let until = |until: &str| json!({"annotations": {"hooked.dev/check-until": until}});
        check("hooked-check-0-0", &until("2026-11-22T10:04:59Z"), Verdict::Warning);
        check("hooked-check-0-0", &until("2026-11-22T10:05:30Z"), Verdict::Ok);
        check("hooked-check-1-0", &until("2026-11-22T10:05:30Z"), Verdict::Warning);
        let mut going = until("2026-11-22T10:04:59Z");
        going["deletionTimestamp"] = json!("2026-11-22T10:05:00Z");
        check("hooked-check-1-0", &going, Verdict::Ok);
    }
}
