//! Which revision is rolled to, and why perhaps none: one value, made once in a pass.

use std::sync::Arc;

/// Which revision a workload's Pods are to be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Step by step, all of this one.
    Roll {
        /// The revision that is asked for, or the one that was rolled out before where the gate is closed.
        to: Arc<str>,
    },
    /// Of those that they are. Pods are scaled, and replaced when they are gone, and no revision gives way to
    /// another.
    Hold {
        /// The revision that Pods are made of where no revision has any: the one that was rolled to last.
        /// None if there never was one that could be had.
        at: Option<Arc<str>>,
        /// Why no rollout goes on.
        why: Why,
    },
}

/// Why no rollout goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The user has paused the workload.
    Paused,
    /// The API server refuses Pods of the template that is asked for, in these words.
    Refused(String),
    /// The revision that is asked for could not be stored, for this reason.
    NotStored(String),
    /// The API server could not say whether it takes Pods of the template that is asked for, for this reason.
    Unchecked(String),
    /// Hooks of the revision that is asked for fail too often: its gate is closed.
    Gated,
    /// The Pods that the workload is to take over are still another's, or may be.
    Adopting {
        /// Whose, and what helps.
        words: String,
        /// Whether they are known to be.
        is_known: bool,
    },
    /// The workload is being deleted.
    Leaving(Leaving),
}

/// How a deleted workload leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Its Pods are stopped, their hooks counted, and then it goes.
    WithPods,
    /// `--cascade=orphan`: its Pods lose finalizer and owner and live on.
    WithoutPods,
}

impl Target {
    /// The revision that Pods are made of where no revision has any.
    pub fn revision(&self) -> Option<&Arc<str>> {
        match self {
            Self::Roll { to } => Some(to),
            Self::Hold { at, .. } => at.as_ref(),
        }
    }

    /// How the workload leaves, if it does.
    pub fn leaving(&self) -> Option<Leaving> {
        match self {
            Self::Hold { why: Why::Leaving(leaving), .. } => Some(*leaving),
            Self::Roll { .. } | Self::Hold { .. } => None,
        }
    }

    /// Why no rollout goes on, if none does.
    pub fn held_by(&self) -> Option<&Why> {
        match self {
            Self::Roll { .. } => None,
            Self::Hold { why, .. } => Some(why),
        }
    }
}
