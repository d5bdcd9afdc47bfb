//! A place that breaks a rule.

use std::fmt;

/// A place that breaks a rule, as editors and people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) rule: &'static str,
    /// What is wrong, and how to mend it.
    pub(super) what: String,
}

impl Violation {
    pub(super) fn new(path: &str, line: usize, rule: &'static str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, what } = self;
        write!(out, "{path}:{line}: {rule}: {what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_reads_as_a_compiler_error_does() {
        let violation = Violation::new("core/src/lib.rs", 7, "a-rule", "it is broken; mend it");
        assert_eq!(violation.to_string(), "core/src/lib.rs:7: a-rule: it is broken; mend it");
    }
}
