//! The operator's Pods: which of them is missing where there are to be two, and why.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::finding::some_of;
use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

/// What the installation puts on all that is of the operator itself.
pub(crate) const LABELS: &str = "app.kubernetes.io/name=hooked,app.kubernetes.io/component=controller";

/// The operator's Pods in that namespace.
pub(super) async fn fetch(connection: &Connection, namespace: &str) -> Result<Vec<Pod>, RequestError> {
    let request = Request { verb: "list", asked: Asked::Pod, name: "", namespace };
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), namespace);
    let found = pods.list(&ListParams::default().labels(LABELS)).await;
    Ok(found.map_err(|error| request.failed(&error))?.items)
}

/// Which Pods are missing of so many, and what to do about it.
pub(super) fn missing(
    fetched: &Result<Vec<Pod>, RequestError>,
    desired: i32,
    deployment: &str,
    namespace: &str,
) -> (String, String) {
    let events = format!("`kubectl -n {namespace} describe replicasets -l {LABELS}` says why");
    let pods = match fetched {
        Ok(pods) => pods,
        Err(error) => return (format!("which is missing is not known: {error}"), events),
    };
    let lives = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let (ready, unready): (Vec<&Pod>, Vec<&Pod>) = lives.partition(|pod| is(pod, "Ready"));
    if let Some(first) = unready.first() {
        let told: Vec<String> =
            unready.iter().map(|pod| format!("{} is not ready ({})", pod.name_any(), reason(pod))).collect();
        return (some_of(&told), mend(first, deployment, namespace));
    }
    let made = i32::try_from(ready.len()).unwrap_or(i32::MAX);
    if made < desired {
        return (format!("{} of its Pods is not made", desired - made), events);
    }
    // The Deployment has not noticed yet.
    (
        "its Pods have become ready just now".to_owned(),
        "ask again in a moment: nothing else is to be done".to_owned(),
    )
}

fn mend(pod: &Pod, deployment: &str, namespace: &str) -> String {
    let name = pod.name_any();
    if is_unscheduled(pod) {
        return format!(
            "`kubectl -n {namespace} describe pod {name}` says what no node has for it; where one node is all, \
             `kubectl -n {namespace} scale deployment {deployment} --replicas 1`"
        );
    }
    format!("`kubectl -n {namespace} describe pod {name}` and `kubectl -n {namespace} logs {name}` say why")
}

fn condition<'a>(pod: &'a Pod, name: &str) -> Option<&'a str> {
    let mut conditions = pod.status.as_ref()?.conditions.iter().flatten();
    conditions.find(|condition| condition.type_ == name).map(|condition| &*condition.status)
}

fn is(pod: &Pod, name: &str) -> bool {
    condition(pod, name) == Some("True")
}

fn is_unscheduled(pod: &Pod) -> bool {
    condition(pod, "PodScheduled") == Some("False")
}

/// In a word, as the kubelet or the scheduler has it.
fn reason(pod: &Pod) -> String {
    if is_unscheduled(pod) {
        return "no node takes it".to_owned();
    }
    let containers = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let word = containers.into_iter().flatten().find_map(of_container);
    word.unwrap_or_else(|| "it runs, and /readyz says no".to_owned())
}

fn of_container(status: &ContainerStatus) -> Option<String> {
    let state = status.state.as_ref()?;
    let waits = state.waiting.as_ref().and_then(|waiting| waiting.reason.clone());
    waits.or_else(|| state.terminated.as_ref().and_then(|ended| ended.reason.clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, status: &Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": name}, "status": status})).unwrap()
    }

    fn check(pods: Vec<Pod>, words: &str, action: &str) {
        let (told, mends) = missing(&Ok(pods), 2, "hooked-controller", "hooked-system");
        assert_eq!(told, words);
        assert!(mends.contains(action), "{mends}");
    }

    #[test]
    fn the_pod_that_is_missing_is_named_with_why_and_what_to_do() {
        let ready = || pod("op-1", &json!({"conditions": [{"type": "Ready", "status": "True"}]}));
        let of = |status: Value| vec![ready(), pod("op-2", &status)];
        let unscheduled = json!({"conditions": [{"type": "PodScheduled", "status": "False"}]});
        check(of(unscheduled), "op-2 is not ready (no node takes it)", "--replicas 1");
        let waits = |reason: &str| {
            json!({"containerStatuses": [{
                "name": "controller", "image": "", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": reason}},
            }]})
        };
        check(of(waits("ImagePullBackOff")), "op-2 is not ready (ImagePullBackOff)", "describe pod op-2");
        check(of(waits("CrashLoopBackOff")), "op-2 is not ready (CrashLoopBackOff)", "logs op-2");
        check(of(json!({})), "op-2 is not ready (it runs, and /readyz says no)", "logs op-2");
        check(vec![ready()], "1 of its Pods is not made", "describe replicasets");
        check(vec![ready(), ready()], "its Pods have become ready just now", "in a moment");
    }

    #[test]
    fn where_pods_may_not_be_listed_nobody_guesses() {
        let (told, _) = missing(&Err(RequestError::Unauthorized), 2, "hooked-controller", "hooked-system");
        assert!(told.starts_with("which is missing is not known"), "{told}");
    }
}
