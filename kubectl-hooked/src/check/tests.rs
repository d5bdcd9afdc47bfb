//! The command before an API server of fixtures: what is said of a cluster in text and as JSON, and what is asked.

use serde_json::{Value, json};

use super::*;
use crate::arguments::ServicePath;
use crate::served::{Served, bare, forbidden, installed, not_found};

fn options() -> CheckOptions {
    CheckOptions {
        with_pod: false,
        timeout: std::time::Duration::from_secs(60),
        operator_namespace: "hooked-system".to_owned(),
        runner_image: None,
        prometheus: None,
        output: None,
    }
}

fn text(report: &Report, width: Option<usize>) -> Vec<String> {
    text::lines(report, width).iter().map(|line| line.text(false)).collect()
}

/// The findings as `Check Verdict`.
fn verdicts(report: &Report) -> Vec<String> {
    report.findings.iter().map(|finding| format!("{:?} {:?}", finding.check, finding.verdict)).collect()
}

#[tokio::test]
async fn an_installation_that_is_well_is_shown_so() {
    let served = Served::new(installed);
    let report = look(&served.connection(), &options()).await;
    assert_eq!(
        text(&report, Some(100)),
        [
            "CHECK                  VERDICT     FINDING",
            "ApiServer              Ok          Kubernetes v1.36.3",
            "Definition             Ok          v1alpha1, with all fields that this program knows",
            "Operator               Ok          hooked-controller: 1 of 1 available, image hooked:1",
            "RunnerImage            Ok          hooked:1: whether your Pods can pull it is shown by --with-pod",
            "Leader                 Ok          hooked-controller-1 leads",
            "OperatorRights         Ok          the operator may do all that config/rbac gives it",
            "LiveChannel            Ok          10.96.0.9:8443 leads to 10.0.0.4",
            "YourRights             Ok          you may read HookedWorkloads, their Pods, logs, Events and",
            "                                   revisions",
            "NodeSystem             Ok          2 of 2 run linux",
            "NodeArchitecture       Ok          amd64 (2)",
            "NodeRuntime            Ok          containerd://2.2.0 (2); kernel 6.12.0 (2)",
            "ImageVolumes           Ok          2 of 2 mount images: the runner comes as an image volume",
            "Policies               Ok          namespace shop takes Pods with the runner",
            "NetworkPolicies        Ok          none limits the way from Pods to the operator",
            "Prometheus             NotChecked  whether it scrapes is not known: name it by --prometheus",
            "                                   NAMESPACE/NAME:PORT",
            "RunnerByInitContainer  NotChecked  --with-pod makes a Pod that shows it: pull, noexec, processor,",
            "                                   the way to the operator",
            "",
            "2 not checked, for Pods in namespace shop.",
        ]
    );
    assert_eq!(report.end(), End::Done);
    assert_eq!(served.written(), [""; 0]);
    let narrow = text(&report, Some(40));
    let at = narrow.iter().position(|line| line == "YourRights             Ok").unwrap();
    assert_eq!(
        narrow[at + 1..at + 3],
        ["  you may read HookedWorkloads, their", "  Pods, logs, Events and revisions"]
    );
}

#[tokio::test]
async fn for_programs_each_finding_has_a_name_a_verdict_words_and_what_to_do() {
    let served = Served::new(|method, path, query, body| match path {
        "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies" => {
            let policy =
                json!({"metadata": {"name": "deny"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"]}});
            (200, json!({"metadata": {}, "items": [policy]}))
        }
        _ => installed(method, path, query, body),
    });
    let report = look(&served.connection(), &options()).await;
    let mut told = serde_json::to_value(&report).unwrap();
    let findings = told["findings"].take();
    assert_eq!(
        told,
        json!({
            "namespace": "shop", "operatorNamespace": "hooked-system", "installed": true, "verdict": "Warning",
            "findings": null,
        })
    );
    let findings = findings.as_array().unwrap();
    let found = findings.iter().find(|finding| finding["check"] == "NetworkPolicies").unwrap();
    assert_eq!(
        *found,
        json!({
            "check": "NetworkPolicies", "verdict": "Warning",
            "message": "what goes out of namespace shop is limited by deny",
            "action": "let Pods reach TCP port 8443 of the Pods in namespace hooked-system; --with-pod tries the way",
        })
    );
    assert_eq!(findings[0]["action"], Value::Null);
}

#[tokio::test]
async fn before_an_installation_only_what_would_be_in_the_way_is_told() {
    let served = Served::new(bare);
    let report = look(&served.connection(), &options()).await;
    assert_eq!(report.installed, Some(false));
    assert_eq!(
        verdicts(&report),
        [
            "ApiServer Ok",
            "Definition NotChecked",
            "Operator NotChecked",
            "YourRights Ok",
            "NodeSystem Ok",
            "NodeArchitecture Ok",
            "NodeRuntime Ok",
            "ImageVolumes Ok",
            "Policies Ok",
            "NetworkPolicies Ok",
            "Prometheus NotChecked",
            "RunnerByInitContainer NotChecked",
        ]
    );
    assert_eq!(report.end(), End::Done);
    let last = text(&report, None).pop().unwrap();
    assert_eq!(last, "Not installed yet; for Pods in namespace shop: 4 not checked.");
    // What would be in the way: a policy that refuses all but plain Pods.
    let served = Served::new(|method, path, query, body| match (method, path) {
        ("POST", "/api/v1/namespaces/shop/pods") if body["spec"]["volumes"].is_array() => {
            (403, json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no volumes here"}))
        }
        _ => bare(method, path, query, body),
    });
    let report = look(&served.connection(), &options()).await;
    assert_eq!(report.end(), End::Problem);
    assert!(text(&report, None).iter().any(|line| line.contains("no volumes here")));
}

#[tokio::test]
async fn who_may_read_nothing_is_told_so_of_each_thing() {
    let served = Served::new(|method, path, query, body| match path {
        "/version" => installed(method, path, query, body),
        _ => forbidden(),
    });
    let report = look(&served.connection(), &options()).await;
    assert_eq!(report.installed, None);
    let unknown = report.findings.iter().filter(|finding| finding.verdict == Verdict::Unknown);
    assert_eq!(unknown.count(), 9, "{:?}", verdicts(&report));
    assert!(report.findings.iter().all(|finding| finding.verdict <= Verdict::Unknown));
    assert_eq!(report.end(), End::Unknown);
    let lines = text(&report, None);
    let of_nodes = lines.iter().find(|line| line.starts_with("NodeSystem")).unwrap();
    assert!(of_nodes.contains("you may not list nodes in all namespaces"), "{of_nodes}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_asked_once() {
    let served = Served::new(|_, _, _, _| (503, json!({"kind": "Status", "code": 503, "message": "away"})));
    let report = look(&served.connection(), &options()).await;
    assert_eq!(verdicts(&report), ["ApiServer Unknown"]);
    assert_eq!((report.end(), served.asked().len()), (End::Unknown, 1));
}

#[tokio::test]
async fn a_prometheus_is_asked_through_the_api_server() {
    let proxy = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query";
    let served = Served::new(move |method, path, query, body| match path {
        _ if path == proxy && query.contains("hooked_leader") => {
            let series = json!({"metric": {}, "value": [1_790_000_000, "1"]});
            (200, json!({"status": "success", "data": {"resultType": "vector", "result": [series]}}))
        }
        _ if path == proxy => (200, json!({"data": {"result": []}})),
        _ => installed(method, path, query, body),
    });
    let (namespace, service) = ("monitoring".to_owned(), "prometheus:9090".to_owned());
    let named = Some(ServicePath { namespace, service, prefix: String::new() });
    let report = look(&served.connection(), &CheckOptions { prometheus: named, ..options() }).await;
    assert!(verdicts(&report).contains(&"Prometheus Ok".to_owned()), "{:?}", verdicts(&report));
}

/// What is found by Pods whose container has come to that state.
async fn with_pod(state: Value) -> (Report, Vec<String>) {
    let served = Served::new(move |method, path, query, body| {
        let is_one = path.starts_with("/api/v1/namespaces/shop/pods/hooked-check-");
        match method {
            "GET" if is_one => {
                let container = json!({
                    "name": "check", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state,
                });
                let status = json!({"containerStatuses": [container]});
                (200, json!({"metadata": {}, "spec": {"nodeName": "n1", "containers": []}, "status": status}))
            }
            "DELETE" if is_one => (200, json!({"kind": "Status", "status": "Success"})),
            "GET" if path == "/api/v1/namespaces/shop/pods" => (200, json!({"metadata": {}, "items": []})),
            _ => installed(method, path, query, body),
        }
    });
    let report = look(&served.connection(), &CheckOptions { with_pod: true, ..options() }).await;
    (report, served.written())
}

#[tokio::test]
async fn pods_that_are_made_to_look_are_removed_whatever_they_show() {
    let ended = |code: i32, message: &str| json!({"terminated": {"exitCode": code, "message": message}});
    for (state, expect) in [
        (ended(0, ""), ["Ok", "Ok", "Ok"]),
        (ended(1, "hook-runner: cannot connect: timed out"), ["Ok", "Ok", "Problem"]),
        (ended(255, "exec format error"), ["Problem", "Warning", "Unknown"]),
        (json!({"waiting": {"reason": "ErrImagePull"}}), ["Problem", "Warning", "Unknown"]),
    ] {
        let (report, written) = with_pod(state.clone()).await;
        let checks = ["RunnerByImageVolume", "RunnerByInitContainer", "LiveChannelFromPod"];
        let expect: Vec<_> =
            checks.iter().zip(expect).map(|(check, verdict)| format!("{check} {verdict}")).collect();
        let said = verdicts(&report);
        assert_eq!(said[said.len() - 4..said.len() - 1], expect, "{state}");
        assert_eq!(said.last().unwrap(), "LeftoverPods Ok");
        let of = |method: &str| written.iter().filter(|line| line.starts_with(method)).count();
        assert_eq!((of("POST"), of("DELETE"), written.len()), (2, 2, 4), "{written:?}");
    }
}

#[tokio::test]
async fn a_pod_that_shows_nothing_is_waited_for_no_longer_than_was_said() {
    let served = Served::new(|method, path, query, body| match (method, path) {
        ("GET", path) if path.contains("/pods/hooked-check-") => {
            (200, json!({"metadata": {}, "spec": {"containers": []}}))
        }
        ("DELETE", _) => not_found(),
        ("GET", "/api/v1/namespaces/shop/pods") => (200, json!({"metadata": {}, "items": []})),
        _ => installed(method, path, query, body),
    });
    let timeout = std::time::Duration::from_millis(10);
    let report = look(&served.connection(), &CheckOptions { with_pod: true, timeout, ..options() }).await;
    assert!(verdicts(&report).contains(&"RunnerByImageVolume Unknown".to_owned()), "{:?}", verdicts(&report));
    assert_eq!(report.end(), End::Unknown);
}
