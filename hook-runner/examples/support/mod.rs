//! What both benchmarks need: a place for their files, and the operator of the tests.

use std::error::Error;
use std::fs;
use std::path::Path;

#[allow(dead_code, reason = "the tests do more with it")]
#[path = "../../tests/runner/operator.rs"]
pub(crate) mod operator;

/// What a benchmark comes to.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Measures with a directory at hand, which is removed afterwards.
pub(crate) fn in_scratch(name: &str, measure: impl FnOnce(&Path) -> Outcome<()>) -> Outcome<()> {
    let scratch = std::env::temp_dir().join(format!("hook-runner-{name}-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let done = measure(&scratch);
    fs::remove_dir_all(&scratch)?;
    done
}
