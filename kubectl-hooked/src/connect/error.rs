//! Why there is no cluster to ask, in words that name the flag and the fix.

use kube::config::{InferConfigError, KubeconfigError};
use thiserror::Error;

/// Why there is no cluster to ask.
#[derive(Debug, Error)]
pub(crate) enum ConnectError {
    /// No flags, and nothing to go by.
    #[error("no cluster is configured: set KUBECONFIG or --kubeconfig ({0})")]
    Nothing(#[from] InferConfigError),
    /// The file, the context, the cluster or the user that a flag names cannot be used.
    #[error("{flags} cannot be used: {source}; `kubectl config view` shows what there is")]
    Named {
        /// The flags.
        flags: String,
        /// What is wrong with it.
        source: KubeconfigError,
    },
    /// What `--server` names is no address.
    #[error("--server {server} cannot be used: {why}; it is written as https://HOST:PORT")]
    Server {
        /// What it names.
        server: String,
        /// What is wrong with it.
        why: String,
    },
    /// A group or a UID is to be taken on without a user.
    #[error("{flag} needs a user: name one by --as")]
    AsNobody {
        /// The flag.
        flag: &'static str,
    },
    /// There is no way through what is named as the proxy.
    #[error("{place} cannot be used: {why}; it is written as http://HOST:PORT")]
    Proxy {
        /// Where it is named.
        place: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A certificate or an address is wrong.
    #[error("the kubeconfig makes no client: {0}")]
    Client(#[from] kube::Error),
}
