//! Which stored revision a user means who wants to go back.

use hooked_crd::HookedWorkloadSpec;
use thiserror::Error;

use super::{PodHooks, Revision, Stored, fingerprint};

/// Why a workload does not go back, with what helps.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoEarlier {
    /// There is no revision but the one that is asked for.
    #[error(
        "there is no revision before the current one; `kubectl hooked history` lists those that are kept"
    )]
    None,
    /// None has this name or number.
    #[error("there is no revision {0}; `kubectl hooked history` lists those that are kept")]
    NotFound(String),
    /// It is what is asked for already.
    #[error("revision {number} ({revision}) is the template that the workload has already")]
    Unchanged {
        /// Its number.
        number: i64,
        /// Its name.
        revision: String,
    },
    /// Nothing would be rolled out.
    #[error("the workload is paused (spec.paused): resume it first, then go back")]
    Paused,
}

/// What a workload asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// The fingerprint of its revision's data; none if the template cannot be read. Then every revision is an
    /// earlier one.
    pub data: Option<u64>,
    /// Whether the workload is paused.
    pub paused: bool,
}

impl Present {
    /// What a spec asks for.
    pub fn of(spec: &HookedWorkloadSpec) -> Self {
        let hooks = PodHooks::of_spec(spec.hooks.as_ref());
        let revision = Revision::of_template(&spec.template.0, hooks, 0).ok();
        let data = revision.map(|revision| fingerprint(&revision.data()));
        Self { data, paused: spec.paused == Some(true) }
    }
}

/// The stored revision that `wanted` means: a name or a number. Nothing, or 0 as with `kubectl rollout undo`,
/// means the one that was rolled out last before `present`.
pub fn earlier<'a>(stored: &'a [Stored], present: Present, wanted: &str) -> Result<&'a Stored, NoEarlier> {
    if present.paused {
        return Err(NoEarlier::Paused);
    }
    let wanted = wanted.trim();
    let found = if wanted.is_empty() || wanted == "0" {
        let others = stored.iter().filter(|known| Some(known.data) != present.data);
        others.max_by_key(|known| known.number).ok_or(NoEarlier::None)?
    } else {
        // A name may be of digits alone, if that is ever seen: it is the more exact of the two.
        let named = stored.iter().find(|known| known.revision == wanted);
        let numbered = || stored.iter().find(|known| wanted.parse() == Ok(known.number));
        named.or_else(numbered).ok_or_else(|| NoEarlier::NotFound(wanted.to_owned()))?
    };
    if Some(found.data) == present.data {
        return Err(NoEarlier::Unchanged { number: found.number, revision: found.revision.clone() });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Revisions `a` to `c` are stored, `a` was gone back to, and the workload asks for the revision `at`.
    fn check(at: &str, wanted: &str, expect: &Result<&str, NoEarlier>) {
        let stored = [("a", 4), ("b", 2), ("c", 3), ("2345", 1)].map(|(revision, number)| Stored {
            revision: revision.to_owned(),
            number,
            data: revision.as_bytes().iter().map(|byte| u64::from(*byte)).sum(),
            change_cause: None,
        });
        let data =
            Some(at.as_bytes().iter().map(|byte| u64::from(*byte)).sum()).filter(|_| at != "unreadable");
        let found = earlier(&stored, Present { data, paused: false }, wanted).map(|found| &*found.revision);
        assert_eq!(found, *expect, "{wanted:?}");
    }

    #[test]
    fn nothing_means_the_revision_before_whatever_its_name() {
        check("a", "", &Ok("c"));
        check("a", " 0 ", &Ok("c"));
        // The current template may not be stored yet, or not have its new number.
        check("new", "", &Ok("a"));
        check("b", "", &Ok("a"));
    }

    #[test]
    fn a_revision_is_meant_by_its_name_or_its_number() {
        check("a", "b", &Ok("b"));
        check("a", "2", &Ok("b"));
        check("a", "2345", &Ok("2345"));
        check("a", "5", &Err(NoEarlier::NotFound("5".to_owned())));
        check("a", "-1", &Err(NoEarlier::NotFound("-1".to_owned())));
        check("a", "web", &Err(NoEarlier::NotFound("web".to_owned())));
        check("a", "4", &Err(NoEarlier::Unchanged { number: 4, revision: "a".to_owned() }));
    }

    #[test]
    fn nothing_is_gone_back_to_without_a_revision_or_while_paused() {
        let present = Present { data: Some(1), paused: false };
        assert_eq!(earlier(&[], present, ""), Err(NoEarlier::None));
        assert_eq!(earlier(&[], Present { paused: true, ..present }, "a"), Err(NoEarlier::Paused));
    }

    #[test]
    fn what_cannot_be_read_goes_back_to_the_last_that_could() {
        check("unreadable", "", &Ok("a"));
        let spec = |containers: Value| -> HookedWorkloadSpec {
            let template = json!({"spec": {"containers": containers}});
            serde_json::from_value(json!({"selector": {}, "template": template, "paused": true})).unwrap()
        };
        assert_eq!(Present::of(&spec(json!(1))), Present { data: None, paused: true });
        let readable = spec(json!([{"name": "web", "command": null}]));
        let data = json!({"template": {"spec": {"containers": [{"name": "web"}]}}});
        assert_eq!(Present::of(&readable).data, Some(fingerprint(&data)));
    }
}
