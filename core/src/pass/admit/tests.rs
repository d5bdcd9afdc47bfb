//! What becomes of a revision at API servers that know more or less.

mod forms;

use std::collections::BTreeSet;

use futures::executor::block_on;
use hooked_crd::{HookedWorkload, HookedWorkloadStatus};
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::accounting::ledger::Ledger;
use crate::admission::Verdict;
use crate::lifecycle::{LiveEndpoint, Proven};
use crate::pass::call::Call;
use crate::status::{LiveService, Notice, Series};
use crate::workload::desired::Desired;
use crate::workload::template::Delivery;

/// Where the runner of these tests was seen to run, so that it is not tried out.
fn proven() -> BTreeSet<Proven> {
    let text = str::to_owned;
    [Proven { image: text("hooked:1"), runtime_class: String::new(), architecture: text("amd64") }].into()
}

/// An API server that knows these fields and no others of those that tests write, and counts what it is asked.
struct Server {
    knows_image_volumes: bool,
    has_live_channel: bool,
    supply: Supply,
    /// What a policy says to a Pod's spec, if it refuses it.
    refuse: fn(&Value) -> Option<&'static str>,
    /// What webhooks make of a Pod's spec.
    add: fn(&mut Value),
    /// What the API server says to a Pod's spec that is malformed.
    malformed: fn(&Value) -> Option<&'static str>,
    /// The status of the reply to whoever looks for a Secret.
    secret: u16,
    now: Timestamp,
    asked: Locked<Vec<Call>>,
}

impl Server {
    fn new() -> Self {
        let supply = Supply {
            image: Ok("hooked:1".to_owned()),
            pull_secret: None,
            deliveries: vec![Delivery::ImageVolume, Delivery::InitContainer],
            architectures: ["amd64".to_owned()].into(),
            nodes: BTreeSet::new(),
            proven: proven(),
        };
        let asked = Locked::new(Vec::new());
        let (knows_image_volumes, has_live_channel) = (true, true);
        Self {
            knows_image_volumes,
            has_live_channel,
            supply,
            refuse: |_| None,
            add: |_| {},
            malformed: |_| None,
            secret: 200,
            now: Timestamp::UNIX_EPOCH,
            asked,
        }
    }

    /// The fields of the Pod that it does not know, which it drops.
    fn drop_unknown(&self, pod: &mut Value) -> Vec<String> {
        let mut unknown = Vec::new();
        let mut drop = |object: &mut Value, path: &str, field: &str| {
            let is_there = object.as_object_mut().and_then(|fields| fields.remove(field)).is_some();
            unknown.extend(is_there.then(|| format!("unknown field \"{path}{field}\"")));
        };
        drop(pod, "", "specc");
        drop(&mut pod["metadata"], "metadata.", "annotationz");
        drop(&mut pod["spec"]["containers"][0], "spec.containers[0].", "imagee");
        for (at, volume) in pod["spec"]["volumes"].as_array_mut().into_iter().flatten().enumerate() {
            if !self.knows_image_volumes {
                drop(volume, &format!("spec.volumes[{at}]."), "image");
            }
        }
        unknown
    }
}

impl Cluster for Server {
    fn operator(&self) -> &'static str {
        "hooked-system"
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    async fn send(&self, call: Call) -> Result<Value, Failure> {
        let refused = |code, reason: &str, message: String| {
            Err(Failure::Refused(Refused { code, reason: reason.to_owned(), message, causes: Vec::new() }))
        };
        if call.path.contains("/secrets/") {
            self.asked.lock().push(call);
            return if self.secret < 300 {
                Ok(Value::Null)
            } else {
                refused(self.secret, "", "no".to_owned())
            };
        }
        let mut pod = call.body.clone();
        let is_strict = call.query.contains(&("fieldValidation", "Strict".to_owned()));
        self.asked.lock().push(call);
        let unknown = self.drop_unknown(&mut pod);
        if !unknown.is_empty() && is_strict {
            let message = format!(
                "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: {}",
                unknown.join(", ")
            );
            return refused(400, "BadRequest", message);
        }
        if let Some(words) = (self.malformed)(&pod["spec"]) {
            return refused(422, "Invalid", words.to_owned());
        }
        (self.add)(&mut pod["spec"]);
        match (self.refuse)(&pod["spec"]) {
            Some(words) => refused(403, "Forbidden", words.to_owned()),
            None => Ok(pod),
        }
    }

    fn endpoint(&self) -> Option<LiveEndpoint> {
        let endpoint = LiveEndpoint { address: "10.0.0.9:8443".to_owned(), ca: "PEM".to_owned() };
        self.has_live_channel.then_some(endpoint)
    }

    fn service(&self) -> Option<LiveService> {
        None
    }

    async fn supply(&self) -> Arc<Supply> {
        Arc::new(self.supply.clone())
    }

    fn show_left_to(&self, _: &str) {}

    fn stop_hooks(&self, _: &str) {}

    fn show(&self, _: Series) {}

    fn show_invalid(&self, _: bool) {}

    async fn tell(&self, _: Vec<Notice>) {}
}

/// A workload whose container has a hook, with one thing more at that place of its template.
fn workload(at: &str, more: (&str, Value)) -> HookedWorkload {
    let mut object = json!({
        "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [
                {"name": "web", "image": "web:1", "lifecycle": {"preStop": {"exec": {"command": ["true"]}}}},
            ]},
        }},
    });
    object.pointer_mut(&format!("/spec/template{at}")).unwrap()[more.0] = more.1;
    serde_json::from_value(object).unwrap()
}

/// What is found out of a revision that is rolled out or not, and after how many questions.
fn admitted(server: &Server, workload: &HookedWorkload, is_rolled_out: bool) -> (Verdict, usize) {
    let memory = Locked::new(Memory::default());
    let subject = Subject::of(workload, &mut memory.lock());
    let revision = Desired::from_spec(&workload.spec, 0).unwrap().asked;
    let current_revision = is_rolled_out.then(|| revision.name.to_string());
    let status = HookedWorkloadStatus { current_revision, ..HookedWorkloadStatus::default() };
    let before = Committed { version: "1".to_owned(), status, ledger: Ledger::default() };
    let admission = block_on(admit(server, &subject, &before, &revision, &memory)).unwrap();
    let asked = server.asked.lock().len();
    block_on(admit(server, &subject, &before, &revision, &memory)).unwrap();
    assert_eq!(server.asked.lock().len(), asked, "it is asked once");
    (admission.verdict, asked)
}

/// The server and whether the revision is rolled out, and what it says, at most so many questions later.
fn check(
    (knows_image_volumes, is_rolled_out): (bool, bool),
    (at, more): (&str, (&str, Value)),
    expect: impl Fn(&Verdict) -> bool,
    most: usize,
) {
    for has_live_channel in [false, true] {
        let mut server = Server { knows_image_volumes, has_live_channel, ..Server::new() };
        server.supply.deliveries = vec![Delivery::ImageVolume];
        let (verdict, asked) = admitted(&server, &workload(at, more.clone()), is_rolled_out);
        assert!(expect(&verdict) && asked <= most, "{at} {more:?}: {verdict:?} after {asked}");
        let name = "fieldValidation";
        let is_strict = |call: &Call| call.query.iter().any(|(known, _)| *known == name);
        assert!(server.asked.lock().iter().all(|call| is_strict(call) != is_rolled_out));
    }
}

fn is_measured(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Taken(Making::WithRunner { live: true, .. }))
}

fn is_without_image_volumes(verdict: &Verdict) -> bool {
    let Verdict::Taken(Making::Observed(why)) = verdict else { return false };
    why == "the API server does not know image volumes; run the operator with --injection=InitContainer"
}

fn tells(verdict: &Verdict, path: &str) -> bool {
    matches!(verdict, Verdict::Malformed(words) if words.starts_with(&format!("{path}: unknown field (")))
}

#[test]
fn a_misspelt_field_is_the_users_wherever_in_the_template_it_is() {
    let known = || ("/metadata", ("creationTimestamp", json!("2026-11-22T10:00:00Z")));
    check((true, false), known(), is_measured, 1);
    for knows_image_volumes in [true, false] {
        let of = |at, field, path| {
            let misspelt = |verdict: &Verdict| tells(verdict, path);
            check((knows_image_volumes, false), (at, (field, json!({"a": "b"}))), misspelt, 3);
        };
        of("/spec/containers/0", "imagee", "spec.template.spec.containers[0].imagee");
        of("/metadata", "annotationz", "spec.template.metadata.annotationz");
        of("", "specc", "spec.template.specc");
    }
}

#[test]
fn a_server_without_image_volumes_is_told_of_whether_it_drops_or_refuses_them() {
    let plain = || ("/spec", ("hostname", json!("web")));
    check((false, false), plain(), is_without_image_volumes, 3);
    check((false, true), plain(), is_without_image_volumes, 2);
}

#[test]
fn what_is_rolled_out_with_a_field_that_nobody_knows_goes_on() {
    let misspelt = || ("/spec/containers/0", ("imagee", json!("web:2")));
    check((true, true), misspelt(), is_measured, 1);
    check((false, true), misspelt(), is_without_image_volumes, 2);
}
