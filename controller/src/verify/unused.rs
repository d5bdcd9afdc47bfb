//! Whether the operator may go.

use std::collections::BTreeSet;

use hooked_core::accounting::ledger::operator_of;
use hooked_core::lifecycle::watched_ordinal;
use hooked_core::names::{ACCOUNTING_FINALIZER, HELD_LABEL, REVISION_LABEL};
use hooked_crd::HookedWorkload;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ListMeta, ObjectMeta};
use kube::api::{Api, ListParams, PartialObjectMeta};
use kube::{Client, Resource, ResourceExt};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::request;
use crate::watch::Scope;

/// How many objects one request asks for.
const PAGE: u32 = 500;
/// How many of them where it asks for all of each: a status may have a MiB, and the job of the chart has little memory.
const WHOLE_PAGE: u32 = 10;

/// Why the operator must stay.
#[derive(Debug, Error)]
pub(crate) enum InUse {
    #[error(
        "HookedWorkloads live, such as {example}. Only the operator takes the finalizer {ACCOUNTING_FINALIZER} \
         off their Pods, so without it they would stay Terminating for ever. Delete them first (`kubectl delete \
         hookedworkloads --all --all-namespaces` deletes their Pods too, but for those that others have made), wait \
         until they are gone, and uninstall again"
    )]
    Workloads { example: String },
    #[error(
        "{count} Pods still have the finalizer {ACCOUNTING_FINALIZER}, such as {example}: the operator takes it off when \
         their hooks are counted. Wait until `kubectl get pods --all-namespaces --output \
         custom-columns=:.metadata.namespace,:.metadata.name,:.metadata.finalizers | grep {ACCOUNTING_FINALIZER}` shows \
         none, and uninstall again"
    )]
    Pods { count: usize, example: String },
    #[error("{what} cannot be listed: {}", request::brief(.error))]
    Request { what: &'static str, error: kube::Error },
}

/// Asks whether workloads or Pods need the operator that runs in namespace `operator`, in these namespaces or in all.
/// What another operator of the cluster counts needs that one.
pub(crate) async fn unused(client: &Client, operator: &str, namespaces: &[String]) -> Result<String, InUse> {
    let everywhere = [Scope(None)];
    let named: Vec<Scope> = namespaces.iter().cloned().map(Some).map(Scope).collect();
    let scopes = if named.is_empty() { &everywhere[..] } else { &named[..] };
    let mut others = BTreeSet::new();
    for scope in scopes {
        let found = unless_missing(own(client, scope, operator, &mut others).await);
        if let Some(example) = found.map_err(|error| InUse::Request { what: "HookedWorkloads", error })? {
            return Err(InUse::Workloads { example });
        }
    }
    let mut pods = Held::default();
    for scope in scopes {
        // Those of workloads, and those that others have made and that the injector has put the finalizer on.
        for label in [REVISION_LABEL, HELD_LABEL] {
            let all = count(client, scope, label, |pod| needs_it(pod, &others), &mut pods).await;
            all.map_err(|error| InUse::Request { what: "Pods", error })?;
        }
    }
    match pods {
        Held { count: 0, .. } => {
            Ok("nothing needs the operator: it has no HookedWorkload, and no Pod waits for it".to_owned())
        }
        Held { count, example } => Err(InUse::Pods { count, example }),
    }
}

/// Whether a Pod waits for this operator: it is none of workloads of another, by UID, nor held for one of them.
fn needs_it(pod: &PartialObjectMeta<Pod>, others: &BTreeSet<String>) -> bool {
    let is_of_another = pod.owner_references().iter().any(|owner| others.contains(&owner.uid))
        || others.iter().any(|uid| pod.annotations().contains_key(&watched_ordinal(uid)));
    !is_of_another && pod.finalizers().iter().any(|name| name == ACCOUNTING_FINALIZER)
}

/// A page of workloads, of which one may be such that it cannot be decoded.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: ListMeta,
    items: Vec<Seen>,
}

#[derive(Deserialize)]
struct Seen {
    metadata: ObjectMeta,
    #[serde(default)]
    status: Value,
}

/// Looks for a workload that is not another operator's, as `namespace/name`. Notes the UIDs of those that are.
async fn own(
    client: &Client,
    scope: &Scope,
    operator: &str,
    others: &mut BTreeSet<String>,
) -> Result<Option<String>, kube::Error> {
    let mut params = ListParams::default().limit(WHOLE_PAGE);
    loop {
        let path = HookedWorkload::url_path(&(), scope.0.as_deref());
        let request = kube::core::Request::new(path).list(&params).map_err(kube::Error::BuildRequest)?;
        let page: Page = client.request(request).await?;
        for Seen { metadata, status } in page.items {
            if operator_of(status.get("ledger")).is_none_or(|named| named == operator) {
                let text = |word: Option<String>| word.unwrap_or_default();
                return Ok(Some(format!("{}/{}", text(metadata.namespace), text(metadata.name))));
            }
            others.extend(metadata.uid);
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(None),
        }
    }
}

/// How many were found, and one of them as `namespace/name`.
#[derive(Default)]
struct Held {
    count: usize,
    example: String,
}

async fn count(
    client: &Client,
    scope: &Scope,
    label: &str,
    holds: impl Fn(&PartialObjectMeta<Pod>) -> bool,
    found: &mut Held,
) -> Result<(), kube::Error> {
    let api: Api<Pod> = scope.api(client);
    let mut page = ListParams::default().labels(label).limit(PAGE);
    loop {
        let list = api.list_metadata(&page).await?;
        for object in list.items.iter().filter(|object| holds(object)) {
            if found.count == 0 {
                found.example = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
            }
            found.count += 1;
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(()),
        }
    }
}

/// Where the kind is not known, there is no object of it.
fn unless_missing(found: Result<Option<String>, kube::Error>) -> Result<Option<String>, kube::Error> {
    match found {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use http::{Request, Response};
    use serde_json::json;

    use super::*;

    /// A cluster with a workload of another operator, `o-1`, and with a Pod that has that label and annotation.
    fn client(label: &'static str, annotation: &str) -> Client {
        let annotations = json!({annotation: "1"});
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let query = request.uri().query().unwrap_or_default();
            let selected = query.contains(&label.replace('/', "%2F"));
            let items = match request.uri().path() {
                "/apis/hooked.dev/v1alpha1/hookedworkloads" => json!([{
                    "metadata": {"namespace": "shop", "name": "theirs", "uid": "o-1"},
                    "status": {"ledger": {"operator": "other"}},
                }]),
                "/api/v1/pods" if selected => json!([{"metadata": {
                    "namespace": "shop", "name": "web-1", "labels": {label: "a"}, "annotations": annotations,
                    "finalizers": [ACCOUNTING_FINALIZER],
                }}]),
                _ => json!([]),
            };
            let list = json!({"metadata": {}, "items": items});
            async move { Ok::<_, Infallible>(Response::new(Body::from(list.to_string()))) }
        });
        Client::new(service, "default")
    }

    #[tokio::test]
    async fn the_operator_stays_while_any_pod_waits_for_it() {
        let check = async |label, annotation: &str, expect: Option<&str>| {
            let refused = unused(&client(label, annotation), "hooked-system", &[]).await.err();
            let refused = refused.map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(refused.is_empty(), expect.is_none(), "{label} {annotation}: {refused}");
            assert!(refused.starts_with(expect.unwrap_or_default()), "{refused}");
        };
        let waits = Some("1 Pods still have the finalizer hooked.dev/accounting, such as shop/web-1");
        check("app", "team", None).await;
        check(REVISION_LABEL, "team", waits).await;
        check(HELD_LABEL, "team", waits).await;
        check(HELD_LABEL, &watched_ordinal("w-1"), waits).await;
        check(HELD_LABEL, &watched_ordinal("o-1"), None).await;
    }
}
