//! What the operator is told on its command line.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};
use jiff::Timestamp;

use hooked_core::names::FIELD_MANAGER;

use crate::logs::LogSettings;
use crate::own_pod::OwnPod;
use crate::verify::Verify;

/// A Kubernetes operator whose workloads tell the truth about their container lifecycle hooks.
#[derive(Clone, Debug, Parser)]
#[command(name = "hooked-controller", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// Absent: the operator runs.
    #[command(subcommand)]
    pub(crate) question: Option<Verify>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// How the operator works.
#[derive(Clone, Debug, Args)]
pub(crate) struct Settings {
    /// Where metrics are served, such as `:8080`.
    #[arg(long, default_value = ":8080", value_parser = parse_address)]
    pub(crate) metrics_bind_address: SocketAddr,
    /// Serve metrics over TLS, and to those alone whose token the API server knows (`TokenReview`) and lets `get`
    /// `/metrics` (`SubjectAccessReview`). The rights for it are in config/components/metrics-tls.
    #[arg(long)]
    pub(crate) metrics_secure: bool,
    /// With --metrics-secure, the directory of `tls.crt` and `tls.key`, which are read again when they change. If
    /// absent or empty, metrics have a certificate that the operator makes when it starts, and nobody can check.
    #[arg(long)]
    pub(crate) metrics_cert_dir: Option<String>,
    /// Where `/healthz` and `/readyz` are served, such as `:8081`.
    #[arg(long, default_value = ":8081", value_parser = parse_address)]
    pub(crate) health_probe_bind_address: SocketAddr,
    /// A namespace to work in; may be given several times. All namespaces if absent.
    #[arg(long = "namespace")]
    pub(crate) namespaces: Vec<String>,
    /// A namespace of which the operator is gone for good; may be given several times. The workloads that were that
    /// operator's become this one's when it starts, with all that was counted.
    #[arg(long = "take-over", value_name = "NAMESPACE")]
    pub(crate) take_over: Vec<String>,
    /// The image that holds the hook-runner; Pods get it as an image volume or by an init container. If absent or
    /// empty, the image of the operator's own container.
    #[arg(long)]
    pub(crate) runner_image: Option<String>,
    /// A Secret by which that image is pulled, beside those that a Pod has of its own or of its service account. There
    /// must be one of that name in every namespace with such Pods: the operator copies none.
    #[arg(long)]
    pub(crate) runner_pull_secret: Option<String>,
    /// The architectures that the runner's image is for, such as `amd64,arm64`. If absent, the operator's own. Pods
    /// that may land on nodes of another one are observed.
    #[arg(long, value_delimiter = ',')]
    pub(crate) runner_architectures: Vec<String>,
    /// How the hook-runner gets into Pods. Auto takes image volumes where every node supports them.
    #[arg(long, value_enum, default_value_t = Injection::Auto, ignore_case = true)]
    pub(crate) injection: Injection,
    /// Work only while holding the Lease `hooked-controller` in the operator's own namespace. With `false` nothing
    /// keeps two operators from counting side by side.
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        overrides_with = "leader_elect",
        action = clap::ArgAction::Set
    )]
    pub(crate) leader_elect: bool,
    /// Where runners report to while hooks run, such as `:8443`; empty: nowhere.
    #[arg(long, default_value = ":8443", value_parser = parse_optional_address)]
    pub(crate) live_bind_address: Listening,
    /// Where Pods reach that, as `IP:port`, if not at the address of the Service hooked-controller-live.
    #[arg(long)]
    pub(crate) live_advertise_address: Option<SocketAddr>,
    /// Seconds for which an authority of the live channel lasts.
    #[arg(long, default_value_t = 365 * 86_400, value_parser = clap::value_parser!(u32).range(30..), hide = true)]
    pub(crate) live_authority_seconds: u32,
    /// Seconds for which a certificate of the live channel lasts.
    #[arg(long, default_value_t = 30 * 86_400, value_parser = clap::value_parser!(u32).range(15..), hide = true)]
    pub(crate) live_certificate_seconds: u32,
    /// Where the API server has Pods of others reviewed while they are created, such as `:9443`, so that what
    /// workloads with a `workloadRef` ask for is put into them; empty: nowhere. What belongs to it is in
    /// config/injector.
    #[arg(long, default_value = "", value_parser = parse_optional_address)]
    pub(crate) inject_bind_address: Listening,
    /// The `MutatingWebhookConfiguration` by which the API server knows that.
    #[arg(long, default_value = "hooked-injector")]
    pub(crate) inject_configuration: String,
    /// The namespace the operator runs in.
    #[arg(long, env = "POD_NAMESPACE", default_value = "hooked-system", hide = true)]
    pub(crate) pod_namespace: String,
    /// The Pod the operator runs in.
    #[arg(long, env = "POD_NAME", default_value = "hooked-controller", hide = true)]
    pub(crate) pod_name: String,
    /// How many workloads are reconciled at once.
    #[arg(long, default_value_t = 16)]
    pub(crate) concurrency: u16,
    #[command(flatten)]
    pub(crate) log: LogSettings,
}

/// What concerns the hook-runner.
#[derive(Clone, Debug)]
pub(crate) struct RunnerSettings {
    pub(crate) image: Option<String>,
    pub(crate) pull_secret: Option<String>,
    pub(crate) architectures: Vec<String>,
    pub(crate) injection: Injection,
    /// Where the operator's own Pod is.
    pub(crate) pod_namespace: String,
    pub(crate) pod_name: String,
}

/// What the injector is told.
#[derive(Clone, Debug)]
pub(crate) struct InjectorSettings {
    /// Where it is served; none if it is not.
    pub(crate) bind_address: Option<SocketAddr>,
    /// The configuration by which the API server knows it.
    pub(crate) configuration: String,
    /// What it shares with the live channel: where the operator is, and how long certificates last.
    pub(crate) live: hooked_live::Options,
}

/// An address to listen on, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listening(pub(crate) Option<SocketAddr>);

impl Settings {
    /// What concerns the hook-runner. An empty word is none, as charts render it.
    pub(crate) fn runner(&self) -> RunnerSettings {
        let is_said = |word: &String| !word.is_empty();
        RunnerSettings {
            image: self.runner_image.clone().filter(is_said),
            pull_secret: self.runner_pull_secret.clone().filter(is_said),
            architectures: self.runner_architectures.iter().filter(|word| is_said(word)).cloned().collect(),
            injection: self.injection,
            pod_namespace: self.pod_namespace.clone(),
            pod_name: self.pod_name.clone(),
        }
    }

    /// The Pod that the operator runs in.
    pub(crate) fn own_pod(&self) -> OwnPod {
        OwnPod { namespace: self.pod_namespace.clone(), name: self.pod_name.clone() }
    }

    /// What concerns the injector.
    pub(crate) fn injector(&self) -> InjectorSettings {
        InjectorSettings {
            bind_address: self.inject_bind_address.0,
            configuration: self.inject_configuration.clone(),
            live: self.live(),
        }
    }

    /// What concerns the live channel.
    pub(crate) fn live(&self) -> hooked_live::Options {
        hooked_live::Options {
            bind_address: self.live_bind_address.0,
            advertise_address: self.live_advertise_address,
            namespace: self.pod_namespace.clone(),
            pod: self.pod_name.clone(),
            field_manager: FIELD_MANAGER,
            authority_lifetime: Duration::from_secs(self.live_authority_seconds.into()),
            certificate_lifetime: Duration::from_secs(self.live_certificate_seconds.into()),
            clock: Timestamp::now,
        }
    }
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

fn parse_optional_address(text: &str) -> Result<Listening, String> {
    if text.is_empty() { Ok(Listening(None)) } else { parse_address(text).map(Some).map(Listening) }
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

    #[test]
    fn an_empty_word_about_the_runner_is_none() {
        let told = |options: &[&str]| {
            let settings = Cli::parse_from(["hooked-controller"].iter().chain(options)).settings.runner();
            (settings.image, settings.pull_secret, settings.architectures)
        };
        assert_eq!(told(&[]), (None, None, vec![]));
        let empty = ["--runner-image=", "--runner-pull-secret=", "--runner-architectures="];
        assert_eq!(told(&empty), (None, None, vec![]));
        let all = ["--runner-image=i", "--runner-pull-secret=s", "--runner-architectures=amd64,arm64"];
        let architectures = vec!["amd64".to_owned(), "arm64".to_owned()];
        assert_eq!(told(&all), (Some("i".to_owned()), Some("s".to_owned()), architectures));
    }

    #[test]
    fn there_is_leadership_unless_somebody_says_no_and_the_last_word_counts() {
        let check = |options: &[&str], expect: bool| {
            let words = ["hooked-controller", "--runner-image=x"].iter().chain(options);
            assert_eq!(Cli::parse_from(words).settings.leader_elect, expect, "{options:?}");
        };
        check(&[], true);
        check(&["--leader-elect"], true);
        check(&["--leader-elect=true"], true);
        check(&["--leader-elect=false"], false);
        check(&["--leader-elect=false", "--leader-elect"], true);
    }
}
