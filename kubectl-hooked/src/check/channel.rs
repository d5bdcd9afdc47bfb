//! The live channel as the cluster shows it: the operator's Service, and who stands behind it.

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Api;
use kube::api::ListParams;

use super::finding::{Check, Finding, some_of};
use super::settings::Settings;
use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

/// The Service of the live channel.
const SERVICE: &str = "hooked-controller-live";
/// The port of a Service that has none.
const PORT: i32 = 8443;

/// The Service, and who stands behind it.
#[derive(Debug, Default)]
pub(super) struct Channel {
    service: Option<Service>,
    slices: Vec<EndpointSlice>,
}

/// Reads both.
pub(super) async fn fetch(connection: &Connection, namespace: &str) -> Result<Channel, RequestError> {
    let client = &connection.client;
    let request = Request { verb: "get", asked: Asked::Service, name: SERVICE, namespace };
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let service = services.get_opt(SERVICE).await.map_err(|error| request.failed(&error))?;
    let request = Request { verb: "list", asked: Asked::EndpointSlice, name: "", namespace };
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), namespace);
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={SERVICE}"));
    let slices = slices.list(&of_service).await.map_err(|error| request.failed(&error))?.items;
    Ok(Channel { service, slices })
}

impl Channel {
    /// Where Pods reach the operator, as `IP:port`; none if they do not.
    fn address(&self) -> Option<String> {
        let spec = self.service.as_ref()?.spec.as_ref()?;
        let ip: std::net::IpAddr = spec.cluster_ip.as_ref()?.parse().ok()?;
        let port = spec.ports.iter().flatten().next().map_or(PORT, |port| port.port);
        Some(std::net::SocketAddr::new(ip, u16::try_from(port).ok()?).to_string())
    }

    /// Those behind the Service: what is not ready counts, since it publishes them too.
    fn behind(&self) -> Vec<&str> {
        let endpoints = self.slices.iter().flat_map(|slice| slice.endpoints.iter().flatten());
        endpoints.flat_map(|endpoint| endpoint.addresses.iter().map(String::as_str)).collect()
    }
}

/// Where Pods are to reach the operator: as it is told, or at its Service.
pub(super) fn address(fetched: &Result<Channel, RequestError>, settings: &Settings) -> Option<String> {
    if !settings.listens {
        return None;
    }
    settings.advertised.clone().or_else(|| fetched.as_ref().ok()?.address())
}

/// What is found of it.
pub(super) fn finding(fetched: &Result<Channel, RequestError>, settings: &Settings) -> Finding {
    let check = Check::LiveChannel;
    if !settings.listens {
        let words = "switched off by --live-bind-address=: hooks are told of when they have ended, and hang until then";
        return Finding::ok(check, words);
    }
    if let Some(address) = &settings.advertised {
        return Finding::ok(check, format!("Pods reach the operator at {address}, as it is told"));
    }
    let channel = match fetched {
        Ok(channel) => channel,
        Err(error) => return Finding::unanswered(check, error),
    };
    if channel.service.is_none() {
        let message = format!("there is no Service {SERVICE}");
        return Finding::problem(check, message, "`kubectl apply -k config/default` makes it");
    }
    let Some(address) = channel.address() else {
        let message = format!("the Service {SERVICE} has no address of its own (clusterIP)");
        return Finding::problem(check, message, "delete it and `kubectl apply -k config/default`");
    };
    match channel.behind().as_slice() {
        [] => Finding::problem(
            check,
            format!("{address} leads nowhere: no Pod stands behind the Service {SERVICE}"),
            "the operator that leads labels its own Pod hooked.dev/leader=true: look at its logs",
        ),
        behind => Finding::ok(check, format!("{address} leads to {}", some_of(behind))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::finding::Verdict;

    fn settings() -> Settings {
        Settings { listens: true, ..Settings::default() }
    }

    fn channel(service: &Value, addresses: &[&str]) -> Channel {
        let service = serde_json::from_value(service.clone()).unwrap();
        let slice = json!({"addressType": "IPv4", "endpoints": [{"addresses": addresses}], "ports": []});
        Channel { service, slices: vec![serde_json::from_value(slice).unwrap()] }
    }

    fn check(fetched: &Result<Channel, RequestError>, settings: &Settings, verdict: Verdict, words: &str) {
        let found = finding(fetched, settings);
        assert!(found.verdict == verdict && found.message.contains(words), "{found:?}");
    }

    #[test]
    fn a_service_with_an_address_and_somebody_behind_it_is_good() {
        let service = json!({"spec": {"clusterIP": "10.96.0.9", "ports": [{"port": 8443}]}});
        let good = Ok(channel(&service, &["10.0.0.4"]));
        check(&good, &settings(), Verdict::Ok, "10.96.0.9:8443 leads to 10.0.0.4");
        assert_eq!(address(&good, &settings()).as_deref(), Some("10.96.0.9:8443"));
        check(&Ok(channel(&service, &[])), &settings(), Verdict::Problem, "leads nowhere");
        check(&Ok(channel(&json!(null), &[])), &settings(), Verdict::Problem, "there is no Service");
        let headless = json!({"spec": {"clusterIP": "None"}});
        check(&Ok(channel(&headless, &[])), &settings(), Verdict::Problem, "no address of its own");
        let six =
            Ok(channel(&json!({"spec": {"clusterIP": "fd00::9", "ports": [{"port": 8443}]}}), &["fd00::1"]));
        assert_eq!(address(&six, &settings()).as_deref(), Some("[fd00::9]:8443"));
    }

    #[test]
    fn an_operator_that_listens_elsewhere_or_nowhere_needs_no_service() {
        let none = Err(RequestError::Unauthorized);
        let elsewhere = Settings { advertised: Some("192.0.2.1:8443".to_owned()), ..settings() };
        check(&none, &elsewhere, Verdict::Ok, "192.0.2.1:8443");
        let off = Settings { listens: false, ..elsewhere };
        check(&none, &off, Verdict::Ok, "switched off");
        assert_eq!(address(&none, &off), None);
        check(&none, &settings(), Verdict::Unknown, "credentials");
    }
}
