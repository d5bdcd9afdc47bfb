//! A cluster in memory: the API server, its nodes, what was asked of it, and waits for what is to become of it.

use std::sync::Arc;
use std::time::Duration;

use hooked_core::pass::Locked;
use hooked_crd::HookedWorkloadStatus;
use hooked_simulation::kubelet::{HookEnd, HookRun, Nodes, Step};
use hooked_simulation::{ApiServer, ContentType, Reply, Request};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;

use super::fate::{Fate, Sent};
use super::manifests::workload;

/// How long anything may take: no test depends on how fast the machine is.
const PATIENCE: Duration = Duration::from_secs(120);
/// How soon nodes look again for what time has brought.
const IDLE: Duration = Duration::from_millis(20);

/// Where the tests' workloads are.
pub(super) const WORKLOADS: &str = "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads";
/// Where Events are: the kubelet's and the operator's.
pub(super) const EVENTS: [&str; 2] =
    ["/api/v1/namespaces/shop/events", "/apis/events.k8s.io/v1/namespaces/shop/events"];
/// Where their Pods are.
pub(super) const PODS: &str = "/api/v1/namespaces/shop/pods";

/// Decides what becomes of a request.
type Decide = Box<dyn FnMut(&Request) -> Fate + Send>;

/// All that there is.
pub(super) struct World {
    pub(super) server: ApiServer,
    nodes: Nodes,
    pub(super) log: Vec<Sent>,
    decide: Decide,
    /// How long the log was when the last held reply was let go, or was waited for no longer.
    pub(super) held_until: usize,
    /// A field of workloads' status that the definition does not know.
    pub(super) unknown_field: Option<&'static str>,
    /// Whether watches are refused, as where a server cannot be reached.
    pub(super) refuses_watches: bool,
}

/// A cluster in memory, whose nodes run for as long as the test does.
pub(super) struct Cluster {
    pub(super) shared: Arc<Shared>,
}

/// What requests, watches and nodes share.
pub(super) struct Shared {
    pub(super) world: Locked<World>,
    pub(super) changed: watch::Sender<()>,
    /// Watches end when it changes.
    pub(super) cut: watch::Sender<()>,
    /// Whether replies that are held back may go.
    pub(super) released: watch::Sender<bool>,
}

impl Cluster {
    pub(super) fn new() -> Self {
        let mut server = ApiServer::new();
        let nodes = Nodes::new(&["n1", "n2"], &mut server, Timestamp::now());
        let world = World {
            server,
            nodes,
            log: Vec::new(),
            decide: Box::new(|_| Fate::Answered),
            held_until: 0,
            unknown_field: None,
            refuses_watches: false,
        };
        let shared = Arc::new(Shared {
            world: Locked::new(world),
            changed: watch::Sender::default(),
            cut: watch::Sender::default(),
            released: watch::Sender::new(false),
        });
        tokio::spawn(run_nodes(Arc::clone(&shared)));
        Self { shared }
    }

    /// Decides from now on what becomes of requests other than watches.
    pub(super) fn decide(&self, decide: impl FnMut(&Request) -> Fate + Send + 'static) {
        self.shared.world.lock().decide = Box::new(decide);
    }

    /// Lets replies go that are held back.
    pub(super) fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// Has a user ask for something, which the server must not refuse.
    pub(super) fn ask(&self, request: &Request) -> Arc<Value> {
        let Reply { code, body } = self.shared.carry_out(request);
        assert!(code < 300, "{request:?}: {body}");
        body
    }

    /// Has a user ask for a workload, and waits until all its Pods serve.
    pub(super) async fn serve(&self, name: &str, replicas: u32) {
        self.ask(&Request::create(WORKLOADS, workload(name, replicas)));
        let is_serving = |status: &HookedWorkloadStatus| u32::try_from(status.ready_replicas) == Ok(replicas);
        self.wait_for_status(name, "all its Pods serve", is_serving).await;
    }

    /// Has a user change an object.
    pub(super) fn merge(&self, path: &str, change: Value) {
        self.ask(&Request::patch(path, ContentType::MergePatch, change));
    }

    /// Ends all watches, and refuses new ones until they are allowed again.
    pub(super) fn cut_watches(&self) {
        self.shared.world.lock().refuses_watches = true;
        self.shared.cut.send_replace(());
    }

    /// Allows watches again, but none from a version of before.
    pub(super) fn allow_watches(&self) {
        let mut world = self.shared.world.lock();
        world.refuses_watches = false;
        let version = world.server.version();
        world.server.compact(version);
    }

    /// Waits until the world is so.
    pub(super) async fn wait<T>(&self, what: &str, mut find: impl FnMut(&World) -> Option<T>) -> T {
        let mut changes = self.shared.changed.subscribe();
        let found = async {
            loop {
                if let Some(found) = find(&self.shared.world.lock()) {
                    return found;
                }
                changes.changed().await.ok();
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_| panic!("not in {} s: {what}", PATIENCE.as_secs()))
    }

    /// Has the first thing go wrong on the nodes that is such a one, as soon as one can.
    pub(super) async fn strike(&self, what: &str, is_such: impl Fn(&Step) -> bool) {
        let mut changes = self.shared.changed.subscribe();
        let struck = async {
            while !self.shared.world.lock().strike(&is_such) {
                changes.changed().await.ok();
            }
        };
        let struck = tokio::time::timeout(PATIENCE, struck).await;
        assert!(struck.is_ok(), "not in {} s: {what}", PATIENCE.as_secs());
        self.shared.changed.send_replace(());
    }

    /// Waits until the status of a workload is so.
    pub(super) async fn wait_for_status(
        &self,
        name: &str,
        what: &str,
        is_so: impl Fn(&HookedWorkloadStatus) -> bool,
    ) {
        let path = format!("{WORKLOADS}/{name}");
        self.wait(what, |world| world.status(&path).filter(|status| is_so(status)).map(drop)).await;
    }

    /// What it was asked for so far.
    pub(super) fn log(&self) -> Vec<Sent> {
        self.shared.world.lock().log.clone()
    }
}

impl Shared {
    /// Carries a request out.
    pub(super) fn carry_out(&self, request: &Request) -> Reply {
        let reply = self.world.lock().server.handle(request, Timestamp::now());
        self.changed.send_replace(());
        reply
    }

    /// Carries out what an operator asks for, and says what becomes of the reply.
    pub(super) fn serve(&self, by: &str, request: &Request) -> (Reply, Fate) {
        let mut world = self.world.lock();
        let fate = (world.decide)(request);
        let reply = match fate {
            Fate::Refused(code) => {
                let body = serde_json::json!({
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Refused", "code": code,
                    "message": "the test refuses it",
                });
                Reply { code, body: Arc::new(body) }
            }
            Fate::Answered | Fate::ReplyLost | Fate::Held => {
                let pruned = pruned(request, world.unknown_field);
                world.server.handle(pruned.as_ref().unwrap_or(request), Timestamp::now())
            }
        };
        world.log.push(Sent {
            by: by.to_owned(),
            method: request.method,
            path: request.path.clone(),
            is_dry_run: request.query.contains_key("dryRun"),
            body: request.body.clone().unwrap_or_default(),
            code: reply.code,
        });
        drop(world);
        self.changed.send_replace(());
        (reply, fate)
    }
}

/// A status write without a field that the definition does not know; none if it has no such field.
fn pruned(request: &Request, unknown: Option<&str>) -> Option<Request> {
    let mut pruned = request.path.ends_with("/status").then(|| request.clone())?;
    let status = pruned.body.as_mut()?.get_mut("status")?.as_object_mut()?;
    status.remove(unknown?).map(|_| pruned)
}

impl World {
    /// The status of a workload.
    pub(super) fn status(&self, path: &str) -> Option<HookedWorkloadStatus> {
        HookedWorkloadStatus::deserialize(&self.server.object(path)?["status"]).ok()
    }

    /// The runs of hooks that there really were.
    pub(super) fn runs(&self) -> &[HookRun] {
        &self.nodes.truth().runs
    }

    /// Forgets what was asked, what happened and what was told, where no Pod is left; says how many runs of hooks there
    /// really were.
    pub(super) fn forget(&mut self) -> usize {
        let Self { server, nodes, log, .. } = self;
        log.clear();
        for events in EVENTS {
            let name = |event: &Arc<Value>| event["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            for name in server.objects(events).map(name).collect::<Vec<_>>() {
                server.handle(&Request::delete(format!("{events}/{name}"), None), Timestamp::now());
            }
        }
        server.compact(server.version());
        nodes.forget().runs.len()
    }

    /// The Pods that there are.
    pub(super) fn pods(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.server.objects(PODS)
    }

    /// Has the first such fault happen; false if there can be none.
    fn strike(&mut self, is_such: impl Fn(&Step) -> bool) -> bool {
        let Self { server, nodes, .. } = self;
        let Some(fault) = nodes.faults(server).into_iter().find(is_such) else { return false };
        nodes.take(&fault, server, Timestamp::now());
        true
    }

    /// Has the nodes do what is next, if anything is.
    fn proceed(&mut self) -> bool {
        let now = Timestamp::now();
        let Self { server, nodes, .. } = self;
        let steps = nodes.steps(server, now);
        let goes_well = |step: &Step| match step {
            Step::SetReady { ready, .. } => *ready,
            Step::EndHook { end, .. } => *end == HookEnd::Succeeded,
            _ => true,
        };
        match steps.into_iter().find(goes_well) {
            Some(step) => {
                nodes.take(&step, server, now);
                true
            }
            None => server.collect_garbage(now),
        }
    }
}

/// Has nodes do what they have to, where all goes well.
async fn run_nodes(shared: Arc<Shared>) {
    let mut changes = shared.changed.subscribe();
    loop {
        let has_proceeded = shared.world.lock().proceed();
        if has_proceeded {
            shared.changed.send_replace(());
            tokio::task::yield_now().await;
        } else {
            tokio::time::timeout(IDLE, changes.changed()).await.ok();
        }
    }
}
