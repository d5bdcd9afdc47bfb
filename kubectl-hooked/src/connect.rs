//! From kubectl's flags to a client: which cluster, by which way, as whom, and which namespace.

mod error;
mod overrides;
mod proxy;
#[cfg(test)]
mod tests;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::arguments::ClusterFlags;

pub(crate) use error::ConnectError;

/// A cluster, and the namespace that commands work in.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

/// Reads the kubeconfig as kubectl does.
pub(crate) async fn connect(flags: &ClusterFlags) -> Result<Connection, ConnectError> {
    let config = config(flags, |name| std::env::var(name).ok()).await?;
    let namespace = flags.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    Ok(Connection { client: Client::try_from(config)?, namespace })
}

async fn config(
    flags: &ClusterFlags,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Config, ConnectError> {
    let ClusterFlags { context, cluster, user, .. } = flags;
    let options =
        KubeConfigOptions { context: context.clone(), cluster: cluster.clone(), user: user.clone() };
    let known = match &flags.kubeconfig {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    };
    let proxy = known.as_ref().ok().and_then(|known| proxy_url(known, &options));
    let made = match known {
        Ok(known) => Config::from_custom_kubeconfig(known, &options).await,
        Err(error) => Err(error),
    };
    let mut config = match (made, overrides::server(flags)?) {
        (Ok(config), _) => config,
        (Err(source), _) if !named_flags(flags).is_empty() => {
            return Err(ConnectError::Named { flags: named_flags(flags), source });
        }
        (Err(_), Some(server)) => Config::new(server),
        // In a Pod there is a cluster without a kubeconfig.
        (Err(_), None) => Config::infer().await?,
    };
    overrides::apply(flags, &mut config)?;
    // kube holds NO_PROXY against the proxy, where kubectl holds it against the cluster.
    config.proxy_url = proxy::choose(&config.cluster_url, proxy.as_deref(), variable)?;
    Ok(config)
}

/// The proxy that the kubeconfig names for the cluster that is chosen.
fn proxy_url(known: &Kubeconfig, options: &KubeConfigOptions) -> Option<String> {
    let context = options.context.as_ref().or(known.current_context.as_ref());
    let context = known.contexts.iter().find(|named| Some(&named.name) == context);
    let cluster = context.and_then(|named| named.context.as_ref()).map(|context| &context.cluster);
    let cluster = options.cluster.as_ref().or(cluster)?;
    known.clusters.iter().find(|named| named.name == *cluster)?.cluster.as_ref()?.proxy_url.clone()
}

/// The flags that name what the kubeconfig must have.
fn named_flags(flags: &ClusterFlags) -> String {
    let file = flags.kubeconfig.as_ref().map(|file| format!("--kubeconfig {}", file.display()));
    let named = [("--context", &flags.context), ("--cluster", &flags.cluster), ("--user", &flags.user)];
    let named = named.into_iter().filter_map(|(flag, name)| Some(format!("{flag} {}", name.as_ref()?)));
    file.into_iter().chain(named).collect::<Vec<_>>().join(" ")
}
