//! The conclusions that evidence allows, each a pure function named by what it concludes.
//!
//! A chain is tried in order and the first rule that answers wins, so an earlier rule is a stronger one. Where nothing
//! can tell, the answer is Unknown: never a guess shown as a fact.

mod kill;
mod post_start;
mod pre_stop;
mod verdict;
mod view;

pub use kill::{KillVerdict, kill};
pub use post_start::post_start;
pub use pre_stop::pre_stop;
pub use verdict::Verdict;
pub use view::View;
