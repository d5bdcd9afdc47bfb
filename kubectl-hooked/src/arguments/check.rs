//! Flags of `check`.

use std::time::Duration;

use clap::Args;

use super::duration::duration;
use super::format::Format;

/// What its exit codes mean.
const EXIT_CODES: &str = "\
Exit codes:
  0  nothing is in the way; there may be warnings
  1  there is a problem (or, as of all commands, no cluster to ask)
  2  there is no problem, but something could not be checked: a right is missing, or no answer came (or, as of all
     commands, misuse)";

/// Flags of `check`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct CheckOptions {
    /// Also make a short-lived Pod for each way in which the runner may come into Pods, and look how it does. Without
    /// this nothing is written.
    #[arg(long)]
    pub(crate) with_pod: bool,
    /// How long such a Pod may take, such as 60s or 2m.
    #[arg(long, value_parser = duration, default_value = "60s", requires = "with_pod")]
    pub(crate) timeout: Duration,
    /// The namespace that the operator is, or is to be, in.
    #[arg(long, value_name = "NAMESPACE", default_value = "hooked-system")]
    pub(crate) operator_namespace: String,
    /// The image that Pods get the runner from; that of the operator if absent.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) runner_image: Option<String>,
    /// The Service of the Prometheus that is to scrape the operator, as NAMESPACE/NAME[:PORT][/PREFIX]. It is asked
    /// through the API server.
    #[arg(long, value_name = "SERVICE", value_parser = service)]
    pub(crate) prometheus: Option<ServicePath>,
    /// Print for programs; people read the default.
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<Format>,
}

/// A Service that answers HTTP, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServicePath {
    pub(crate) namespace: String,
    /// Its name, and the name or the number of its port.
    pub(crate) service: String,
    /// What stands before every path; empty, or with a slash in front.
    pub(crate) prefix: String,
}

fn service(text: &str) -> Result<ServicePath, String> {
    let mut parts = text.splitn(3, '/');
    let (Some(namespace), Some(service)) = (parts.next(), parts.next()) else {
        return Err("it is written as NAMESPACE/NAME:PORT, such as monitoring/prometheus:9090".to_owned());
    };
    if namespace.is_empty() || service.is_empty() {
        return Err("neither the namespace nor the name may be empty".to_owned());
    }
    let prefix = parts.next().map(|prefix| prefix.trim_end_matches('/')).unwrap_or_default();
    let service = if service.contains(':') { service.to_owned() } else { format!("{service}:9090") };
    let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
    Ok(ServicePath { namespace: namespace.to_owned(), service, prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_with_its_namespace_its_port_and_what_stands_before_paths() {
        let check = |text: &str, expect: Option<(&str, &str, &str)>| {
            let said = service(text).ok();
            let said = said.as_ref().map(|said| (&*said.namespace, &*said.service, &*said.prefix));
            assert_eq!(said, expect, "{text}");
        };
        check("monitoring/prometheus", Some(("monitoring", "prometheus:9090", "")));
        check("monitoring/prometheus:web", Some(("monitoring", "prometheus:web", "")));
        check("monitoring/thanos:80/prom/", Some(("monitoring", "thanos:80", "/prom")));
        check("prometheus", None);
        check("/prometheus", None);
        check("monitoring/", None);
    }
}
