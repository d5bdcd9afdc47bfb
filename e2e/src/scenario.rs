//! A scenario: a namespace, what is done in it, and its end whatever came of it.

use std::panic::AssertUnwindSafe;

use anyhow::{Context, Result, anyhow};
use futures::FutureExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::json;

use crate::cluster::Cluster;
use crate::dump::dump;
use crate::host::HostDirectory;
use crate::operator::Operator;
use crate::pool::Exclusive;
use crate::space::Space;
use crate::wait::wait_for;

/// What Pods of a namespace may do, as Pod security admission has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Anything; needed for files of the node.
    Privileged,
    /// What an ordinary Pod needs.
    Baseline,
    /// Nothing that is not needed by a program of no privileges.
    Restricted,
}

/// Runs a scenario in a namespace of its own, which is gone afterwards. One that cannot be removed is a failure too.
pub async fn in_namespace(
    name: &str,
    security: Security,
    scenario: impl AsyncFnOnce(&Space) -> Result<()>,
) -> Result<()> {
    let space = create(Cluster::connect().await?, name, security).await?;
    let outcome = run(&space, Box::pin(scenario(&space))).await;
    let removed = remove(&space).await;
    // Why the scenario failed says more than what followed from it.
    outcome.and(removed)
}

/// The same on a cluster that no other scenario uses meanwhile, with its operator in the scenario's hands. Whatever
/// becomes of the operator there, the next scenario finds it as it was installed.
pub async fn with_operator(
    name: &str,
    security: Security,
    scenario: impl AsyncFnOnce(&Space, &Operator) -> Result<()>,
) -> Result<()> {
    let exclusive = Exclusive::take().await?;
    let operator = Operator::of(&exclusive);
    let space = create(exclusive.cluster.clone(), name, security).await?;
    let outcome = run(&space, Box::pin(scenario(&space, &operator))).await;
    // Without an operator nothing of the namespace could go.
    let restored = operator.restore().await;
    let removed = remove(&space).await;
    outcome.and(restored).and(removed)
}

/// Shows what a scenario leaves that fails, in whatever way.
async fn run(space: &Space, scenario: impl Future<Output = Result<()>>) -> Result<()> {
    let outcome = AssertUnwindSafe(scenario).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|panic| Err(anyhow!("{}", words(panic.as_ref()))));
    if outcome.is_err() {
        dump(space).await;
    }
    outcome
}

async fn create(cluster: Cluster, name: &str, security: Security) -> Result<Space> {
    let level = match security {
        Security::Privileged => "privileged",
        Security::Baseline => "baseline",
        Security::Restricted => "restricted",
    };
    let wanted: Namespace = serde_json::from_value(json!({
        "metadata": {
            "generateName": format!("e2e-{name}-"),
            "labels": {"pod-security.kubernetes.io/enforce": level},
        },
    }))?;
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    let created = namespaces.create(&PostParams::default(), &wanted).await?;
    let name = created.name_any();
    // Pods are refused until the namespace has its service account.
    let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> =
        Api::namespaced(cluster.client.clone(), &name);
    wait_for("the namespace's service account", async || {
        Ok(accounts.get_opt("default").await?.ok_or_else(|| "none".to_owned()))
    })
    .await?;
    let files = HostDirectory::new(&cluster, &name)?;
    Ok(Space { cluster, name, files })
}

async fn remove(space: &Space) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(space.cluster.client.clone());
    if namespaces.get_opt(&space.name).await?.is_some() {
        namespaces.delete(&space.name, &DeleteParams::default()).await?;
    }
    let what = format!("namespace {} is gone", space.name);
    let gone = wait_for(&what, async || {
        Ok(match namespaces.get_opt(&space.name).await? {
            None => Ok(()),
            Some(left) => Err(json!(left.status).to_string()),
        })
    })
    .await;
    if let Err(error) = gone {
        dump(space).await;
        return Err(error);
    }
    space.files.remove().context("the scenario's files cannot be removed")
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "the scenario panicked".to_owned())
}
