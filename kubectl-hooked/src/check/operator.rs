//! The operator's Deployment: whether it is there and available, and works where it is asked to.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::finding::{Check, Finding, some_of};
use super::replicas::{self, LABELS};
use super::settings::Settings;
use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

/// The operator's Deployments in that namespace: one, if all is well.
pub(super) async fn fetch(connection: &Connection, namespace: &str) -> Result<Vec<Deployment>, RequestError> {
    let request = Request { verb: "list", asked: Asked::Deployment, name: "", namespace };
    let deployments: Api<Deployment> = Api::namespaced(connection.client.clone(), namespace);
    let found = deployments.list(&ListParams::default().labels(LABELS)).await;
    Ok(found.map_err(|error| request.failed(&error))?.items)
}

/// What is found of it, for Pods in `namespace`. `is_defined` says whether HookedWorkloads are.
pub(super) fn findings(
    fetched: &Result<Vec<Deployment>, RequestError>,
    pods: &Result<Vec<Pod>, RequestError>,
    namespace: &str,
    operator_namespace: &str,
    is_defined: bool,
) -> Vec<Finding> {
    let check = Check::Operator;
    match fetched.as_deref() {
        Err(error) => vec![Finding::unanswered(check, error)],
        Ok([]) if is_defined => vec![Finding::problem(
            check,
            format!("HookedWorkloads are defined, and no operator is in namespace {operator_namespace}"),
            "`kubectl apply -k config/default` installs it; --operator-namespace names another namespace",
        )],
        Ok([]) => {
            let words = format!("there is no operator in namespace {operator_namespace} yet");
            vec![Finding::not_checked(check, words)]
        }
        Ok([one]) => vec![of(one, pods, namespace), image(&Settings::of(one))],
        Ok(several) => {
            let names: Vec<_> = several.iter().map(ResourceExt::name_any).collect();
            vec![Finding::problem(
                check,
                format!("there are several in namespace {operator_namespace}: {}", some_of(&names)),
                "two that do not share a Lease count side by side: delete all but one",
            )]
        }
    }
}

fn of(deployment: &Deployment, pods: &Result<Vec<Pod>, RequestError>, namespace: &str) -> Finding {
    let (settings, name) = (Settings::of(deployment), deployment.name_any());
    let check = Check::Operator;
    let desired = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let available = deployment.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0);
    let place = deployment.namespace().unwrap_or_default();
    if available < 1 {
        let action = format!(
            "`kubectl -n {place} describe deployment {name}` and `kubectl -n {place} logs deployment/{name}`"
        );
        return Finding::problem(check, format!("{name}: none of {desired} Pods is available"), action);
    }
    if !settings.namespaces.is_empty() && !settings.namespaces.iter().any(|known| known == namespace) {
        let message = format!("{name} works in {}, and not in {namespace}", some_of(&settings.namespaces));
        return Finding::problem(check, message, format!("give it --namespace={namespace} too"));
    }
    if !settings.leader_elect {
        let message = format!(
            "{name} is told --leader-elect=false: nothing keeps two operators from counting side by side"
        );
        return Finding::warning(check, message, "take --leader-elect=false out of its arguments");
    }
    if available < desired {
        let (missing, action) = replicas::missing(pods, desired, &name, &place);
        return Finding::warning(
            check,
            format!("{name}: {available} of {desired} available; {missing}"),
            action,
        );
    }
    Finding::ok(check, format!("{name}: {available} of {desired} available, image {}", settings.image))
}

/// Whether the runner comes from the image that the operator itself does.
fn image(settings: &Settings) -> Finding {
    let Settings { image, runner_image, .. } = settings;
    if image == runner_image {
        let words = format!("{image}: whether your Pods can pull it is shown by --with-pod");
        return Finding::ok(Check::RunnerImage, words);
    }
    let message = format!("Pods get the runner from {runner_image}, and the operator runs {image}");
    let action = "where an overlay sets the operator's image, set --runner-image alike, or leave it out";
    Finding::warning(Check::RunnerImage, message, action)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::finding::Verdict;

    fn deployment(available: i32, arguments: &Value) -> Deployment {
        of_replicas(1, available, arguments)
    }

    fn of_replicas(replicas: i32, available: i32, arguments: &Value) -> Deployment {
        let container = json!({"name": "controller", "image": "hooked:1", "args": arguments});
        serde_json::from_value(json!({
            "metadata": {"name": "hooked-controller", "namespace": "hooked-system"},
            "spec": {"replicas": replicas, "selector": {}, "template": {"spec": {"containers": [container]}}},
            "status": {"availableReplicas": available},
        }))
        .unwrap()
    }

    fn check(found: Vec<Deployment>, is_defined: bool, verdicts: &[Verdict], words: &str) {
        let findings = findings(&Ok(found), &Ok(Vec::new()), "shop", "hooked-system", is_defined);
        let said: Vec<_> = findings.iter().map(|finding| finding.verdict).collect();
        assert_eq!(said, verdicts, "{findings:?}");
        assert!(findings.iter().any(|finding| finding.message.contains(words)), "{findings:?}");
    }

    #[test]
    fn the_operator_is_there_available_alone_and_works_in_the_namespace() {
        let of = |available, arguments: Value| vec![deployment(available, &arguments)];
        let good = json!(["--leader-elect"]);
        check(of(1, good.clone()), true, &[Verdict::Ok, Verdict::Ok], "1 of 1 available, image hooked:1");
        check(of(0, good.clone()), true, &[Verdict::Problem, Verdict::Ok], "none of 1 Pods is available");
        check(
            of(1, json!(["--leader-elect=false"])),
            true,
            &[Verdict::Warning, Verdict::Ok],
            "--leader-elect=false",
        );
        let elsewhere = json!(["--leader-elect", "--namespace=test"]);
        check(of(1, elsewhere), true, &[Verdict::Problem, Verdict::Ok], "works in test, and not in shop");
        let here = json!(["--leader-elect", "--namespace=test", "--namespace=shop"]);
        check(of(1, here), true, &[Verdict::Ok, Verdict::Ok], "1 of 1");
        check([of(1, good.clone()), of(1, good)].concat(), true, &[Verdict::Problem], "several");
    }

    #[test]
    fn one_of_two_works_and_is_a_warning() {
        let verdicts = [Verdict::Warning, Verdict::Ok];
        let one = of_replicas(2, 1, &json!(["--leader-elect"]));
        check(vec![one], true, &verdicts, "hooked-controller: 1 of 2 available; 2 of its Pods");
        let two = of_replicas(2, 2, &json!(["--leader-elect"]));
        check(vec![two], true, &[Verdict::Ok, Verdict::Ok], "2 of 2 available");
    }

    #[test]
    fn a_namespace_that_a_variable_names_is_the_operators_own() {
        let mut operator = deployment(1, &json!(["--leader-elect", "--namespace=$(POD_NAMESPACE)"]));
        let pod = operator.spec.as_mut().and_then(|spec| spec.template.spec.as_mut()).unwrap();
        let own = json!([{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}]);
        pod.containers[0].env = serde_json::from_value(own).unwrap();
        let words = "works in hooked-system, and not in shop";
        check(vec![operator], true, &[Verdict::Problem, Verdict::Ok], words);
    }

    #[test]
    fn an_image_that_an_overlay_has_set_for_the_operator_alone_is_told() {
        let other = json!(["--leader-elect", "--runner-image=hooked.dev/hooked:dev"]);
        let words = "from hooked.dev/hooked:dev, and the operator runs hooked:1";
        check(vec![deployment(1, &other)], true, &[Verdict::Ok, Verdict::Warning], words);
    }

    #[test]
    fn before_an_installation_nobody_misses_the_operator() {
        check(vec![], false, &[Verdict::NotChecked], "yet");
        check(vec![], true, &[Verdict::Problem], "no operator is in namespace hooked-system");
    }
}
