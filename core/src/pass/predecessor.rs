//! What controls the Pods that a workload is to take over, as its annotation says (`hooked.dev/adopt-from`): until that
//! is gone nothing is made, changed or deleted, so that no two controllers are ever at work on the same Pods.
//!
//! A Deployment whose Pods are to live on leaves its `ReplicaSets` behind, and these go on to make Pods: it is gone
//! only when they are. Once sizes are committed the annotation means nothing.

use std::str::FromStr;

use jiff::Timestamp;
use thiserror::Error;

use crate::backoff;
use crate::names::ADOPT_FROM_ANNOTATION;
use crate::workload::target::Why;

/// After so many looks in vain one is taken every quarter of a minute.
const MOST_RESTS: u32 = 5;

/// What the annotation names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdoptFrom {
    /// A Deployment with all its `ReplicaSets`.
    Deployment(String),
    /// One ReplicaSet.
    ReplicaSet(String),
}

/// Why the annotation cannot be followed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "metadata.annotations[{ADOPT_FROM_ANNOTATION}] is {0:?}: it is written as Deployment/NAME or ReplicaSet/NAME; Pods \
     of no other kind can be taken over"
)]
pub struct AdoptFromError(String);

impl FromStr for AdoptFrom {
    type Err = AdoptFromError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Of a name the API server knows more; this much keeps a name from being more than one word of a path.
        let is_name = |name: &&str| {
            let is_allowed =
                |known: char| known.is_ascii_lowercase() || known.is_ascii_digit() || "-.".contains(known);
            !name.is_empty() && name.chars().all(is_allowed)
        };
        let found = text.split_once('/').and_then(|(kind, name)| {
            let name = Some(name).filter(is_name)?.to_owned();
            match kind {
                "Deployment" => Some(Self::Deployment(name)),
                "ReplicaSet" => Some(Self::ReplicaSet(name)),
                _ => None,
            }
        });
        found.ok_or_else(|| AdoptFromError(text.to_owned()))
    }
}

/// What is known of it.
#[derive(Debug, Default)]
pub(super) enum Predecessor {
    /// Nobody has looked, or need look.
    #[default]
    Unknown,
    /// It is there, or that could not be found out, in these words; after so many looks the next is due then.
    Awaited { words: String, is_known: bool, looks: u32, due: Timestamp },
    /// It was gone as of that version: what is taken over is looked for as it is since then.
    Gone(String),
}

impl Predecessor {
    /// Why nothing is done to Pods, and when somebody looks again, while that is so.
    pub(super) fn awaited(&self) -> Option<(Why, Timestamp)> {
        match self {
            Self::Awaited { words, is_known, due, .. } => {
                Some((Why::Adopting { words: words.clone(), is_known: *is_known }, *due))
            }
            Self::Unknown | Self::Gone(_) => None,
        }
    }

    /// The version as of which it was gone.
    pub(super) fn gone_as_of(&self) -> Option<&str> {
        match self {
            Self::Gone(version) => Some(version),
            Self::Unknown | Self::Awaited { .. } => None,
        }
    }

    /// Whether somebody is to look. A Pod that has become nobody's is a reason to look soon.
    pub(super) fn is_due(&self, has_candidates: bool, now: Timestamp) -> bool {
        match self {
            Self::Unknown => true,
            Self::Awaited { looks, due, .. } => {
                let spared = backoff::rest(*looks).saturating_sub(backoff::rest(1));
                let soonest = due.checked_sub(spared).unwrap_or(*due);
                now >= if has_candidates { soonest } else { *due }
            }
            Self::Gone(_) => false,
        }
    }

    pub(super) fn await_longer(&mut self, words: String, is_known: bool, now: Timestamp) {
        let looks = if let Self::Awaited { looks, .. } = self { (*looks + 1).min(MOST_RESTS) } else { 1 };
        let due = now.checked_add(backoff::rest(looks)).unwrap_or(Timestamp::MAX);
        *self = Self::Awaited { words, is_known, looks, due };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<&AdoptFrom>) {
        assert_eq!(text.parse().ok().as_ref(), expect, "{text}");
    }

    #[test]
    fn the_annotation_names_a_deployment_or_a_replica_set() {
        check("Deployment/web", Some(&AdoptFrom::Deployment("web".to_owned())));
        check("ReplicaSet/web-7b9f6c5d8", Some(&AdoptFrom::ReplicaSet("web-7b9f6c5d8".to_owned())));
        for wrong in [
            "",
            "web",
            "Deployment/",
            "deployment/web",
            "StatefulSet/web",
            "Deployment/a/b",
            "Deployment/../x?",
        ] {
            check(wrong, None);
        }
        let error = "StatefulSet/db".parse::<AdoptFrom>().unwrap_err().to_string();
        assert!(
            error.starts_with("metadata.annotations[hooked.dev/adopt-from] is \"StatefulSet/db\""),
            "{error}"
        );
    }

    /// Whether somebody looks at that second after so many looks in vain at second 0.
    fn check_due(looks: u32, has_candidates: bool, second: i64, expect: bool) {
        let mut predecessor = Predecessor::Unknown;
        for _ in 0..looks {
            predecessor.await_longer("why".to_owned(), true, Timestamp::UNIX_EPOCH);
        }
        let now = Timestamp::from_second(second).unwrap();
        assert_eq!(predecessor.is_due(has_candidates, now), expect, "{predecessor:?} at {second}");
    }

    #[test]
    fn looks_become_rare_and_a_pod_that_is_nobodys_hastens_them() {
        check_due(0, false, 0, true);
        check_due(1, false, 0, false);
        check_due(1, false, 1, true);
        check_due(3, false, 3, false);
        check_due(3, false, 4, true);
        check_due(100, false, 15, false);
        check_due(100, false, 16, true);
        check_due(100, true, 0, false);
        check_due(100, true, 1, true);
    }
}
