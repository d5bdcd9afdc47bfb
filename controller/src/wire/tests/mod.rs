//! Tests of the room on what an API server has answered: `recorded/` holds the same answers as JSON and as protobuf,
//! and `record.sh` there is how they came to be.

mod drift;
mod equal;
mod reads;
mod served;

use std::path::PathBuf;

/// An answer as it was recorded.
fn recorded(file: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/wire/recorded").join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
