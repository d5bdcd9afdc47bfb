//! Which cluster to ask, and as whom: kubectl's own flags, on every command.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hooked_crd::GoDuration;

/// Which cluster, where in it, and as whom.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterFlags {
    /// The namespace; that of the kubeconfig's context if absent.
    #[arg(short, long, global = true)]
    pub(crate) namespace: Option<String>,
    /// The context of the kubeconfig to use.
    #[arg(long, global = true)]
    pub(crate) context: Option<String>,
    /// The kubeconfig file; KUBECONFIG or ~/.kube/config if absent.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The cluster of the kubeconfig to use; that of the context if absent.
    #[arg(long, global = true)]
    pub(crate) cluster: Option<String>,
    /// The user of the kubeconfig to use; that of the context if absent.
    #[arg(long, global = true)]
    pub(crate) user: Option<String>,
    /// The address of the API server, such as `https://10.0.0.1:6443`.
    #[arg(short, long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The bearer token to show to the API server. Others on this machine may see it in the list of processes.
    #[arg(long, global = true)]
    pub(crate) token: Option<String>,
    /// Act as this user, whom you must be allowed to impersonate.
    #[arg(long = "as", global = true, value_name = "USER")]
    pub(crate) impersonate: Option<String>,
    /// Act as a member of this group; may be given several times.
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub(crate) impersonate_groups: Vec<String>,
    /// Act as the user of this UID.
    #[arg(long = "as-uid", global = true, value_name = "UID")]
    pub(crate) impersonate_uid: Option<String>,
    /// How long to wait for each answer of the API server, such as 30s, or 30, which is the same; 0 waits on.
    #[arg(long, global = true, value_name = "DURATION", value_parser = timeout, default_value = "0")]
    pub(crate) request_timeout: Duration,
    /// Take any certificate of the API server. Whoever is on the way can then read and change all.
    #[arg(long, global = true)]
    pub(crate) insecure_skip_tls_verify: bool,
}

/// A number of seconds, or a duration with its unit, as kubectl takes both.
fn timeout(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let GoDuration(duration) =
        text.parse().map_err(|error| format!("{error}; it is written as 30s, 2m or 30"))?;
    Ok(duration)
}

/// Without the token: what is printed for a failed test, say, is no place for it.
impl std::fmt::Debug for ClusterFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterFlags")
            .field("namespace", &self.namespace)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_timeout_is_written_in_each_form_of_kubectl() {
        let check = |text, expect: Option<u64>| {
            assert_eq!(timeout(text).ok(), expect.map(Duration::from_secs), "{text}");
        };
        check("0", Some(0));
        check("10", Some(10));
        check("30s", Some(30));
        check("1m30s", Some(90));
        check("soon", None);
        check("", None);
        check("-1", None);
    }
}
