//! What holds of the operator as it ships.

mod act;
mod adopt;
mod adopt_from;
mod apply;
mod begin;
mod commit;
mod equal;
mod fail;
mod held;
mod hold;
mod inject;
mod lead;
mod leave;
mod lives;
mod prune;
mod ready;
mod requests;
mod rollback;
mod several;
mod skew;
mod sweep;
mod unknown;
mod unrunnable;
mod watches;
mod watching;
