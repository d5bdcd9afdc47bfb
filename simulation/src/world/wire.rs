//! Requests under way, and the port through which a pass sends them.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hooked_core::lifecycle::LiveEndpoint;
use hooked_core::mutation::{Mutation, mutated};
use hooked_core::pass::call::Call;
use hooked_core::pass::{Cluster, Failure, Locked, TIMEOUT};
use hooked_core::status::{LiveService, Notice, Series};
use hooked_core::watch::WorkloadRef;
use hooked_core::workload::template::{Delivery, Supply};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The shortest time that a request is sent with.
const SHORTEST: SignedDuration = SignedDuration::from_millis(500);
/// The time of a request that is sent without one.
const ENDLESS: SignedDuration = SignedDuration::from_secs(60);

/// Why a request is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A pass over a workload that is shown with this generation.
    Pass { workload: WorkloadRef, generation: i64 },
    /// To get or keep the Lease.
    Election,
    /// To let Pods go that nobody accounts for.
    Sweep,
    /// To find out who controls what controls a Pod of others.
    Chain,
}

/// Which process sends: an operator, and how often it had been started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Process {
    pub(super) operator: usize,
    pub(super) life: u32,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) process: Process,
    pub(super) purpose: Purpose,
    pub(super) call: Call,
    /// Until when it may be carried out.
    pub(super) deadline: Timestamp,
    /// Whether somebody waits for the reply.
    pub(super) has_client: bool,
    /// The reply, once it is carried out.
    pub(super) reply: Option<Result<Value, Failure>>,
    /// The process stood still while it was under way, or gave its Lease back.
    pub(super) is_late: bool,
    waker: Option<Waker>,
}

/// All requests under way, and the time.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pub(super) now: Timestamp,
    pub(super) tickets: u64,
    pub(super) requests: BTreeMap<u64, InFlight>,
    pub(super) answers: BTreeMap<u64, Result<Value, Failure>>,
    /// Requests that were sent and not looked at yet.
    pub(super) sent: Vec<u64>,
}

impl Wire {
    fn submit(&mut self, process: Process, purpose: Purpose, call: Call, timeout: SignedDuration) -> u64 {
        self.tickets += 1;
        let deadline = self.now.checked_add(timeout).unwrap_or(self.now);
        let request = InFlight {
            process,
            purpose,
            call,
            deadline,
            has_client: true,
            reply: None,
            is_late: false,
            waker: None,
        };
        self.requests.insert(self.tickets, request);
        self.sent.push(self.tickets);
        self.tickets
    }

    /// Gives the client of a request its answer; true if it had one.
    pub(super) fn answer(&mut self, ticket: u64, answer: Result<Value, Failure>) -> bool {
        let Some(request) = self.requests.get_mut(&ticket).filter(|request| request.has_client) else {
            return false;
        };
        request.has_client = false;
        self.answers.insert(ticket, answer);
        if let Some(waker) = request.waker.take() {
            waker.wake();
        }
        true
    }
}

/// An answer that is waited for.
struct Answer {
    wire: Arc<Locked<Wire>>,
    ticket: u64,
}

impl Future for Answer {
    type Output = Result<Value, Failure>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut wire = self.wire.lock();
        if let Some(answer) = wire.answers.remove(&self.ticket) {
            return Poll::Ready(answer);
        }
        if let Some(request) = wire.requests.get_mut(&self.ticket) {
            request.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Answer {
    /// Nobody waits for it any more; it may be carried out all the same.
    fn drop(&mut self) {
        let mut wire = self.wire.lock();
        wire.answers.remove(&self.ticket);
        if let Some(request) = wire.requests.get_mut(&self.ticket) {
            request.has_client = false;
        }
    }
}

/// What a process knows of its Lease and of its clock.
#[derive(Debug, Default)]
pub(super) struct Machine {
    /// Until when the process leads.
    pub(super) leads_until: Option<Timestamp>,
    /// By how much its clock is ahead.
    pub(super) ahead: SignedDuration,
}

/// The port of a process.
#[derive(Clone)]
pub(super) struct Port {
    pub(super) wire: Arc<Locked<Wire>>,
    pub(super) machine: Arc<Locked<Machine>>,
    pub(super) process: Process,
    pub(super) purpose: Purpose,
}

impl Port {
    /// Sends a request that needs no Lease.
    pub(super) async fn send_unfenced(&self, call: Call, timeout: SignedDuration) -> Result<Value, Failure> {
        let ticket = self.wire.lock().submit(self.process, self.purpose.clone(), call, timeout);
        Answer { wire: Arc::clone(&self.wire), ticket }.await
    }

    /// For how long the process certainly leads.
    fn left(&self) -> SignedDuration {
        let now = self.wire.lock().now;
        let until = self.machine.lock().leads_until;
        until.map_or(SignedDuration::ZERO, |until| until.duration_since(now))
    }
}

impl Cluster for Port {
    fn operator(&self) -> &'static str {
        "hooked-system"
    }

    fn now(&self) -> Timestamp {
        let (now, ahead) = (self.wire.lock().now, self.machine.lock().ahead);
        now.checked_add(ahead).unwrap_or(now)
    }

    async fn send(&self, call: Call) -> Result<Value, Failure> {
        let timeout = if mutated(Mutation::ActsUnfenced) { TIMEOUT } else { self.left().min(TIMEOUT) };
        if timeout < SHORTEST {
            return Err(Failure::Deposed);
        }
        let timeout = if mutated(Mutation::NoTimeOut) { ENDLESS } else { timeout };
        self.send_unfenced(call, timeout).await
    }

    fn endpoint(&self) -> Option<LiveEndpoint> {
        None
    }

    fn service(&self) -> Option<LiveService> {
        None
    }

    async fn supply(&self) -> Arc<Supply> {
        let supply = Supply {
            image: Ok("runner".to_owned()),
            pull_secret: None,
            deliveries: vec![Delivery::ImageVolume],
            architectures: BTreeSet::new(),
            nodes: BTreeSet::new(),
            proven: BTreeSet::new(),
        };
        Arc::new(supply)
    }

    fn show_left_to(&self, _: &str) {}

    fn stop_hooks(&self, _pod_uid: &str) {}

    fn show(&self, _series: Series) {}

    fn show_invalid(&self, _failing: bool) {}

    async fn tell(&self, _notices: Vec<Notice>) {}
}
