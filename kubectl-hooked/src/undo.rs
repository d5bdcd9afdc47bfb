//! `kubectl hooked undo`: back to an earlier revision, as `kubectl rollout undo` goes. The annotation
//! `hooked.dev/rollback-to` has the operator do the same.

mod difference;
mod find;
mod preview;

use hooked_core::workload::revision::{Stored, rollback};
use hooked_crd::HookedWorkload;
use kube::ResourceExt;
use kube::api::Patch;
use thiserror::Error;

use crate::arguments::{DryRun, UndoOptions};
use crate::connect::Connection;
use crate::end::End;
use crate::print::{PrintError, Screen};
use crate::request::RequestError;
use crate::revisions::revisions;
use crate::workloads::{change, get, not_changed, show_changed, try_change};

use difference::difference;
use find::{FindError, Found, find};
use preview::{PreviewError, preview};

/// How often it is tried where the operator, say, writes the status just then.
const TRIES: u32 = 5;

/// Why nothing was undone.
#[derive(Debug, Error)]
pub(crate) enum UndoError {
    /// The API server has not done what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It does not go back.
    #[error(transparent)]
    Find(#[from] FindError),
    /// Somebody changes it again and again.
    #[error("{0} was changed by others {TRIES} times meanwhile: try again")]
    Busy(String),
    /// What would change is not known.
    #[error("cannot show what would change of {name}: {source}; --dry-run=server asks the API server")]
    Preview {
        /// The workload.
        name: String,
        /// Why not.
        source: PreviewError,
    },
    /// It is done, and was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &UndoOptions,
    screen: &Screen,
) -> Result<End, UndoError> {
    let UndoOptions { name, to_revision, dry_run, output } = options;
    for _ in 0..TRIES {
        let workload = get(connection, name).await?;
        let kept = revisions(connection, &workload).await?;
        let found = match find(&workload, &kept, to_revision)? {
            Found::Earlier(found) => found,
            Found::Unchanged { number } => {
                let skipped =
                    format!("skipped rollback (current template already matches revision {number})");
                show_changed(&workload, name, &dry_run.said(&skipped), *output, screen)?;
                return Ok(End::Done);
            }
        };
        let version = workload.resource_version().unwrap_or_default();
        let patch = serde_json::from_value(rollback(&workload, &version, &found.object));
        let patch: json_patch::Patch =
            patch.map_err(|error| not_changed(connection, name, &kube::Error::SerdeError(error)))?;
        let changed = match dry_run {
            DryRun::None => change(connection, name, &Patch::Json(patch)).await,
            DryRun::Server => try_change(connection, name, &Patch::Json(patch)).await,
            DryRun::Client => Ok(preview(&workload, &patch)
                .map_err(|source| UndoError::Preview { name: name.clone(), source })?),
        };
        match changed {
            Ok(changed) => {
                show(&workload, &changed, &found.stored, options, screen)?;
                return Ok(End::Done);
            }
            Err(error) if has_changed(&error) => {}
            Err(error) => return Err(not_changed(connection, name, &error).into()),
        }
    }
    Err(UndoError::Busy(name.clone()))
}

/// Shows what was done, and of what was only tried the difference that it would make.
fn show(
    before: &HookedWorkload,
    after: &HookedWorkload,
    to: &Stored,
    options: &UndoOptions,
    screen: &Screen,
) -> Result<(), PrintError> {
    let UndoOptions { name, dry_run, output, .. } = options;
    let done = dry_run.said(&format!("rolled back to revision {}", to.number));
    show_changed(after, name, &done, *output, screen)?;
    if *dry_run == DryRun::None || output.is_some() {
        return Ok(());
    }
    let lines = difference(before, after, &format!("revision {} ({})", to.number, to.revision))?;
    // Nothing is cut off: two images may differ in their last characters alone.
    Screen { width: None, ..*screen }.show(&lines)
}

/// Whether the workload was changed since it was read: a test of the patch has failed, which names no field.
fn has_changed(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let names_a_field = status.details.as_ref().is_some_and(|details| !details.causes.is_empty());
    status.code == 409 || (status.code == 422 && !names_a_field)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_dry_run_is_told_as_kubectl_tells_it() {
        let said = [DryRun::None, DryRun::Client, DryRun::Server].map(|dry_run| dry_run.said("done"));
        assert_eq!(said, ["done", "done (dry run)", "done (server dry run)"]);
    }

    #[test]
    fn a_change_by_others_is_told_from_a_template_that_is_refused() {
        let check = |status: Value, expect: bool| {
            let error = kube::Error::Api(Box::new(serde_json::from_value(status.clone()).unwrap()));
            assert_eq!(has_changed(&error), expect, "{status}");
        };
        check(json!({"code": 409}), true);
        check(json!({"code": 422, "reason": "Invalid"}), true);
        check(
            json!({"code": 422, "details": {"causes": [{"field": "spec.template", "message": "no"}]}}),
            false,
        );
        check(json!({"code": 403}), false);
    }
}
