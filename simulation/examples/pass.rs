//! What an event and a pass cost the operator, and whether that grows with the Pods of a workload:
//! `cargo run --release -p hooked-simulation --example pass`.
//!
//! The real core works on the server in memory. What the server takes is left out: only the operator's own time is
//! told, in microseconds: the median of what is done 50 times, the mean of what is done to many Pods; of three runs the
//! least, since others use the machine too.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "its words are figures")]

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hooked_core::lifecycle::LiveEndpoint;
use hooked_core::pass::call::Call;
use hooked_core::pass::{Cluster, Failure, Locked, Refused, Watched, reconcile};
use hooked_core::status::{LiveService, Notice, Series};
use hooked_core::watch::{Index, SlimPod};
use hooked_core::workload::template::{Owner, Supply};
use hooked_crd::HookedWorkload;
use hooked_simulation::{ApiServer, ContentType, EventType, Request, WatchSpec};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

const WORKLOADS: &str = "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads";
const WEB: &str = "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads/web";
const ROUNDS: usize = 50;
const NODES: u64 = 100;

/// The server, and how long it has taken.
struct Simulated {
    server: Locked<ApiServer>,
    served: Locked<Duration>,
    now: Locked<Timestamp>,
}

impl Simulated {
    fn ask(&self, request: &Request) -> (u16, Arc<Value>) {
        let now = *self.now.lock();
        let reply = self.server.lock().handle(request, now);
        (reply.code, reply.body)
    }
}

impl Cluster for Simulated {
    fn operator(&self) -> &'static str {
        "hooked-system"
    }

    fn now(&self) -> Timestamp {
        *self.now.lock()
    }

    async fn send(&self, call: Call) -> Result<Value, Failure> {
        let begin = Instant::now();
        let request = Request::from(&call);
        let (code, body) = self.ask(&request);
        // What a client does to read a reply is no part of a pass either.
        let body = (*body).clone();
        *self.served.lock() += begin.elapsed();
        if code < 300 { Ok(body) } else { Err(Failure::Refused(Refused { code, ..Refused::default() })) }
    }

    fn endpoint(&self) -> Option<LiveEndpoint> {
        None
    }

    fn service(&self) -> Option<LiveService> {
        None
    }

    async fn supply(&self) -> Arc<Supply> {
        Arc::new(Supply {
            image: Err("none".to_owned()),
            pull_secret: None,
            deliveries: Vec::new(),
            architectures: [].into(),
            nodes: [].into(),
            proven: [].into(),
        })
    }

    fn show_left_to(&self, _: &str) {}

    fn stop_hooks(&self, _: &str) {}

    fn show(&self, _: Series) {}

    fn show_invalid(&self, _: bool) {}

    async fn tell(&self, _: Vec<Notice>) {}
}

/// What a kubelet shows of a Pod that serves.
#[derive(Clone, Copy)]
struct Shown {
    is_ready: bool,
    restarts: i64,
}

const SERVES: Shown = Shown { is_ready: true, restarts: 0 };

/// The Pod with what its kubelet says.
fn shown(pod: &Value, shown: Shown) -> Value {
    let number = number(pod);
    let begun = 1_800_000_000 + i64::try_from(number % 97).unwrap();
    let mut pod = pod.clone();
    let is_ending = !pod["metadata"]["deletionTimestamp"].is_null();
    pod["spec"]["nodeName"] = json!(format!("node-{}", number % NODES));
    let id = |nth: i64| format!("containerd://{number:040x}{nth:024x}");
    let ended = |nth: i64| {
        json!({"terminated": {
            "startedAt": time(begun + 2 * nth), "finishedAt": time(begun + 2 * nth + 1), "exitCode": 0,
            "reason": "Completed", "containerID": id(nth),
        }})
    };
    let runs = json!({"running": {"startedAt": time(begun + 2 * shown.restarts)}});
    let state = if is_ending { ended(shown.restarts) } else { runs };
    let last = if shown.restarts > 0 { ended(shown.restarts - 1) } else { json!({}) };
    let ready = if shown.is_ready && !is_ending { "True" } else { "False" };
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": time(begun + 3)});
    pod["status"] = json!({
        "phase": if is_ending { "Succeeded" } else { "Running" },
        "conditions": [condition("PodScheduled", "True"), condition("Initialized", "True"), condition("Ready", ready)],
        "containerStatuses": [{
            "name": "web", "restartCount": shown.restarts, "ready": shown.is_ready && !is_ending,
            "containerID": id(shown.restarts), "state": state, "lastState": last,
        }],
    });
    pod
}

fn number(pod: &Value) -> u64 {
    let written = pod["metadata"]["annotations"]["hooked.dev/ordinal"].as_str().unwrap_or_default();
    written.split('.').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn time(second: i64) -> Value {
    json!(Timestamp::from_second(second).unwrap())
}

fn workload(replicas: usize, image: &str) -> Value {
    let exec = || json!({"exec": {"command": ["true"]}});
    json!({
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "hooks": {"measurement": "Observe"},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [
                    {"name": "web", "image": image, "lifecycle": {"postStart": exec(), "preStop": exec()}},
                ]},
            },
        },
    })
}

/// Finishes what never waits for anybody.
fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}

/// An operator with one workload.
struct Operator {
    cluster: Simulated,
    index: Index,
    watch: WatchSpec,
    version: u64,
}

impl Operator {
    fn new(replicas: usize) -> Self {
        let cluster = Simulated {
            server: Locked::new(ApiServer::new()),
            served: Locked::default(),
            now: Locked::new(Timestamp::from_second(1_800_001_000).unwrap()),
        };
        let watch = WatchSpec::of(&Request::get("/api/v1/pods")).expect("the server knows Pods");
        cluster.ask(&Request::create(WORKLOADS, workload(replicas, "web:1")));
        let mut operator = Self { cluster, index: Index::default(), watch, version: 0 };
        operator.rest();
        operator
    }

    fn object(&self, path: &str) -> Arc<Value> {
        Arc::clone(self.cluster.server.lock().object(path).expect("it is there"))
    }

    fn wait(&self, time: SignedDuration) {
        *self.cluster.now.lock() += time;
    }

    /// One pass: what the operator itself takes for it, and when the next one is due.
    fn pass(&self) -> (Duration, Option<SignedDuration>) {
        let workload = HookedWorkload::deserialize(&*self.object(WEB)).expect("it can be read");
        self.index.show_workload(&workload.metadata, Some(&workload.spec));
        let memory = self.index.memory("shop", &Owner::of(&workload.metadata));
        *self.cluster.served.lock() = Duration::ZERO;
        let begin = Instant::now();
        let reconciled = finish(reconcile(&self.cluster, Watched::Read(&workload), &memory));
        let taken = begin.elapsed();
        assert!(reconciled.trouble.is_none(), "{reconciled:?}");
        (taken.saturating_sub(*self.cluster.served.lock()), reconciled.after)
    }

    /// Takes in one event, and says what that takes.
    fn show(&self, pod: &Value, is: Shown) -> Duration {
        let pod = SlimPod::deserialize(&shown(pod, is)).expect("it can be read");
        let begin = Instant::now();
        self.index.show_pod(pod, self.cluster.now());
        begin.elapsed()
    }

    /// Takes in all that the server has to show, as kubelets see to it at once.
    fn watch(&mut self) -> Duration {
        let events = {
            let mut server = self.cluster.server.lock();
            let events = server.events_since(&self.watch, self.version).expect("nothing is forgotten");
            self.version = server.version();
            server.compact(self.version);
            events
        };
        let mut taken = Duration::ZERO;
        for event in events {
            if event.event_type == EventType::Deleted {
                let pod = SlimPod::deserialize(&shown(&event.object, SERVES)).expect("it can be read");
                let begin = Instant::now();
                self.index.show_last(pod, self.cluster.now());
                taken += begin.elapsed();
            } else {
                taken += self.show(&event.object, SERVES);
            }
        }
        taken
    }

    /// Goes on until nothing is left to do, and says what that takes the operator.
    fn rest(&mut self) -> Duration {
        let mut taken = Duration::ZERO;
        loop {
            let before = self.cluster.server.lock().version();
            let (passed, after) = self.pass();
            taken += passed + self.watch();
            let is_news = self.version > before;
            match after {
                None if !is_news => return taken,
                Some(after) if !is_news => self.wait(after),
                _ => self.wait(SignedDuration::from_millis(100)),
            }
        }
    }

    fn change(&mut self, change: Value) -> Duration {
        self.cluster.ask(&Request::patch(WEB, ContentType::MergePatch, change));
        self.rest()
    }

    fn pods(&self) -> Vec<Arc<Value>> {
        let server = self.cluster.server.lock();
        server.objects("/api/v1/namespaces/shop/pods").cloned().collect()
    }

    /// Shows so many Pods so and takes the workload through its passes: what an event takes, and what the passes that
    /// follow it do.
    fn rounds(&self, is: Shown, waits: &[i64]) -> [f64; 2] {
        let pods = self.pods();
        let (mut events, mut passes) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            // Pods all over the set, no one twice.
            events.push(self.show(&pods[round * pods.len() / ROUNDS], is));
            let taken = waits.iter().map(|wait| {
                self.wait(SignedDuration::from_secs(*wait));
                self.pass().0
            });
            passes.push(taken.sum());
        }
        [events, passes].map(|mut taken| {
            taken.sort();
            micros(taken[ROUNDS / 2], 1)
        })
    }
}

#[allow(clippy::cast_precision_loss, reason = "these are few")]
fn micros(taken: Duration, rounds: usize) -> f64 {
    taken.as_secs_f64() * 1e6 / rounds as f64
}

/// A row of the table, for a workload of so many Pods.
fn row(pods: usize) -> [f64; 9] {
    let mut operator = Operator::new(pods);
    let scaled = |operator: &mut Operator, replicas: usize| {
        let taken = operator.change(json!({"spec": {"replicas": replicas}}));
        assert_eq!(operator.pods().len(), replicas);
        taken
    };
    let [same, rest] = operator.rounds(SERVES, &[2]);
    let [unready, pass_unready] = operator.rounds(Shown { is_ready: false, ..SERVES }, &[2]);
    operator.rounds(SERVES, &[2]);
    let [_, pass_counted] = operator.rounds(Shown { restarts: 1, ..SERVES }, &[2, 12]);
    let half = pods / 2;
    let deleted = micros(scaled(&mut operator, pods - half), half);
    let created = micros(scaled(&mut operator, pods), half);
    let template = workload(pods, "web:2")["spec"]["template"].take();
    let replaced = micros(operator.change(json!({"spec": {"template": template}})), pods);
    let gone = micros(scaled(&mut operator, 0), pods);
    [same, unready, rest, pass_unready, pass_counted, created, deleted, replaced, gone]
}

fn main() {
    let heads = [
        "Pods",
        "event, no news",
        "event, readiness",
        "pass, nothing new",
        "pass, readiness",
        "two passes, a restart is counted",
        "a Pod created",
        "deleted",
        "replaced",
        "scaled to 0",
    ];
    println!("| {} |", heads.join(" | "));
    println!("|{}", "---|".repeat(heads.len()));
    for pods in [100, 1_000, 10_000] {
        let runs = [row(pods), row(pods), row(pods)];
        let least = |cell: usize| runs.iter().map(|run| run[cell]).fold(f64::INFINITY, f64::min);
        let cells: Vec<String> = (0..9).map(|cell| format!("{:.1}", least(cell))).collect();
        println!("| {pods} | {} |", cells.join(" | "));
    }
}
