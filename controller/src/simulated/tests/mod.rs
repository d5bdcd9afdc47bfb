//! What holds of the operator as it ships.

mod act;
mod apply;
mod commit;
mod hold;
mod lead;
mod leave;
mod prune;
mod sweep;
mod watches;
