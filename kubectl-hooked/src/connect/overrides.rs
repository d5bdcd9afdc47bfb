//! What flags say of the API server and of who asks, over what the kubeconfig says.

use http::Uri;
use kube::Config;

use super::error::ConnectError;
use crate::arguments::ClusterFlags;

/// The address that `--server` names. As kubectl takes it, one without a scheme is one of HTTP.
pub(super) fn server(flags: &ClusterFlags) -> Result<Option<Uri>, ConnectError> {
    let Some(server) = &flags.server else { return Ok(None) };
    let whole = if server.contains("://") { server.clone() } else { format!("http://{server}") };
    let uri: Result<Uri, _> = whole.parse();
    let refused = |why: String| ConnectError::Server { server: server.clone(), why };
    let uri = uri.map_err(|error| refused(error.to_string()))?;
    match uri.scheme_str() {
        Some("http" | "https") => Ok(Some(uri)),
        scheme => Err(refused(format!("{} is neither https nor http", scheme.unwrap_or_default()))),
    }
}

/// Puts the flags over what is configured.
pub(super) fn apply(flags: &ClusterFlags, config: &mut Config) -> Result<(), ConnectError> {
    if let Some(server) = server(flags)? {
        config.cluster_url = server;
        // The name was that of another server.
        config.tls_server_name = None;
    }
    if flags.insecure_skip_tls_verify {
        config.accept_invalid_certs = true;
        (config.root_cert, config.root_cert_file) = (None, None);
    }
    if !flags.request_timeout.is_zero() {
        let limit = Some(flags.request_timeout);
        (config.connect_timeout, config.read_timeout, config.write_timeout) = (limit, limit, limit);
        // Otherwise a connection that has lain idle would have used up the time of the next request.
        config.reset_reader_on_write = true;
    }
    identity(flags, config)
}

/// Who asks, and as whom.
fn identity(flags: &ClusterFlags, config: &mut Config) -> Result<(), ConnectError> {
    let known = &mut config.auth_info;
    if let Some(token) = &flags.token {
        // It is taken instead of any other way in which the user shows who they are, but for certificates.
        known.token = Some(token.clone().into());
        (known.token_file, known.exec, known.auth_provider) = (None, None, None);
        (known.username, known.password) = (None, None);
    }
    if let Some(user) = &flags.impersonate {
        known.impersonate = Some(user.clone());
    }
    if let Some(uid) = &flags.impersonate_uid {
        known.impersonate_uid = Some(uid.clone());
    }
    if !flags.impersonate_groups.is_empty() {
        known.impersonate_groups = Some(flags.impersonate_groups.clone());
    }
    if known.impersonate.is_none() {
        let flag = if flags.impersonate_uid.is_some() { Some("--as-uid") } else { None };
        let flag = if flags.impersonate_groups.is_empty() { flag } else { Some("--as-group") };
        flag.map_or(Ok(()), |flag| Err(ConnectError::AsNobody { flag }))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn applied(flags: &ClusterFlags) -> Result<Config, String> {
        let mut config = Config::new(Uri::from_static("https://k8s:6443"));
        config.tls_server_name = Some("k8s".to_owned());
        config.root_cert = Some(vec![vec![1]]);
        config.auth_info.username = Some("somebody".to_owned());
        apply(flags, &mut config).map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn without_flags_all_stays_as_it_is_configured() {
        let config = applied(&ClusterFlags::default()).unwrap();
        assert_eq!(config.cluster_url, "https://k8s:6443/");
        assert_eq!(config.tls_server_name.as_deref(), Some("k8s"));
        assert!(config.root_cert.is_some() && !config.accept_invalid_certs);
        assert_eq!(config.auth_info.username.as_deref(), Some("somebody"));
        assert_eq!((config.read_timeout, config.connect_timeout), (None, Some(Duration::from_secs(30))));
    }

    #[test]
    fn each_flag_is_put_over_what_is_configured() {
        let config = applied(&ClusterFlags {
            server: Some("https://10.0.0.1".to_owned()),
            token: Some("t".to_owned()),
            impersonate: Some("jane".to_owned()),
            impersonate_groups: vec!["dev".to_owned(), "ops".to_owned()],
            impersonate_uid: Some("7".to_owned()),
            request_timeout: Duration::from_secs(9),
            insecure_skip_tls_verify: true,
            ..ClusterFlags::default()
        });
        let config = config.unwrap();
        assert_eq!(
            (config.cluster_url, config.tls_server_name),
            (Uri::from_static("https://10.0.0.1"), None)
        );
        assert!(config.accept_invalid_certs && config.root_cert.is_none());
        assert_eq!(config.read_timeout, Some(Duration::from_secs(9)));
        let known = config.auth_info;
        assert!(known.token.is_some() && known.username.is_none());
        assert_eq!(known.impersonate.as_deref(), Some("jane"));
        assert_eq!(known.impersonate_uid.as_deref(), Some("7"));
        assert_eq!(known.impersonate_groups.unwrap_or_default(), ["dev", "ops"]);
    }

    #[test]
    fn a_flag_that_cannot_be_followed_is_named_with_what_to_do() {
        let check = |flags: ClusterFlags, expect: &str| assert_eq!(applied(&flags).unwrap_err(), expect);
        let server =
            |server: &str| ClusterFlags { server: Some(server.to_owned()), ..ClusterFlags::default() };
        check(
            server("ftp://k8s"),
            "--server ftp://k8s cannot be used: ftp is neither https nor http; it is written as https://HOST:PORT",
        );
        check(
            server("https://"),
            "--server https:// cannot be used: empty string; it is written as https://HOST:PORT",
        );
        let groups = vec!["dev".to_owned()];
        check(
            ClusterFlags { impersonate_groups: groups, ..ClusterFlags::default() },
            "--as-group needs a user: name one by --as",
        );
        check(
            ClusterFlags { impersonate_uid: Some("7".to_owned()), ..ClusterFlags::default() },
            "--as-uid needs a user: name one by --as",
        );
    }
}
