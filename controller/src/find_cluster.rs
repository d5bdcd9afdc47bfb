//! Which cluster this program speaks to, whatever it was started for.

use kube::Config;
use kube::config::InferConfigError;

/// The cluster that this process runs in, or else the one that a kubeconfig names.
pub(crate) async fn find_cluster() -> Result<Config, InferConfigError> {
    match Config::incluster() {
        Ok(cluster) => Ok(cluster),
        Err(_) => Config::infer().await,
    }
}
