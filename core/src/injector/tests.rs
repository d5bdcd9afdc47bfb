//! What becomes of Pods of others at API servers that allow more or less.

use std::sync::Arc;

use futures::executor::block_on;
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::lifecycle::LiveEndpoint;
use crate::pass::call::{Call, Verb};
use crate::pass::{Failure, Refused};
use crate::status::{LiveService, Notice, Series};
use crate::workload::template::{Delivery, Supply};

/// What somebody says to a request: the status, and the answer where that is 200.
type Says = fn(&Call) -> (u16, Value);

/// An API server, and what it was asked.
struct Server {
    says: Says,
    asked: Locked<Vec<String>>,
}

impl Server {
    fn new(says: Says) -> Self {
        Self { says, asked: Locked::default() }
    }
}

impl Cluster for Server {
    fn operator(&self) -> &'static str {
        "hooked-system"
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn send(&self, call: Call) -> Result<Value, Failure> {
        assert!(call.verb == Verb::Get || call.query.iter().any(|(name, _)| *name == "dryRun"), "{call:?}");
        self.asked.lock().push(format!("{:?} {}", call.verb, call.path.rsplit('/').next().unwrap()));
        match (self.says)(&call) {
            (200, answer) => Ok(answer),
            (0, _) => Err(Failure::Lost("no answer".to_owned())),
            (code, _) => Err(Failure::Refused(Refused { code, ..Refused::default() })),
        }
    }

    fn endpoint(&self) -> Option<LiveEndpoint> {
        Some(LiveEndpoint { address: "10.0.0.9:8443".to_owned(), ca: "PEM".to_owned() })
    }

    fn service(&self) -> Option<LiveService> {
        None
    }

    async fn supply(&self) -> Arc<Supply> {
        Arc::new(Supply {
            image: Ok("hooked:1".to_owned()),
            pull_secret: None,
            deliveries: vec![Delivery::ImageVolume, Delivery::InitContainer],
            architectures: ["amd64".to_owned()].into(),
            nodes: std::collections::BTreeSet::new(),
            proven: std::collections::BTreeSet::new(),
        })
    }

    fn stop_hooks(&self, _: &str) {}
    fn show_left_to(&self, _: &str) {}
    fn show(&self, _: Series) {}
    fn show_invalid(&self, _: bool) {}
    async fn tell(&self, _: Vec<Notice>) {}
}

/// An injector that knows one workload, which asks for the runner with a time-out in Pods of the Deployment `web`.
fn injector() -> Injector {
    asked_for(&json!({"policies": [{"timeoutSeconds": 7}]}))
}

/// An injector that knows one workload, which asks for that in Pods of the Deployment `web`.
fn asked_for(hooks: &Value) -> Injector {
    let injector = Injector::default();
    let workload = json!({
        "metadata": {
            "namespace": "shop", "name": "watch", "uid": "w-1", "finalizers": ["hooked.dev/accounting"],
        },
        "spec": {
            "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "hooks": hooks,
        },
    });
    injector.show(serde_json::from_value(workload).unwrap());
    injector
}

/// A Pod as a ReplicaSet makes it.
fn pod() -> Value {
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "set-1", "controller": true});
    json!({
        "metadata": {"generateName": "web-1-", "labels": {"pod-template-hash": "1"}, "ownerReferences": [owner]},
        "spec": {"containers": [{"name": "web", "lifecycle": {"preStop": {"exec": {"command": ["bye"]}}}}]},
    })
}

/// A ReplicaSet of the Deployment, and whatever Pod is asked about.
fn takes_all(call: &Call) -> (u16, Value) {
    let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d-1", "controller": true});
    match call.verb {
        Verb::Get => (200, json!({"metadata": {"uid": "set-1", "ownerReferences": [owner]}})),
        _ => (200, call.body.clone()),
    }
}

fn has_init_container(pod: &Value) -> bool {
    pod["spec"]["initContainers"].is_array()
}

fn has_live_channel(pod: &Value) -> bool {
    pod["spec"]["volumes"].as_array().unwrap().iter().any(|volume| volume["name"] == "hooked-live")
}

#[test]
fn pods_of_a_template_are_asked_about_once_and_have_the_runner_with_the_policies() {
    let (server, injector) = (Server::new(takes_all), injector());
    for _ in 0..3 {
        let injected = block_on(injector.inject(&server, "shop", &pod())).unwrap();
        let command = &injected["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"];
        assert!(command[1].as_str().unwrap().contains(",timeout=7"), "{command}");
        assert_eq!((&command[2], has_init_container(&injected)), (&json!("bye"), true));
        assert_eq!(injected["metadata"]["ownerReferences"], pod()["metadata"]["ownerReferences"]);
        assert!(block_on(injector.inject(&server, "shop", &injected)).is_none(), "once is enough");
    }
    assert_eq!(*server.asked.lock(), ["Get web-1", "Create pods"]);
}

#[test]
fn many_pods_that_are_created_at_once_are_asked_about_once() {
    let (server, injector, pod) = (Server::new(takes_all), injector(), pod());
    let all = (0..100).map(|_| injector.inject(&server, "shop", &pod));
    let injected = block_on(futures::future::join_all(all));
    assert!(injected.iter().all(Option::is_some));
    assert_eq!(server.asked.lock().len(), 2);
}

#[test]
fn what_one_namespace_takes_says_nothing_of_another() {
    let says: Says = |call| {
        let is_strict = call.verb == Verb::Create && call.path.contains("/shop/");
        if is_strict { (403, Value::Null) } else { takes_all(call) }
    };
    let (server, injector) = (Server::new(says), injector());
    let other = json!({
        "metadata": {"namespace": "lax", "name": "watch", "uid": "w-2"},
        "spec": {
            "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "hooks": {"policies": [{"timeoutSeconds": 7}]},
        },
    });
    injector.show(serde_json::from_value(other).unwrap());
    // The same references, whoever wrote them.
    for (namespace, expect) in [("lax", true), ("shop", false), ("lax", true)] {
        let injected = block_on(injector.inject(&server, namespace, &pod()));
        assert_eq!(injected.is_some(), expect, "{namespace}");
    }
}

#[test]
fn what_a_policy_forbids_becomes_another_form_or_none() {
    fn check(says: Says, expect: Option<(bool, bool)>, asked: usize) {
        let (server, injector) = (Server::new(says), injector());
        for _ in 0..2 {
            let injected = block_on(injector.inject(&server, "shop", &pod()));
            let is = injected.as_ref().map(|pod| (has_live_channel(pod), has_init_container(pod)));
            assert_eq!(is, expect, "{:?}", server.asked.lock());
        }
        assert_eq!(server.asked.lock().len(), asked);
    }
    fn refuses(call: &Call, is_refused: fn(&Value) -> bool) -> (u16, Value) {
        if call.verb == Verb::Create && is_refused(&call.body) { (403, Value::Null) } else { takes_all(call) }
    }
    check(|call| refuses(call, |_| false), Some((true, true)), 2);
    check(|call| refuses(call, has_live_channel), Some((false, true)), 4);
    check(|call| refuses(call, has_init_container), None, 5);
    // Nobody knows, and the next Pods do not wait for an answer each.
    check(|call| if call.verb == Verb::Create { (0, Value::Null) } else { takes_all(call) }, None, 2);
    check(|_| (500, Value::Null), None, 2);
}

#[test]
fn image_volumes_that_the_server_drops_are_not_taken_for_delivered() {
    let says: Says = |call| {
        let (code, mut answer) = takes_all(call);
        for volume in answer["spec"]["volumes"].as_array_mut().into_iter().flatten() {
            volume.as_object_mut().unwrap().remove("image");
        }
        let is_installer = answer["spec"]["initContainers"][0]["command"][1] == "install";
        if call.verb == Verb::Create && is_installer { (403, Value::Null) } else { (code, answer) }
    };
    let (server, injector) = (Server::new(says), injector());
    assert!(block_on(injector.inject(&server, "shop", &pod())).is_none());
    assert_eq!(server.asked.lock().len(), 5, "both ways, with the live channel and without");
}

#[test]
fn a_pod_waits_until_its_hooks_are_counted_where_that_is_asked_for_and_has_the_runner_if_it_may() {
    fn check(hooks: &Value, says: Says, expect: (bool, bool)) {
        let (server, injector) = (Server::new(says), asked_for(hooks));
        let mut pod = pod();
        pod["metadata"]["finalizers"] = json!(["theirs"]);
        let injected = block_on(injector.inject(&server, "shop", &pod));
        assert_eq!(injected.is_some(), expect.0 || expect.1, "{hooks}");
        let Some(injected) = injected else { return };
        let finalizers = &injected["metadata"]["finalizers"];
        let is_held = *finalizers == json!(["theirs", "hooked.dev/accounting"]);
        assert_eq!((is_held, has_init_container(&injected)), expect, "{hooks}: {injected}");
        assert_eq!(is_held, injected["metadata"]["labels"]["hooked.dev/held"] == "true");
        assert!(block_on(injector.inject(&server, "shop", &injected)).is_none(), "once is enough");
    }
    fn refuses(call: &Call, is_refused: fn(&Value) -> bool) -> (u16, Value) {
        if call.verb == Verb::Create && is_refused(&call.body) { (403, Value::Null) } else { takes_all(call) }
    }
    let (both, held) =
        (json!({"evidence": "Durable", "measurement": "Runner"}), json!({"evidence": "Durable"}));
    check(&held, takes_all, (true, false));
    check(&held, |call| refuses(call, |_| true), (false, false));
    check(&both, takes_all, (true, true));
    check(&both, |call| refuses(call, has_init_container), (true, false));
    check(
        &both,
        |call| refuses(call, |pod| pod["metadata"]["labels"]["hooked.dev/held"] == "true"),
        (false, true),
    );
    check(&both, |call| refuses(call, |_| true), (false, false));
    check(&json!({"measurement": "Runner"}), takes_all, (false, true));
}

#[test]
fn a_pod_that_nobody_asks_for_costs_no_request() {
    let (server, injector) = (Server::new(takes_all), injector());
    let mut bare = pod();
    bare["metadata"]["ownerReferences"] = Value::Null;
    for (namespace, pod) in [("test", pod()), ("shop", bare)] {
        assert!(block_on(injector.inject(&server, namespace, &pod)).is_none());
    }
    assert!(server.asked.lock().is_empty());
    let mut ours = pod();
    ours["metadata"]["labels"]["hooked.dev/revision"] = json!("abc");
    assert!(block_on(injector.inject(&server, "shop", &ours)).is_none());
    assert!(server.asked.lock().is_empty());
    let mut without_hooks = pod();
    without_hooks["spec"]["containers"][0]["lifecycle"] = Value::Null;
    assert!(block_on(injector.inject(&server, "shop", &without_hooks)).is_none());
}
