//! Whether the operator may go.

use hooked_core::names::{ACCOUNTING_FINALIZER, REVISION_LABEL};
use hooked_crd::HookedWorkload;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, PartialObjectMeta};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::request;
use crate::watch::Scope;

/// How many objects one request asks for.
const PAGE: u32 = 500;

/// Why the operator must stay.
#[derive(Debug, Error)]
pub(crate) enum InUse {
    #[error(
        "{count} HookedWorkloads live, such as {example}. Only the operator takes the finalizer {ACCOUNTING_FINALIZER} \
         off their Pods, so without it they would stay Terminating for ever. Delete them first (`kubectl delete \
         hookedworkloads --all --all-namespaces` deletes their Pods too), wait until they are gone, and uninstall again"
    )]
    Workloads { count: usize, example: String },
    #[error(
        "{count} Pods still have the finalizer {ACCOUNTING_FINALIZER}, such as {example}: the operator takes it off when \
         their hooks are counted. Wait until `kubectl get pods --all-namespaces --selector {REVISION_LABEL}` shows none, \
         and uninstall again"
    )]
    Pods { count: usize, example: String },
    #[error("{what} cannot be listed: {}", request::brief(.error))]
    Request { what: &'static str, error: kube::Error },
}

/// Asks whether workloads or Pods need the operator, in these namespaces or in all.
pub(crate) async fn unused(client: &Client, namespaces: &[String]) -> Result<String, InUse> {
    let everywhere = [Scope(None)];
    let named: Vec<Scope> = namespaces.iter().cloned().map(Some).map(Scope).collect();
    let scopes = if named.is_empty() { &everywhere[..] } else { &named[..] };
    let (mut workloads, mut pods) = (Held::default(), Held::default());
    for scope in scopes {
        let all = count::<HookedWorkload>(client, scope, "", |_| true, &mut workloads).await;
        unless_missing(all).map_err(|error| InUse::Request { what: "HookedWorkloads", error })?;
        let held =
            |meta: &PartialObjectMeta<Pod>| meta.finalizers().iter().any(|name| name == ACCOUNTING_FINALIZER);
        let all = count::<Pod>(client, scope, REVISION_LABEL, held, &mut pods).await;
        all.map_err(|error| InUse::Request { what: "Pods", error })?;
    }
    match (workloads, pods) {
        (Held { count: 0, .. }, Held { count: 0, .. }) => {
            Ok("nothing needs the operator: no HookedWorkload is left, and no Pod waits for it".to_owned())
        }
        (Held { count: 0, .. }, Held { count, example }) => Err(InUse::Pods { count, example }),
        (Held { count, example }, _) => Err(InUse::Workloads { count, example }),
    }
}

/// How many were found, and one of them as `namespace/name`.
#[derive(Default)]
struct Held {
    count: usize,
    example: String,
}

async fn count<K>(
    client: &Client,
    scope: &Scope,
    label: &str,
    holds: impl Fn(&PartialObjectMeta<K>) -> bool,
    found: &mut Held,
) -> Result<(), kube::Error>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let api: Api<K> = scope.api(client);
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
fn unless_missing(listed: Result<(), kube::Error>) -> Result<(), kube::Error> {
    match listed {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other,
    }
}
