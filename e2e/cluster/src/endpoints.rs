//! Where a cluster's programs listen and what addresses its services have.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

use crate::network::Network;

/// The addresses and ports that command lines and certificates name.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    /// The node's address, and the API server's.
    pub(crate) node: Ipv4Addr,
    /// The service `kubernetes`.
    pub(crate) kubernetes: Ipv4Addr,
    /// The range of services' addresses.
    pub(crate) services: String,
    pub(crate) api_server: u16,
    store: u16,
    store_peers: u16,
}

impl Endpoints {
    /// Those of a cluster that has a network to itself, and so every port.
    pub(crate) fn of(network: Network) -> Self {
        Self {
            node: network.node(),
            kubernetes: network.kubernetes(),
            services: network.services(),
            api_server: 6443,
            store: 2379,
            store_peers: 2380,
        }
    }

    /// Those of programs that run beside all others on this machine: ports that nobody uses now.
    pub(crate) fn local() -> Result<Self> {
        let [api_server, store, store_peers] = free_ports()?;
        let (node, kubernetes) = (Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 204, 0, 1));
        Ok(Self { node, kubernetes, services: "10.204.0.0/16".into(), api_server, store, store_peers })
    }

    /// Where clients reach the API server.
    pub(crate) fn server(&self) -> String {
        format!("https://{}:{}", self.node, self.api_server)
    }

    /// Where the API server reaches etcd.
    pub(crate) fn store(&self) -> String {
        format!("http://127.0.0.1:{}", self.store)
    }

    /// Where etcd would listen to others of its kind.
    pub(crate) fn store_peers(&self) -> String {
        format!("http://127.0.0.1:{}", self.store_peers)
    }
}

/// Different ones, since all of them are held until the last is found.
pub(crate) fn free_ports<const COUNT: usize>() -> Result<[u16; COUNT]> {
    let held: Vec<TcpListener> = (0..COUNT)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<std::io::Result<_>>()
        .context("no port is free")?;
    let mut ports = [0; COUNT];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn free_ports_are_different_ones() {
        let ports = free_ports::<8>().unwrap();
        assert_eq!(ports.into_iter().collect::<BTreeSet<_>>().len(), 8);
    }
}
