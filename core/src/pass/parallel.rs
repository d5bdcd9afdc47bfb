//! Requests side by side.

use futures::{StreamExt, stream};

/// The most requests under way at once for one workload.
pub(super) const PARALLEL: usize = 32;

/// Carries requests out side by side, and returns what has become of each.
pub(super) async fn all<T>(requests: Vec<impl Future<Output = T>>) -> Vec<T> {
    stream::iter(requests).buffer_unordered(PARALLEL).collect().await
}
