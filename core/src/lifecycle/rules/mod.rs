//! The conclusions that evidence allows, each a pure function named by what it concludes.
//!
//! The rules of a chain are tried in order and the first one that answers wins, so an earlier rule is a
//! stronger one. Where no rule answers, the verdict is Unknown: never a guess shown as a fact.

mod deadline;
mod kill;
mod post_start;
mod pre_stop;
mod verdict;
mod view;

pub(super) use kill::{KillVerdict, kill};
pub(super) use post_start::post_start;
pub(super) use pre_stop::{pre_stop, pre_stop_before};
pub(super) use verdict::Verdict;
pub(super) use view::View;
