//! Which of the kept revisions is gone back to.

use hooked_core::workload::revision::{NoEarlier, Present, Stored, earlier};
use hooked_crd::HookedWorkload;
use kube::ResourceExt;
use thiserror::Error;

use crate::revisions::Kept;

/// Why a workload does not go back.
#[derive(Debug, Error)]
pub(crate) enum FindError {
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
}

/// The revision that is meant.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// It differs from what the workload asks for.
    Earlier(&'a Kept),
    /// It is what the workload asks for already.
    Unchanged {
        /// Its number.
        number: i64,
    },
}

/// The revision that `wanted` means, a name or a number; the one before if it is empty or 0.
pub(super) fn find<'a>(
    workload: &HookedWorkload,
    kept: &'a [Kept],
    wanted: &str,
) -> Result<Found<'a>, FindError> {
    let (name, namespace) = (workload.name_any(), workload.namespace().unwrap_or_default());
    if workload.metadata.deletion_timestamp.is_some() {
        return Err(FindError::Deleted(name));
    }
    let stored: Vec<Stored> = kept.iter().map(|kept| kept.stored.clone()).collect();
    match earlier(&stored, Present::of(&workload.spec), wanted) {
        Ok(found) => {
            let mut kept = kept.iter();
            let why = NoEarlier::NotFound(found.revision.clone());
            let found = kept.find(|kept| kept.stored.revision == found.revision);
            found.map(Found::Earlier).ok_or(FindError::NoEarlier { name, why })
        }
        Err(NoEarlier::Unchanged { number, .. }) => Ok(Found::Unchanged { number }),
        Err(NoEarlier::Paused) => Err(FindError::Paused { name, namespace }),
        Err(why) => Err(FindError::NoEarlier { name, why }),
    }
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
}
