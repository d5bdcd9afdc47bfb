//! Runs an exec hook.
fn main() {}
