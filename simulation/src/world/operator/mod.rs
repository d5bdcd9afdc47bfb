//! One operator: a process that seeks the Lease and, while it leads, watches and takes workloads through
//! their passes.

mod election;
mod leading;
mod others;
mod reconcile;
mod sweep;
mod watching;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hooked_core::election::Candidate;
use hooked_core::pass::Locked;
use jiff::{SignedDuration, Timestamp};

use super::wire::{Machine, Port, Process, Purpose, Wire};
use election::Standing;
pub(super) use election::{LEASE, release};
use leading::Leading;
pub(super) use leading::Shown;

/// Something that an operator is at.
type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Whether a task has come to its end.
fn poll<T>(task: &mut Task<T>) -> Option<T> {
    match task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// A running operator.
pub(super) struct Operator {
    pub(super) port: Port,
    candidate: Arc<Locked<Candidate>>,
    standing: Standing,
    /// A look at the Lease that is under way, and when it began.
    election: Option<(Task<Option<Standing>>, Timestamp)>,
    next_look: Timestamp,
    pub(super) frozen_until: Option<Timestamp>,
    /// It was asked to stop: it sends nothing more.
    is_stopping: bool,
    pub(super) leading: Option<Leading>,
}

/// What an operator has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// It goes on.
    On,
    /// It was deposed, and exits.
    Deposed,
}

impl Operator {
    pub(super) fn start(process: Process, wire: Arc<Locked<Wire>>, ahead: SignedDuration) -> Self {
        let now = wire.lock().now;
        let machine = Arc::new(Locked::new(Machine { leads_until: None, ahead }));
        let identity = identity(process);
        Self {
            port: Port { wire, machine, process, purpose: Purpose::Election },
            candidate: Arc::new(Locked::new(Candidate::new(identity))),
            standing: Standing::Standby,
            election: None,
            next_look: now,
            frozen_until: None,
            is_stopping: false,
            leading: None,
        }
    }

    pub(super) fn is_frozen(&self, now: Timestamp) -> bool {
        self.frozen_until.is_some_and(|until| until > now)
    }

    /// It is asked to stop.
    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
        self.election = None;
        self.port.machine.lock().leads_until = None;
    }

    /// Whether it believes that it leads.
    pub(super) fn leads(&self) -> bool {
        self.leading.is_some()
    }

    /// Does what is due, and goes on with what has got an answer.
    pub(super) fn run(&mut self, now: Timestamp) -> Course {
        if self.is_frozen(now) {
            return Course::On;
        }
        self.frozen_until = None;
        if !self.is_stopping && self.seek_lease(now) == Course::Deposed {
            return Course::Deposed;
        }
        if let Some(leading) = &mut self.leading {
            leading.run(now);
        }
        Course::On
    }

    fn seek_lease(&mut self, now: Timestamp) -> Course {
        if self.election.is_none() && self.next_look <= now {
            let look = election::look(self.port.clone(), Arc::clone(&self.candidate));
            self.election = Some((Box::pin(look), now));
        }
        let Some((task, began)) = &mut self.election else { return Course::On };
        let was_leader = self.standing == Standing::Leader;
        match poll(task) {
            Some(Some(standing)) => self.standing = standing,
            Some(None) => {}
            // Too slow: it is tried anew.
            None if election::gives_up(*began) <= now => {}
            None => return Course::On,
        }
        self.next_look = election::next(&self.candidate.lock(), *began);
        self.election = None;
        let holds = self.port.machine.lock().leads_until.is_some_and(|until| now < until);
        let leads = holds && self.standing == Standing::Leader;
        if was_leader && !leads {
            return Course::Deposed;
        }
        if leads && self.leading.is_none() {
            self.leading = Some(Leading::begin(self.port.clone(), now));
        }
        Course::On
    }

    /// When something becomes due though nothing new comes.
    pub(super) fn next_due(&self, now: Timestamp) -> Timestamp {
        if let Some(until) = self.frozen_until {
            return until;
        }
        let look = match &self.election {
            Some((_, began)) => election::gives_up(*began),
            None => self.next_look,
        };
        let leading = self.leading.as_ref().and_then(|leading| leading.next_due(now));
        leading.map_or(look, |due| due.min(look))
    }
}

/// A name that no other process has, or has ever had.
pub(super) fn identity(process: Process) -> String {
    format!("operator-{}_{}", process.operator, process.life)
}
