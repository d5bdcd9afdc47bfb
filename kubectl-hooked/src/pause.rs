//! `kubectl hooked pause` and `resume`: `spec.paused`, as `kubectl rollout pause` and `resume` set it.

use hooked_crd::HookedWorkload;
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

/// Why nothing was paused or resumed.
#[derive(Debug, Error)]
pub(crate) enum PauseError {
    /// The API server has not done what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is nothing to do.
    #[error("{name} is already paused; `kubectl hooked resume {name} -n {namespace}` lets its rollout go on")]
    Paused {
        /// The workload.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// There is nothing to do.
    #[error("{name} is not paused; `kubectl hooked pause {name} -n {namespace}` pauses it")]
    NotPaused {
        /// The workload.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// It is done, and was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// Runs the command: pauses the workload, or lets it go on.
pub(crate) async fn run(
    connection: &Connection,
    options: &ChangeOptions,
    pause: bool,
    screen: &Screen,
) -> Result<End, PauseError> {
    let ChangeOptions { name, output } = options;
    check(&get(connection, name).await?, pause)?;
    let changed = change(connection, name, &Patch::Merge(patch(pause))).await;
    let changed = changed.map_err(|error| not_changed(connection, name, &error))?;
    let done = if pause { "paused" } else { "resumed" };
    show_changed(&changed, name, done, *output, screen)?;
    Ok(End::Done)
}

fn check(workload: &HookedWorkload, pause: bool) -> Result<(), PauseError> {
    let (name, namespace) = (workload.name_any(), workload.namespace().unwrap_or_default());
    match (workload.spec.paused == Some(true), pause) {
        (true, true) => Err(PauseError::Paused { name, namespace }),
        (false, false) => Err(PauseError::NotPaused { name, namespace }),
        (true, false) | (false, true) => Ok(()),
    }
}

fn patch(pause: bool) -> Value {
    json!({"spec": {"paused": pause}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::workload;

    fn check_asked(paused: Option<bool>, pause: bool, expect: Option<&str>) {
        let mut workload = workload(&json!({}));
        workload.spec.paused = paused;
        let said = check(&workload, pause).err().map(|error| error.to_string());
        assert_eq!(said.is_some(), expect.is_some(), "{said:?}");
        assert!(said.unwrap_or_default().contains(expect.unwrap_or_default()), "{expect:?}");
    }

    #[test]
    fn what_is_paused_already_or_not_at_all_is_said_with_the_other_command() {
        check_asked(None, true, None);
        check_asked(Some(false), true, None);
        check_asked(Some(true), false, None);
        check_asked(Some(true), true, Some("`kubectl hooked resume web -n shop`"));
        check_asked(None, false, Some("`kubectl hooked pause web -n shop`"));
    }

    #[test]
    fn the_patch_changes_one_field() {
        assert_eq!(patch(true).to_string(), r#"{"spec":{"paused":true}}"#);
        assert_eq!(patch(false).to_string(), r#"{"spec":{"paused":false}}"#);
    }
}
