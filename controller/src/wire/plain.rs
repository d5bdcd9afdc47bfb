//! Whether JSON alone is asked for: once an answer in protobuf could not be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::BoxError;

use super::fault::WireError;

/// Whether JSON alone is asked for.
#[derive(Clone, Default)]
pub(super) struct Plain(Arc<AtomicBool>);

impl Plain {
    /// Whether it is so.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The error, from which on JSON is asked for.
    pub(super) fn after(&self, error: WireError) -> BoxError {
        tracing::error!(%error, "an answer in protobuf cannot be read: JSON is asked for from now on");
        self.0.store(true, Ordering::Relaxed);
        error.into()
    }
}
