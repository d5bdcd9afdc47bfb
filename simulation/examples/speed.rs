//! How many requests a second the server answers, and how many steps a second nodes take:
//! `cargo run --release -p hooked-simulation --example speed`.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use hooked_simulation::kubelet::{Nodes, Step};
use hooked_simulation::{ApiServer, ContentType, Request, WatchSpec};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const PODS: &str = "/api/v1/namespaces/ns/pods";
const ROUNDS: usize = 2_000;

/// A Pod as workloads have them.
fn pod(name: &str) -> Value {
    let hook = json!({"exec": {"command": ["sh", "-c", "sleep 5"]}});
    json!({
        "metadata": {
            "name": name,
            "labels": {"app": "web", "hooked.dev/revision": "5d4f", "hooked.dev/ordinal": "1"},
            "finalizers": ["hooked.dev/accounting"],
            "ownerReferences": [{
                "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload", "name": "web", "uid": "u",
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {"containers": [{
            "name": "web", "image": "nginx:1.29", "env": [{"name": "A", "value": "b"}], "ports": [{"containerPort": 80}],
            "lifecycle": {"postStart": hook, "preStop": hook},
        }]},
    })
}

/// The life of one Pod, beside `others` that are there: eight requests and two looks of a watch.
fn live(server: &mut ApiServer, watch: &WatchSpec, name: &str) -> usize {
    let path = format!("{PODS}/{name}");
    let status = format!("{path}/status");
    let binding = json!({"metadata": {"name": name}, "target": {"kind": "Node", "name": "n"}});
    let running =
        json!({"status": {"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 0}]}});
    let ended = json!({"status": {"phase": "Succeeded"}});
    let release = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["hooked.dev/accounting"]}});
    let before = server.version();
    let requests = [
        Request::create(PODS, pod(name)),
        Request::create(format!("{path}/binding"), binding),
        Request::patch(&status, ContentType::StrategicMergePatch, running),
        Request::get(&path),
        Request::delete(&path, None),
        Request::patch(&status, ContentType::StrategicMergePatch, ended),
        Request::delete(&path, Some(json!({"gracePeriodSeconds": 0}))),
        Request::patch(&path, ContentType::StrategicMergePatch, release),
    ];
    for request in &requests {
        let reply = server.handle(request, Timestamp::UNIX_EPOCH);
        assert!(reply.is_success(), "{request:?}: {}", reply.body);
    }
    assert_eq!(server.events_since(watch, before).map_or(0, |events| events.len()), 7);
    server.compact(server.version());
    requests.len()
}

/// Two nodes take steps of ten Pods, chosen by numbers that look random.
fn step(steps: usize) -> usize {
    let mut server = ApiServer::new();
    let mut nodes = Nodes::new(&["a", "b"], &mut server, Timestamp::UNIX_EPOCH);
    for number in 0..10 {
        server.handle(&Request::create(PODS, pod(&format!("pod-{number}"))), Timestamp::UNIX_EPOCH);
    }
    let (mut seed, mut taken) = (1_usize, 0);
    for second in 0..steps {
        let now =
            Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::try_from(second).unwrap_or_default());
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut choice = nodes.steps(&server, now);
        if choice.is_empty() {
            choice = nodes.faults(&server);
            choice.retain(|step| !matches!(step, Step::DestroyNode { .. }));
        }
        if !choice.is_empty() {
            nodes.take(&choice[(seed >> 33) % choice.len()], &mut server, now);
            taken += 1;
        }
        server.compact(server.version());
    }
    taken
}

fn main() {
    let begin = Instant::now();
    let taken = step(20_000);
    println!("{taken} steps of nodes in {:.3} s", begin.elapsed().as_secs_f64());
    for others in [0, 100, 1_000] {
        let mut server = ApiServer::new();
        let watch = WatchSpec::of(&Request::get(PODS).with("labelSelector", "app=web")).ok();
        let Some(watch) = watch else { return };
        for number in 0..others {
            server.handle(&Request::create(PODS, pod(&format!("other-{number}"))), Timestamp::UNIX_EPOCH);
        }
        let begin = Instant::now();
        let count: usize = (0..ROUNDS).map(|round| live(&mut server, &watch, &format!("pod-{round}"))).sum();
        let seconds = begin.elapsed().as_secs_f64();
        println!("beside {others} Pods: {count} requests in {seconds:.3} s");
    }
}
