//! Which Pod a runner is in: proven by a token that the cluster signed, or by a proof that the operator gave
//! out before.

mod keys;
mod proof;
mod signature;
mod token;

pub(crate) use token::{Authenticator, Identity};
