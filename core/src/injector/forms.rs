//! In which forms a Pod of others may have the runner.

use hooked_crd::HookPolicy;
use serde_json::Value;

use crate::lifecycle::LiveEndpoint;
use crate::workload::template::{Delivery, Offer, Runner, Supply, inject_into};

/// How the runner comes into a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) delivery: Delivery,
    /// Whether it reports over the live channel.
    pub(super) live: bool,
}

/// What there is for a Pod.
#[derive(Debug)]
pub(super) struct Stock {
    offer: Offer,
    endpoint: Option<LiveEndpoint>,
    pull_secrets: Vec<String>,
}

impl Stock {
    /// What there is for that Pod; none if it has to stay as it is: one of ours, one that has the runner already, or
    /// one that may land where no runner runs. So does one that is to end, as a Job's: should the runner be unable to
    /// run, the Pod would have to be deleted, and a Job counts that as a failure.
    pub(super) fn of(pod: &Value, supply: &Supply, endpoint: Option<LiveEndpoint>) -> Option<Self> {
        if pod["spec"]["restartPolicy"].as_str().is_some_and(|policy| policy != "Always") {
            return None;
        }
        let offer = supply.offer(&pod["spec"]).ok()?;
        let pull_secrets = match &offer.pull_secret {
            Some(ours) => named_with(&pod["spec"], ours),
            None => Vec::new(),
        };
        Some(Self { offer, endpoint, pull_secrets })
    }

    /// The Secret of ours that the Pod is to name.
    pub(super) fn pull_secret(&self) -> Option<&str> {
        self.offer.pull_secret.as_deref()
    }

    /// The forms to try, the best one first. The live channel is given up last.
    pub(super) fn forms(&self) -> Vec<Form> {
        let channel: &[bool] = if self.endpoint.is_some() { &[true, false] } else { &[false] };
        let deliveries = deliveries(&self.offer);
        let of = |live: bool| deliveries.iter().map(move |delivery| Form { delivery: *delivery, live });
        channel.iter().copied().flat_map(of).collect()
    }

    /// The Pod in that form; none if none of its hooks can run under the runner.
    pub(super) fn make(&self, pod: &Value, policies: &[HookPolicy], form: Form) -> Option<Value> {
        let runner = Runner {
            live: self.endpoint.clone().filter(|_| form.live),
            pull_secrets: self.pull_secrets.clone(),
            ..Runner::new(self.offer.image.clone(), form.delivery)
        };
        inject_into(pod, &runner, policies)
    }
}

/// The ways into a Pod that nobody makes anew if the runner cannot run in it: where no Pod has shown yet that an image
/// volume works, the runner is copied.
fn deliveries(offer: &Offer) -> Vec<Delivery> {
    let mut deliveries = offer.deliveries.clone();
    if deliveries.contains(&Delivery::TestedVolume) {
        deliveries.retain(|delivery| *delivery != Delivery::ImageVolume);
        deliveries.sort_by_key(|delivery| delivery.is_image_volume());
    }
    deliveries
}

/// The pull Secrets of a Pod, to which admission has added those of its service account, and ours.
fn named_with(spec: &Value, ours: &str) -> Vec<String> {
    let secrets = spec["imagePullSecrets"].as_array().into_iter().flatten();
    let mut names: Vec<String> =
        secrets.filter_map(|secret| secret["name"].as_str()).map(str::to_owned).collect();
    if !names.iter().any(|name| name == ours) {
        names.push(ours.to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn supply(deliveries: &[Delivery]) -> Supply {
        Supply {
            image: Ok("hooked:1".to_owned()),
            pull_secret: None,
            deliveries: deliveries.to_vec(),
            architectures: ["amd64".to_owned()].into(),
            nodes: std::collections::BTreeSet::new(),
            proven: std::collections::BTreeSet::new(),
        }
    }

    fn pod() -> Value {
        json!({
            "metadata": {"generateName": "web-1-", "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "lifecycle": {"preStop": {"exec": {"command": ["true"]}}}}]},
        })
    }

    #[test]
    fn a_pod_that_must_stay_as_it_is_gets_nothing() {
        fn check(why: &str, pod: &Value) {
            assert!(Stock::of(pod, &supply(&[Delivery::InitContainer]), None).is_none(), "{why}");
        }
        let with = |pointer: &str, value: Value| {
            let mut pod = pod();
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            pod.pointer_mut(parent).unwrap()[field] = value;
            pod
        };
        check("one with the runner", &with("/spec/volumes", json!([{"name": "hooked-runner"}])));
        check("one that is to end", &with("/spec/restartPolicy", json!("OnFailure")));
        check("one for Windows", &with("/spec/os", json!({"name": "windows"})));
        check(
            "one for nodes without a runner",
            &with("/spec/nodeSelector", json!({"kubernetes.io/arch": "arm64"})),
        );
        let unknown = Supply { image: Err("unknown".to_owned()), ..supply(&[]) };
        assert!(Stock::of(&pod(), &unknown, None).is_none(), "no image");
    }

    #[test]
    fn the_runner_comes_by_image_volumes_only_where_they_were_seen_to_work() {
        let (volume, container) = (Delivery::ImageVolume, Delivery::InitContainer);
        let ways = |supply: &Supply| -> Vec<Delivery> {
            let forms = Stock::of(&pod(), supply, None).unwrap().forms();
            forms.into_iter().map(|form| form.delivery).collect()
        };
        let mut auto = supply(&[volume, container]);
        assert_eq!(ways(&auto), [container, Delivery::TestedVolume]);
        assert_eq!(ways(&supply(&[container])), [container]);
        assert_eq!(
            ways(&supply(&[volume])),
            [Delivery::TestedVolume],
            "where that is the only way that is allowed"
        );
        auto.proven.insert(crate::lifecycle::Proven {
            image: "hooked:1".to_owned(),
            runtime_class: String::new(),
            architecture: "amd64".to_owned(),
        });
        assert_eq!(ways(&auto), [volume, container]);
    }

    #[test]
    fn what_is_injected_once_stays_as_it_is_whatever_others_add_meanwhile() {
        let endpoint = Some(LiveEndpoint { address: "10.0.0.9:8443".to_owned(), ca: "PEM".to_owned() });
        let supply = supply(&[Delivery::InitContainer]);
        let stock = Stock::of(&pod(), &supply, endpoint.clone()).unwrap();
        let form = stock.forms()[0];
        assert_eq!(form, Form { delivery: Delivery::InitContainer, live: true });
        let mut injected = stock.make(&pod(), &[], form).unwrap();
        assert_eq!(injected["spec"]["initContainers"][0]["name"], crate::names::INSTALLER_CONTAINER);
        // A mesh puts its own in front, and has us called once more.
        let mesh = json!({"name": "istio-proxy", "restartPolicy": "Always",
                          "lifecycle": {"preStop": {"exec": {"command": ["drain"]}}}});
        injected["spec"]["initContainers"].as_array_mut().unwrap().insert(0, mesh);
        assert!(Stock::of(&injected, &supply, endpoint).is_none());
    }

    #[test]
    fn our_pull_secret_is_named_beside_those_that_the_pod_has() {
        let supply = Supply { pull_secret: Some("ours".to_owned()), ..supply(&[Delivery::InitContainer]) };
        let mut pod = pod();
        pod["spec"]["imagePullSecrets"] = json!([{"name": "own"}]);
        let stock = Stock::of(&pod, &supply, None).unwrap();
        let injected = stock.make(&pod, &[], stock.forms()[0]).unwrap();
        assert_eq!(injected["spec"]["imagePullSecrets"], json!([{"name": "own"}, {"name": "ours"}]));
    }
}
