//! The proxy on the way to the API server: that of the kubeconfig, or that of the environment.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::error::ConnectError;

/// The kubeconfig's field that names one.
const OF_KUBECONFIG: &str = "proxy-url of the kubeconfig";
/// What can be connected through. kube resolves names at the proxy for both kinds of SOCKS.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// The proxy to a cluster, chosen as kubectl does: `proxy-url` holds whatever stands in `NO_PROXY`; the environment
/// names none for this machine. `variable` reads the environment.
pub(super) fn choose(
    cluster: &Uri,
    of_kubeconfig: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Uri>, ConnectError> {
    if let Some(proxy) = of_kubeconfig.filter(|proxy| !proxy.is_empty()) {
        return parse(proxy, OF_KUBECONFIG).map(Some);
    }
    let first = |names: [&'static str; 2]| {
        let set = names.into_iter().filter_map(|name| Some((name, variable(name)?)));
        set.into_iter().find(|(_, value)| !value.is_empty())
    };
    let is_secure = cluster.scheme_str() == Some("https");
    let names = if is_secure { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let Some((name, proxy)) = first(names).filter(|_| !is_local(cluster)) else { return Ok(None) };
    let uri = parse(&proxy, name)?;
    let (_, except) = first(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    // Whether it is used: what is used may have a user and a password, which a match no longer has.
    let matcher = Matcher::builder().http(&proxy).https(&proxy).no(except).build();
    Ok(matcher.intercept(cluster).map(|_| uri))
}

fn is_local(cluster: &Uri) -> bool {
    let host = cluster.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An address without a scheme is one of HTTP. The address is not told: it may hold a password.
fn parse(proxy: &str, place: &'static str) -> Result<Uri, ConnectError> {
    let whole = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    let refused = |why: String| ConnectError::Proxy { place, why };
    let uri: Uri = whole.parse().map_err(|error| refused(format!("{error}")))?;
    match uri.scheme_str() {
        Some("socks5h") => {
            whole.replacen("socks5h", "socks5", 1).parse().map_err(|error| refused(format!("{error}")))
        }
        Some(scheme) if SCHEMES.contains(&scheme) => Ok(uri),
        scheme => Err(refused(format!("{} is none of {}", scheme.unwrap_or_default(), SCHEMES.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cluster: &'static str, of_kubeconfig: Option<&str>, variables: &[(&str, &str)], expect: &str) {
        let variable = |name: &str| {
            let set = variables.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned())
        };
        let chosen = match choose(&Uri::from_static(cluster), of_kubeconfig, variable) {
            Ok(Some(uri)) => uri.to_string(),
            Ok(None) => "none".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(chosen, expect, "{cluster} {of_kubeconfig:?} {variables:?}");
    }

    #[test]
    fn the_kubeconfig_names_a_proxy_before_the_environment_does() {
        let set = [("HTTPS_PROXY", "http://other:1"), ("NO_PROXY", "*")];
        check("https://k8s:6443", Some("http://proxy:3128"), &set, "http://proxy:3128/");
        check("https://k8s:6443", Some("socks5h://proxy:1080"), &[], "socks5://proxy:1080/");
        check("https://k8s:6443", Some(""), &[], "none");
    }

    #[test]
    fn the_environment_names_a_proxy_but_not_for_what_no_proxy_excepts() {
        let proxy = ("HTTPS_PROXY", "http://me:pass@proxy:3128");
        let chosen = "http://me:pass@proxy:3128/";
        check("https://k8s.test:6443", None, &[proxy], chosen);
        check("https://k8s.test:6443", None, &[("https_proxy", "proxy:3128")], "http://proxy:3128/");
        check("https://k8s.test:6443", None, &[proxy, ("NO_PROXY", "other,.svc,")], chosen);
        // An exception of the proxy itself is none of the cluster.
        check("https://k8s.test:6443", None, &[proxy, ("NO_PROXY", "proxy")], chosen);
        check("https://k8s.test:6443", None, &[proxy, ("NO_PROXY", "other, .test")], "none");
        check("https://10.1.2.3:6443", None, &[proxy, ("no_proxy", "10.0.0.0/8")], "none");
        check("https://127.0.0.1:6443", None, &[proxy], "none");
        check("https://[::1]:6443", None, &[proxy], "none");
        check("https://localhost:6443", None, &[proxy], "none");
        check("http://k8s.test:8080", None, &[proxy], "none");
        check("http://k8s.test:8080", None, &[("HTTP_PROXY", "http://proxy:80")], "http://proxy:80/");
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_told_of_without_its_password() {
        check(
            "https://k8s:6443",
            None,
            &[("HTTPS_PROXY", "ftp://me:pass@proxy")],
            "HTTPS_PROXY cannot be used: ftp is none of http, https, socks5, socks5h; it is written as \
             http://HOST:PORT",
        );
        check(
            "https://k8s:6443",
            Some("http://me:pass@pro xy"),
            &[],
            "proxy-url of the kubeconfig cannot be used: invalid uri character; it is written as http://HOST:PORT",
        );
    }
}
