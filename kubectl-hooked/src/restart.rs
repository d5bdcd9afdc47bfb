//! `kubectl hooked restart`: a new revision with the same template, so that every Pod is replaced step by
//! step.

use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use thiserror::Error;

use crate::arguments::RestartOptions;
use crate::connect::Connection;
use crate::end::End;
use crate::print::{PrintError, Screen, document};
use crate::render::Line;
use crate::request::{Asked, Request, RequestError};
use crate::workloads::{get, workloads};

/// Why nothing was restarted.
#[derive(Debug, Error)]
pub(crate) enum RestartError {
    /// The API server has not done what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It would only take effect later, to somebody's surprise.
    #[error(
        "{name} is paused (spec.paused), so its Pods would stay: resume it with `kubectl patch hw {name} -n {namespace} --type merge -p '{{\"spec\":{{\"paused\":false}}}}'`"
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
    options: &RestartOptions,
    screen: &Screen,
) -> Result<End, RestartError> {
    let RestartOptions { name, output } = options;
    let workload = get(connection, name).await?;
    check(&workload)?;
    let request = Request { verb: "patch", asked: Asked::Workload, name, namespace: &connection.namespace };
    let parameters =
        PatchParams { field_manager: Some("kubectl-hooked".to_owned()), ..PatchParams::default() };
    let patched =
        workloads(connection).patch(name, &parameters, &Patch::Merge(patch(Timestamp::now()))).await;
    let patched = patched.map_err(|error| request.failed(&error))?;
    match output {
        Some(format) => document(&patched, *format)?,
        None => screen.show(&[Line::new().plain(format!("hookedworkload.hooked.dev/{name} restarted"))])?,
    }
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
        assert!(error.contains(r#"-p '{"spec":{"paused":false}}'"#), "{error}");
    }
}
