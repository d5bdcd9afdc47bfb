//! Words of a stored ledger of which a newer operator may have written some that this one does not know.

use serde::{Deserialize, Serialize};

/// One such word. A ledger is not refused for it, since an operator that is rolled back would then count no more.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Word<T> {
    /// A word that this operator knows.
    Known(T),
    /// A word of a newer operator.
    Newer(String),
}

impl<T> Word<T> {
    /// What the word says, or `unknown` if only a newer operator knows it.
    pub(super) fn or(self, unknown: T) -> T {
        match self {
            Self::Known(known) => known,
            Self::Newer(_) => unknown,
        }
    }
}
