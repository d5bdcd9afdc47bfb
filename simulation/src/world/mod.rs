//! A cluster with operators, users and faults, in virtual time: whatever happens in it is a [`Turn`], so that
//! a list of turns is all that it takes to have the same happen again.
//!
//! The passes that run here are those that ship: `hooked_core::pass` over a port of which every request is
//! answered, lost or delayed as the turns say. A crash is a dropped future.

mod checks;
mod deployment;
mod generate;
mod operator;
mod others;
mod plan;
mod proceed;
mod requests;
mod rng;
mod script;
mod settle;
mod shrink;
mod turn;
mod user;
mod wire;

use std::sync::Arc;

use hooked_core::pass::Locked;
use jiff::{SignedDuration, Timestamp};

pub use checks::Violation;
pub use generate::Generator;
pub use rng::Rng;
pub use script::{Outcome, Script};
pub use shrink::shrink;
pub use turn::{Cascade, Fate, Feed, NoTurn, Refused, Turn};

use crate::kubelet::{Nodes, Step};
use crate::{ApiServer, Refusal, Verb};
use checks::Checks;
use operator::{Course, Operator};
use wire::{Process, Wire};

/// How long a turn takes.
const MOMENT: SignedDuration = SignedDuration::from_millis(3);
/// How long a deposed operator takes to start again.
const RESTART: SignedDuration = SignedDuration::from_secs(2);

/// A cluster, and what was seen of it.
pub struct World {
    wire: Arc<Locked<Wire>>,
    server: ApiServer,
    nodes: Nodes,
    operators: Vec<Place>,
    checks: Checks,
    /// The version up to which watches were told what happened.
    told: u64,
    /// Requests and watch events so far.
    steps: u64,
    /// Turns so far, also those in which only time passes.
    turns: u64,
    /// What has happened, in words, if anybody wants to read it.
    story: Option<Vec<String>>,
    /// When an operator last changed anything but its Lease, or a node did.
    last_change: Timestamp,
    /// A Pod as a user has read it, to be made again.
    written_down: Option<serde_json::Value>,
    /// Requests since then that were not about the Lease.
    asked_since: u64,
}

/// Where an operator runs, or is to run again.
struct Place {
    life: u32,
    running: Option<Operator>,
    starts_at: Timestamp,
    /// By how much the clock of its machine is ahead.
    ahead: SignedDuration,
    /// It was asked to stop, and starts again so long after it has.
    stops: Option<SignedDuration>,
}

impl World {
    /// A cluster with that many operators and nothing else.
    pub fn new(operators: usize) -> Self {
        let begin = Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::UNIX_EPOCH);
        let wire = Arc::new(Locked::new(Wire { now: begin, ..Wire::default() }));
        let mut server = ApiServer::new();
        let nodes = Nodes::new(&["n1", "n2", "n3"], &mut server, begin);
        let mut malformed = Refusal::denied("", "pods", Some(Verb::Create), "");
        (malformed.code, malformed.reason) = (422, "Invalid".to_owned());
        "Pod is invalid: spec.containers[0]: Invalid value".clone_into(&mut malformed.message);
        malformed.labels.insert(plan::MALFORMED.to_owned(), "yes".to_owned());
        server.refusals().push(malformed);
        let place =
            || Place { life: 0, running: None, starts_at: begin, ahead: SignedDuration::ZERO, stops: None };
        Self {
            wire,
            told: server.version(),
            server,
            nodes,
            operators: std::iter::repeat_with(place).take(operators).collect(),
            checks: Checks::default(),
            steps: 0,
            turns: 0,
            story: None,
            last_change: begin,
            written_down: None,
            asked_since: 0,
        }
    }

    /// Has what happens told in words.
    pub fn tell(&mut self) {
        self.story = Some(Vec::new());
    }

    /// What has happened since somebody wanted it told.
    pub fn story(&self) -> &[String] {
        self.story.as_deref().unwrap_or_default()
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        let now = self.now();
        if let Some(story) = &mut self.story {
            story.push(format!("{} {}", now.strftime("%M:%S%.3f"), what()));
        }
    }

    fn now(&self) -> Timestamp {
        self.wire.lock().now
    }

    fn pass_time(&self, time: SignedDuration) {
        let mut wire = self.wire.lock();
        wire.now = wire.now.checked_add(time).unwrap_or(wire.now);
    }

    /// Lets one thing happen, and what follows from it at once.
    pub fn take(&mut self, turn: &Turn) -> Result<(), Violation> {
        if let Turn::Proceed { turns } = turn {
            for _ in 0..*turns {
                self.proceed()?;
            }
            return Ok(());
        }
        if !matches!(turn, Turn::Wait { .. } | Turn::Answer { .. } | Turn::Show { .. } | Turn::Node { .. }) {
            self.note(|| format!("— {turn}"));
        }
        self.happen(turn)?;
        self.pass_time(MOMENT);
        self.follow()
    }

    fn happen(&mut self, turn: &Turn) -> Result<(), Violation> {
        match *turn {
            Turn::Wait { millis } => self.pass_time(SignedDuration::from_millis(i64::from(millis))),
            Turn::Answer { nth, fate } => {
                if let Some(ticket) = self.nth_request(nth) {
                    self.meet(ticket, fate)?;
                }
            }
            Turn::Show { operator, feed, count } => {
                for _ in 0..count {
                    self.show(operator, feed);
                }
            }
            Turn::Relist { operator, feed } => self.relist(operator, feed),
            Turn::Node { nth } => {
                let steps = self.nodes.steps(&self.server, self.now());
                self.step(&steps, nth);
            }
            Turn::NodeFault { nth } => {
                let faults = self.nodes.faults(&self.server);
                self.step(&faults, nth);
            }
            Turn::Accident { nth } => {
                let accidents = self.nodes.accidents();
                self.step(&accidents, nth);
            }
            Turn::Collect => drop(self.server.collect_garbage(self.now())),
            Turn::Crash { operator, seconds } => self.crash(operator, seconds),
            Turn::Stop { operator, seconds } => self.stop(operator, seconds),
            Turn::Freeze { operator, seconds } => self.freeze(operator, seconds),
            Turn::SetClock { operator, ahead } => self.set_clock(operator, ahead),
            _ => self.act(turn),
        }
        Ok(())
    }

    /// What follows from what has happened: operators start, go on, send requests.
    fn follow(&mut self) -> Result<(), Violation> {
        self.turns += 1;
        self.time_out();
        self.tell_watches();
        let now = self.now();
        for at in 0..self.operators.len() {
            let place = &mut self.operators[at];
            if place.running.is_none() && place.starts_at <= now {
                place.life += 1;
                let process = Process { operator: at, life: place.life };
                place.running = Some(Operator::start(process, Arc::clone(&self.wire), place.ahead));
            }
            let Some(operator) = &mut place.running else { continue };
            if operator.run(now) == Course::Deposed {
                self.end(at, RESTART);
            }
            self.stop_when_idle(at);
            self.look_at_sent()?;
        }
        Ok(())
    }

    fn tell_watches(&mut self) {
        if self.told == self.server.version() {
            return;
        }
        for place in &mut self.operators {
            if let Some(leading) = place.running.as_mut().and_then(|operator| operator.leading.as_mut()) {
                leading.fill(&self.server);
            }
        }
        self.told = self.server.version();
        self.server.compact(self.told);
    }

    fn operator(&mut self, nth: u32) -> Option<(usize, &mut Operator)> {
        let at = (nth as usize).checked_rem(self.operators.len())?;
        Some((at, self.operators[at].running.as_mut()?))
    }

    /// Shows an operator the next thing of a watch; false if there is none.
    fn show(&mut self, nth: u32, feed: Feed) -> bool {
        let now = self.now();
        self.tell_watches();
        let Some(at) = (nth as usize).checked_rem(self.operators.len()) else { return false };
        let Some(operator) = self.operators[at].running.as_mut().filter(|it| !it.is_frozen(now)) else {
            return false;
        };
        let Some(leading) = &mut operator.leading else { return false };
        let Some(shown) = leading.show(feed, &self.server, now) else { return false };
        self.steps += 1;
        if matches!(feed, Feed::Pods | Feed::Others) {
            self.checks.shown(at, &shown);
        }
        self.note(|| format!("operator {at} is shown {feed:?}: {}", shown.describe()));
        true
    }

    fn relist(&mut self, nth: u32, feed: Feed) {
        let now = self.now();
        if let Some((_, operator)) = self.operator(nth)
            && let Some(leading) = &mut operator.leading
        {
            leading.relist(feed, now);
        }
    }

    fn step(&mut self, steps: &[Step], nth: u32) {
        let Some(at) = (nth as usize).checked_rem(steps.len()) else { return };
        self.take_step(&steps[at]);
    }

    fn take_step(&mut self, step: &Step) {
        let now = self.now();
        let is_last = || self.server.objects("/api/v1/nodes").count() < 3;
        let is_possible = match step {
            // Somewhere Pods must be able to run.
            Step::DestroyNode { .. } => !is_last(),
            Step::SetReady { uid, ready: true, .. } => !self.checks.is_never_ready(uid),
            _ => true,
        };
        if is_possible {
            self.note(|| format!("node: {step:?}"));
            if let Step::DestroyNode { node } = step {
                self.checks.lose_node(node, &self.server);
            }
            self.nodes.take(step, &mut self.server, now);
            self.last_change = now;
        }
    }

    fn crash(&mut self, nth: u32, seconds: u32) {
        if let Some((at, _)) = self.operator(nth) {
            self.end(at, SignedDuration::from_secs(i64::from(seconds)));
        }
    }

    /// Nothing more is sent, what is under way comes to its end, and then the Lease is given back.
    fn stop(&mut self, nth: u32, seconds: u32) {
        let Some((at, operator)) = self.operator(nth) else { return };
        operator.stop();
        self.operators[at].stops = Some(SignedDuration::from_secs(i64::from(seconds)));
    }

    fn stop_when_idle(&mut self, at: usize) {
        let Some(rest) = self.operators[at].stops else { return };
        let now = self.now();
        let Some(operator) = self.operators[at].running.as_ref().filter(|it| !it.is_frozen(now)) else {
            return;
        };
        let process = operator.port.process;
        let is_its = |request: &wire::InFlight| request.process == process && request.has_client;
        if self.wire.lock().requests.values().any(is_its) {
            return;
        }
        self.end(at, rest);
        operator::release(process, &mut self.server, now);
        // Of what is still to be carried out nobody waits for the reply: it was lost.
        let mut wire = self.wire.lock();
        wire.requests.values_mut().filter(|it| it.process == process).for_each(|it| it.is_late = true);
    }

    fn end(&mut self, at: usize, rest: SignedDuration) {
        let place = &mut self.operators[at];
        (place.running, place.stops) = (None, None);
        let now = self.wire.lock().now;
        self.operators[at].starts_at = now.checked_add(rest).unwrap_or(now);
        self.checks.forget(at);
    }

    /// An operator stands still, and so do its requests that have not reached the API server.
    fn freeze(&mut self, nth: u32, seconds: u32) {
        let (now, time) = (self.now(), SignedDuration::from_secs(i64::from(seconds)));
        let Some((at, operator)) = self.operator(nth) else { return };
        operator.frozen_until = now.checked_add(time).ok();
        let mut wire = self.wire.lock();
        let own = wire.requests.values_mut().filter(|it| it.process.operator == at && it.has_client);
        for request in own.filter(|it| it.reply.is_none()) {
            request.deadline = request.deadline.checked_add(time).unwrap_or(request.deadline);
            request.is_late = true;
        }
    }

    fn set_clock(&mut self, nth: u32, ahead: i32) {
        let ahead = SignedDuration::from_secs(i64::from(ahead));
        if let Some((at, operator)) = self.operator(nth) {
            operator.port.machine.lock().ahead = ahead;
            self.operators[at].ahead = ahead;
        }
    }
}
