//! `kubectl hooked undo`: back to an earlier revision, as `kubectl rollout undo` goes. The annotation
//! `hooked.dev/rollback-to` has the operator do the same.

use hooked_core::workload::revision::{NoEarlier, Present, Stored, earlier, rollback};
use hooked_crd::HookedWorkload;
use kube::ResourceExt;
use kube::api::Patch;
use thiserror::Error;

use crate::arguments::UndoOptions;
use crate::connect::Connection;
use crate::end::End;
use crate::print::{PrintError, Screen};
use crate::request::RequestError;
use crate::revisions::{Kept, revisions};
use crate::workloads::{change, get, not_changed, show_changed};

/// How often it is tried where the operator, say, writes the status just then.
const TRIES: u32 = 5;

/// Why nothing was undone.
#[derive(Debug, Error)]
pub(crate) enum UndoError {
    /// The API server has not done what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is no such revision, or none to go back to.
    #[error("{name} does not go back: {why}")]
    NoEarlier {
        /// The workload.
        name: String,
        /// Why not.
        why: NoEarlier,
    },
    /// It would only take effect later, to somebody's surprise.
    #[error(
        "{name} is paused (spec.paused): resume it first with `kubectl hooked resume {name} -n {namespace}`"
    )]
    Paused {
        /// The workload.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// Its Pods are being stopped for good.
    #[error("{0} is being deleted: there is nothing to go back to")]
    Deleted(String),
    /// Somebody changes it again and again.
    #[error("{0} was changed by others {TRIES} times meanwhile: try again")]
    Busy(String),
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
    let UndoOptions { name, to_revision, output } = options;
    for _ in 0..TRIES {
        let workload = get(connection, name).await?;
        let kept = revisions(connection, &workload).await?;
        let found = match find(&workload, &kept, to_revision)? {
            Found::Earlier(found) => found,
            Found::Unchanged { number } => {
                let skipped =
                    format!("skipped rollback (current template already matches revision {number})");
                show_changed(&workload, name, &skipped, *output, screen)?;
                return Ok(End::Done);
            }
        };
        let version = workload.resource_version().unwrap_or_default();
        let patch = serde_json::from_value(rollback(&workload, &version, &found.object));
        let patch = patch.map_err(|error| not_changed(connection, name, &kube::Error::SerdeError(error)))?;
        match change(connection, name, &Patch::Json(patch)).await {
            Ok(changed) => {
                let Stored { number, .. } = found.stored;
                show_changed(&changed, name, &format!("rolled back to revision {number}"), *output, screen)?;
                return Ok(End::Done);
            }
            Err(error) if has_changed(&error) => {}
            Err(error) => return Err(not_changed(connection, name, &error).into()),
        }
    }
    Err(UndoError::Busy(name.clone()))
}

/// What is meant.
#[derive(Debug)]
enum Found<'a> {
    Earlier(&'a Kept),
    /// It is what the workload asks for already.
    Unchanged {
        number: i64,
    },
}

fn find<'a>(workload: &HookedWorkload, kept: &'a [Kept], wanted: &str) -> Result<Found<'a>, UndoError> {
    let (name, namespace) = (workload.name_any(), workload.namespace().unwrap_or_default());
    if workload.metadata.deletion_timestamp.is_some() {
        return Err(UndoError::Deleted(name));
    }
    let stored: Vec<Stored> = kept.iter().map(|kept| kept.stored.clone()).collect();
    match earlier(&stored, Present::of(&workload.spec), wanted) {
        Ok(found) => {
            let mut kept = kept.iter();
            let why = NoEarlier::NotFound(found.revision.clone());
            let found = kept.find(|kept| kept.stored.revision == found.revision);
            found.map(Found::Earlier).ok_or(UndoError::NoEarlier { name, why })
        }
        Err(NoEarlier::Unchanged { number, .. }) => Ok(Found::Unchanged { number }),
        Err(NoEarlier::Paused) => Err(UndoError::Paused { name, namespace }),
        Err(why) => Err(UndoError::NoEarlier { name, why }),
    }
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
    use crate::fixtures::{revision, workload};
    use crate::revisions::kept;

    fn template(image: &str) -> Value {
        json!({"spec": {"containers": [{"name": "web", "image": image}]}})
    }

    /// What is found by a workload of the image `c`, before which `a` and `b` were rolled out.
    fn check(wanted: &str, change: impl FnOnce(&mut HookedWorkload), expect: Result<&str, &str>) {
        let images = ["a", "b", "c"];
        let objects = images
            .iter()
            .zip(1..)
            .map(|(image, number)| revision(image, number, &json!({"template": template(image)}), None));
        let kept = kept(objects.collect(), "w");
        let mut workload = workload(&json!({}));
        workload.spec.template.0 = template("c");
        change(&mut workload);
        match (find(&workload, &kept, wanted), expect) {
            (Ok(Found::Earlier(found)), Ok(expect)) => assert_eq!(found.stored.revision, expect),
            (Ok(Found::Unchanged { number }), Ok(expect)) => {
                assert_eq!(format!("unchanged {number}"), expect);
            }
            (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{error}"),
            (found, expect) => panic!("{found:?}, but {expect:?} was expected"),
        }
    }

    #[test]
    fn the_revision_before_is_gone_back_to_or_the_one_that_is_named() {
        check("", |_| {}, Ok("b"));
        check("1", |_| {}, Ok("a"));
        check("a", |_| {}, Ok("a"));
        check("3", |_| {}, Ok("unchanged 3"));
        // Of a template that cannot be read the last that could is the one before.
        check("", |workload| workload.spec.template.0 = json!({"spec": {"containers": 1}}), Ok("c"));
    }

    #[test]
    fn what_cannot_be_undone_is_said_with_the_fix() {
        check("9", |_| {}, Err("there is no revision 9; `kubectl hooked history` lists"));
        check("", |workload| workload.spec.paused = Some(true), Err("`kubectl hooked resume web -n shop`"));
        let deleted = |workload: &mut HookedWorkload| {
            workload.metadata.deletion_timestamp = serde_json::from_str(r#""2026-11-22T10:05:00Z""#).unwrap();
        };
        check("", deleted, Err("is being deleted"));
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
