//! One list of the stored revisions of all workloads, when the operator begins.

use hooked_core::pass::{Cluster, call};
use hooked_core::watch::{Index, ListedRevisions};

use super::scope::Scope;

/// Lists them page by page and fills the index. Without the list each workload's first pass asks for its own.
pub(crate) async fn list_revisions(cluster: &impl Cluster, scope: &Scope, index: &Index) {
    let (mut listed, mut token) = (ListedRevisions::default(), String::new());
    loop {
        match cluster.send(call::list_all_revisions(scope.0.as_deref(), &token)).await {
            Ok(page) => token = listed.take_page(&page),
            Err(error) => {
                tracing::warn!(%error, "stored revisions could not be listed at once: each workload's are asked for");
                return;
            }
        }
        if token.is_empty() {
            return index.show_revisions(listed);
        }
    }
}
