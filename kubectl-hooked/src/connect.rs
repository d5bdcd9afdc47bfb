//! From kubectl's flags to a client: which cluster, and which namespace.

use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use thiserror::Error;

use crate::arguments::ClusterFlags;

/// Why there is no cluster to ask.
#[derive(Debug, Error)]
pub(crate) enum ConnectError {
    /// No flags, and nothing to go by.
    #[error("no cluster is configured: set KUBECONFIG or --kubeconfig ({0})")]
    Nothing(#[from] InferConfigError),
    /// The file or the context that a flag names cannot be used.
    #[error("{flags} cannot be used: {source}; `kubectl config get-contexts` lists what there is")]
    Named {
        /// The flags.
        flags: String,
        /// What is wrong with it.
        source: KubeconfigError,
    },
    /// A certificate or an address is wrong.
    #[error("the kubeconfig makes no client: {0}")]
    Client(#[from] kube::Error),
}

/// A cluster, and the namespace that commands work in.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

/// Reads the kubeconfig as kubectl does.
pub(crate) async fn connect(flags: &ClusterFlags) -> Result<Connection, ConnectError> {
    let config = config(flags).await?;
    let namespace = flags.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    Ok(Connection { client: Client::try_from(config)?, namespace })
}

async fn config(flags: &ClusterFlags) -> Result<Config, ConnectError> {
    let ClusterFlags { context, kubeconfig, namespace: _ } = flags;
    if context.is_none() && kubeconfig.is_none() {
        return Ok(Config::infer().await?);
    }
    let named = |source| ConnectError::Named { flags: named_flags(flags), source };
    let known = match kubeconfig {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    };
    let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(known.map_err(named)?, &options).await.map_err(named)
}

fn named_flags(flags: &ClusterFlags) -> String {
    let file = flags.kubeconfig.as_ref().map(|file| format!("--kubeconfig {}", file.display()));
    let context = flags.context.as_ref().map(|context| format!("--context {context}"));
    [file, context].into_iter().flatten().collect::<Vec<_>>().join(" ")
}
