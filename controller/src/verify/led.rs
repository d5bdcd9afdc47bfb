//! Whether an operator is at work.

use std::time::Duration;

use hooked_crd::HookedWorkload;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;
use kube::{Client, Resource, ResourceExt};
use thiserror::Error;

use crate::lease::LEASE;
use crate::request;

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Why it cannot be said that an operator is at work.
#[derive(Debug, Error)]
#[error("no operator is at work within {} s: {last}", .patience.as_secs())]
pub(crate) struct NotLed {
    patience: Duration,
    last: String,
}

/// Waits until the kind is served and a leader has renewed its Lease before our eyes, and says who leads. The times in
/// the Lease are another machine's, and prove nothing here.
pub(crate) async fn led(client: &Client, namespace: &str, patience: Duration) -> Result<String, NotLed> {
    let mut last = "nothing was answered".to_owned();
    let watched = tokio::time::timeout(patience, watch(client, namespace, &mut last)).await;
    watched.map_err(|_| NotLed { patience, last })
}

async fn watch(client: &Client, namespace: &str, last: &mut String) -> String {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    // Everybody may ask which kinds are served; an operator of some namespaces may list workloads in these alone.
    let version = HookedWorkload::api_version(&());
    let kind = HookedWorkload::kind(&());
    let mut seen: Option<Lease> = None;
    loop {
        let served = client.list_api_group_resources(&version).await;
        match (served, leases.get_opt(LEASE).await) {
            (Err(error), _) => *last = format!("{version} is not served: {}", request::brief(&error)),
            (Ok(served), _) if !served.resources.iter().any(|resource| resource.kind == kind) => {
                *last = format!("{version} is served without the kind {kind}");
            }
            (_, Err(error)) => {
                *last = format!("the Lease {namespace}/{LEASE} cannot be read: {}", request::brief(&error));
            }
            (Ok(_), Ok(lease)) => {
                let lease = lease.unwrap_or_default();
                if let Some(holder) = seen.as_ref().and_then(|before| renewed(before, &lease)) {
                    return format!("Hooked is at work: {holder} leads in the namespace {namespace}");
                }
                *last = format!("nobody has renewed the Lease {namespace}/{LEASE}");
                seen = Some(lease);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Who holds a Lease that was renewed between two looks.
fn renewed<'a>(before: &Lease, now: &'a Lease) -> Option<&'a str> {
    let holder = |lease: &'a Lease| lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref());
    let was_written = before.resource_version() != now.resource_version();
    holder(now).filter(|holder| !holder.is_empty() && was_written && before.resource_version().is_some())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::coordination::v1::LeaseSpec;
    use kube::api::ObjectMeta;

    use super::*;

    fn lease(version: Option<&str>, holder: &str) -> Lease {
        let metadata =
            ObjectMeta { resource_version: version.map(ToOwned::to_owned), ..ObjectMeta::default() };
        let spec = LeaseSpec { holder_identity: Some(holder.to_owned()), ..LeaseSpec::default() };
        Lease { metadata, spec: Some(spec) }
    }

    fn check(before: (Option<&str>, &str), now: (Option<&str>, &str), leader: Option<&str>) {
        let (before, now) = (lease(before.0, before.1), lease(now.0, now.1));
        assert_eq!(renewed(&before, &now), leader, "{before:?} {now:?}");
    }

    #[test]
    fn only_one_who_writes_the_lease_while_it_is_looked_at_leads() {
        check((Some("1"), "a"), (Some("2"), "a"), Some("a"));
        check((Some("1"), "a"), (Some("2"), "b"), Some("b"));
        check((Some("1"), "a"), (Some("1"), "a"), None);
        check((Some("1"), "a"), (Some("2"), ""), None);
        check((None, ""), (Some("2"), "a"), None);
    }
}
