//! `kubectl hooked restart`: a new revision with the same template, so that every Pod is replaced step by
//! step.

use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::Patch;
use serde_json::{Value, json};
use thiserror::Error;

use crate::arguments::ChangeOptions;
use crate::connect::Connection;
use crate::end::End;
use crate::print::{PrintError, Screen};
use crate::request::RequestError;
use crate::workloads::{change, get, not_changed, show_changed};

/// Why nothing was restarted.
#[derive(Debug, Error)]
pub(crate) enum RestartError {
    /// The API server has not done what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It would only take effect later, to somebody's surprise.
    #[error(
        "{name} is paused (spec.paused), so its Pods would stay: resume it first with `kubectl hooked resume {name} -n {namespace}`"
    )]
    Paused {
        /// The workload.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// Its Pods are being stopped for good.
    #[error("{0} is being deleted: there is nothing to restart")]
    Deleted(String),
    /// It is done, and was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &ChangeOptions,
    screen: &Screen,
) -> Result<End, RestartError> {
    let ChangeOptions { name, output } = options;
    let workload = get(connection, name).await?;
    check(&workload)?;
    let patch = Patch::Merge(patch(Timestamp::now()));
    let changed = change(connection, name, &patch).await;
    let changed = changed.map_err(|error| not_changed(connection, name, &error))?;
    show_changed(&changed, name, "restarted", *output, screen)?;
    Ok(End::Done)
}

fn check(workload: &HookedWorkload) -> Result<(), RestartError> {
    let (name, namespace) = (workload.name_any(), workload.namespace().unwrap_or_default());
    if workload.metadata.deletion_timestamp.is_some() {
        return Err(RestartError::Deleted(name));
    }
    if workload.spec.paused == Some(true) {
        return Err(RestartError::Paused { name, namespace });
    }
    Ok(())
}

/// The annotation that `kubectl rollout restart` sets, so that tools which know it know this too.
fn patch(now: Timestamp) -> Value {
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": now}}}}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{now, workload};

    #[test]
    fn the_patch_changes_one_annotation_of_the_template() {
        let expect = r#"{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-11-22T10:05:00Z"}}}}}"#;
        assert_eq!(patch(now()).to_string(), expect);
    }

    #[test]
    fn what_is_paused_is_not_restarted_and_the_fix_is_named() {
        let mut workload = workload(&json!({}));
        check(&workload).unwrap();
        workload.spec.paused = Some(true);
        let error = check(&workload).unwrap_err().to_string();
        assert!(error.contains("`kubectl hooked resume web -n shop`"), "{error}");
    }
}
