//! Requests side by side.

use futures::{StreamExt, stream};

use super::error::ActError;

/// The most requests under way at once for one workload.
pub(super) const PARALLEL: usize = 32;

/// Carries requests out side by side, and returns what has become of each.
pub(super) async fn all<T>(
    requests: Vec<impl Future<Output = Result<T, ActError>>>,
) -> Vec<Result<T, ActError>> {
    stream::iter(requests).buffer_unordered(PARALLEL).collect().await
}
