//! From values to lines of text: pure, so that tests see exactly what people see.

mod bar;
mod labelled;
mod line;
mod named;
mod table;
mod time;
mod tone;
mod took;

pub(crate) use bar::bar;
pub(crate) use labelled::labelled;
pub(crate) use line::{Line, wrap};
pub(crate) use named::named;
pub(crate) use table::{Cut, table};
pub(crate) use time::{ago, clock, short};
pub(crate) use tone::{Tone, of_condition, of_outcome};
pub(crate) use took::{is_estimate, took};
