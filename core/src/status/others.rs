//! Other workloads, named in a message.

/// How many are named.
const NAMED: usize = 5;

/// The first of these names, and how many more there are.
pub(super) fn some_of(names: &[&str]) -> String {
    let first = names.get(..NAMED).unwrap_or(names).join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
