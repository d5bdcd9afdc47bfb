//! What the operator is told on its command line.

use std::net::SocketAddr;

use clap::{Parser, ValueEnum};

/// A Kubernetes operator whose workloads tell the truth about their container lifecycle hooks.
#[derive(Clone, Debug, Parser)]
#[command(name = "hooked-controller", version)]
pub(crate) struct Settings {
    /// Where metrics are served, such as `:8080`.
    #[arg(long, default_value = ":8080", value_parser = parse_address)]
    pub(crate) metrics_bind_address: SocketAddr,
    /// Where `/healthz` and `/readyz` are served, such as `:8081`.
    #[arg(long, default_value = ":8081", value_parser = parse_address)]
    pub(crate) health_probe_bind_address: SocketAddr,
    /// A namespace to work in; may be given several times. All namespaces if absent.
    #[arg(long = "namespace")]
    pub(crate) namespaces: Vec<String>,
    /// The image that holds the hook-runner; Pods get it as an image volume or by an init container.
    #[arg(long, default_value = "hooked.dev/hooked:dev")]
    pub(crate) runner_image: String,
    /// How the hook-runner gets into Pods. Auto takes image volumes where every node supports them.
    #[arg(long, value_enum, default_value_t = Injection::Auto, ignore_case = true)]
    pub(crate) injection: Injection,
    /// Work only while holding the Lease `hooked-controller` in the operator's own namespace. Without it nothing keeps two
    /// operators from counting side by side.
    #[arg(long)]
    pub(crate) leader_elect: bool,
    /// How many workloads are reconciled at once.
    #[arg(long, default_value_t = 16)]
    pub(crate) concurrency: u16,
}

/// How the hook-runner gets into Pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum Injection {
    /// By an image volume where every node supports them, else by an init container.
    Auto,
    /// By an image volume.
    ImageVolume,
    /// By an init container.
    InitContainer,
}

/// Reads an address as Go programs write it: an absent host means every address of the machine.
fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let full = if text.starts_with(':') { format!("[::]{text}") } else { text.to_owned() };
    full.parse().map_err(|_| format!("{text:?} is no address such as :8080 or 127.0.0.1:8080"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_host_means_every_address() {
        assert_eq!(parse_address(":8080").unwrap().to_string(), "[::]:8080");
        assert_eq!(parse_address("127.0.0.1:1").unwrap().to_string(), "127.0.0.1:1");
        assert!(parse_address("8080").is_err());
    }
}
