//! A small cluster: Pods with one container each, the API server that holds the ledger, and an operator that
//! may die.

use hooked_core::accounting::Account;
use hooked_core::accounting::ledger::Ledger;
use hooked_core::lifecycle::kubelet::{self, KubeletEvent};
use hooked_core::pass::Memory;
use hooked_crd::{HookKind, KillReason, Outcome, Source};
use hooked_protocol::Record;
use jiff::Timestamp;
use serde_json::Value;

use crate::pod::{Container, Pod, record, report};

/// What becomes of a status write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// It is carried out and acknowledged.
    Accepted,
    /// It is not carried out.
    Refused,
    /// It is carried out, and the operator does not learn of it until it reads the object again.
    ReplyLost,
    /// It is still under way: it may be carried out at any time, also when its operator is no more.
    UnderWay,
    /// It is not sent yet, since the one before was just now: what is counted waits for the next pass.
    Later,
}

/// What really happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Truth {
    pub(crate) starts: u64,
    pub(crate) post_start_failures: u64,
    pub(crate) exits: u64,
}

pub(crate) struct World {
    now: i64,
    pods: Vec<Pod>,
    /// `status.ledger` as the API server holds it, and the version of the object.
    stored: Value,
    version: u64,
    /// What the operator knows of it: its cache may be behind.
    cached: (u64, Value),
    /// A write that nobody waits for any more: the version that it replaces, and what it says.
    under_way: Option<(u64, Value)>,
    memory: Memory,
    /// What is counted on top of a version and not sent yet.
    uncommitted: Option<(u64, Account)>,
    /// Whether postStart hooks run under the runner, which records them and tells of them live.
    measured: bool,
    pub(crate) truth: Truth,
}

impl World {
    pub(crate) fn with_pods(count: usize) -> Self {
        Self::with(count, false)
    }

    /// The same with postStart hooks under the runner. Each run takes twice as long as the one before.
    pub(crate) fn with_runners(count: usize) -> Self {
        Self::with(count, true)
    }

    fn with(count: usize, measured: bool) -> Self {
        let pod = |number| Pod {
            number,
            restarts: 0,
            container: Container::NotStarted,
            last: None,
            runs: Vec::new(),
            deleted: None,
            held: true,
        };
        let pods = (1..).take(count).map(pod).collect();
        let stored = Ledger::default().store().unwrap();
        let mut world = Self {
            now: 1_700_000_000,
            pods,
            cached: (1, stored.clone()),
            stored,
            version: 1,
            under_way: None,
            memory: Memory::default(),
            uncommitted: None,
            measured,
            truth: Truth::default(),
        };
        world.crash();
        world
    }

    /// The container is started, unless it runs or the Pod is going. One whose postStart hook fails is
    /// killed.
    pub(crate) fn start(&mut self, index: usize, post_start_succeeds: bool) {
        self.now += 1;
        let (now, pod) = (self.now, &mut self.pods[index]);
        if pod.deleted.is_some() || matches!(pod.container, Container::Running { .. }) {
            return;
        }
        if let Container::Ended { started, finished, .. } = pod.container {
            pod.last = Some((started, finished));
            pod.restarts += 1;
        }
        pod.runs.push(record(pod, now, self.truth.starts, post_start_succeeds));
        self.truth.starts += 1;
        if post_start_succeeds {
            pod.container = Container::Running { started: now };
        } else {
            self.truth.post_start_failures += 1;
            pod.container = Container::Ended { started: now, finished: now, post_start_error: true };
        }
    }

    /// The program exits by itself.
    pub(crate) fn exit(&mut self, index: usize) {
        self.now += 1;
        let pod = &mut self.pods[index];
        if let (Container::Running { started }, None) = (&pod.container, pod.deleted) {
            pod.container =
                Container::Ended { started: *started, finished: self.now, post_start_error: false };
            self.truth.exits += 1;
        }
    }

    /// The node forgets the container and starts it again: its kubelet counts restarts from 0.
    pub(crate) fn start_anew(&mut self, index: usize) {
        self.now += 1;
        let (now, pod) = (self.now, &mut self.pods[index]);
        if pod.deleted.is_some() || matches!(pod.container, Container::NotStarted) {
            return;
        }
        (pod.restarts, pod.last) = (0, None);
        pod.runs.push(record(pod, now, self.truth.starts, true));
        self.truth.starts += 1;
        pod.container = Container::Running { started: now };
    }

    /// The Pod is deleted, and its container stops at once.
    pub(crate) fn delete(&mut self, index: usize) {
        self.now += 1;
        let pod = &mut self.pods[index];
        pod.deleted.get_or_insert(self.now);
        if let Container::Running { started } = pod.container {
            pod.container = Container::Ended { started, finished: self.now, post_start_error: false };
        }
    }

    /// The kubelet sends an Event about the container, now.
    pub(crate) fn event(&mut self, index: usize, reason: &str, message: &str) {
        let number = self.pods[index].number;
        let time = Some(self.timestamp());
        let event =
            KubeletEvent { reason, field_path: "spec.containers{web}", message, first: time, last: time };
        let evidence = kubelet::read_event(&event).unwrap();
        self.memory.observe_event(number, &format!("uid-{number}"), evidence, self.timestamp());
    }

    /// The runner tells of a run: of the last one, or of one before, as if it were sent again. Of its
    /// beginning alone, or of its end too.
    pub(crate) fn tell(&mut self, index: usize, back: usize, ended: bool) {
        let pod = &self.pods[index];
        let Some(record) = pod.runs.iter().rev().nth(back) else { return };
        let ending = record.ending.clone().filter(|_| ended);
        let record = Record { ending, ..record.clone() };
        let (uid, now) = (format!("uid-{}", pod.number), self.timestamp());
        self.memory.observe_live(pod.number, &uid, record, now);
    }

    /// Which runs' measured durations are counted: their number, and a bit for each of them, if none was
    /// counted twice.
    pub(crate) fn durations(&self) -> (u64, u64) {
        let ledger = Ledger::load(Some(&self.stored)).unwrap();
        let of_runner = ledger.durations.iter().filter(|(key, _)| key.source == Source::Runner);
        let sums = of_runner.map(|(_, known)| (known.histogram.count, known.histogram.sum));
        let (count, sum) = sums.fold((0, 0.0), |(count, sum), (c, s)| (count + c, sum + s));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of microseconds")]
        let bits = (sum * 1e6).round() as u64;
        (count, bits)
    }

    /// The Pod vanishes: somebody has taken its finalizer off.
    pub(crate) fn vanish(&mut self, index: usize) {
        self.memory.observe_gone(self.pods[index].number, self.timestamp());
        self.pods[index].held = false;
    }

    /// Hooks that run now.
    pub(crate) fn running(&self) -> usize {
        self.memory.tracker.running().iter().count()
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now += seconds;
    }

    /// The watch shows the Pod as it is now.
    pub(crate) fn show(&mut self, index: usize) {
        let pod = &self.pods[index];
        let gone = pod.deleted.is_some() && !pod.held;
        let now = self.timestamp();
        if gone {
            self.memory.observe_gone(pod.number, now);
        } else {
            self.memory.observe_pod(&report(pod, self.measured), now);
        }
    }

    /// The operator accounts, commits, and lets go of the Pods that a commit it knows of allows. A write that
    /// was computed from an old version is a conflict, after which the operator reads the object again.
    pub(crate) fn pass(&mut self, commit: Commit) {
        let (version, known) = self.cached.clone();
        let committed = Ledger::load(Some(&known)).unwrap();
        let account = self.account(version, &committed);
        if commit == Commit::Later {
            self.uncommitted = Some((version, account));
            return;
        }
        let (ledger, now) = (account.ledger.clone(), self.timestamp());
        let write = (version, ledger.store().unwrap());
        if commit == Commit::Accepted && self.write(write.clone()) {
            account.acknowledge(&mut self.memory.tracker, now);
            self.read();
            self.release(&ledger);
            return;
        }
        account.discard(&mut self.memory.tracker, now);
        match commit {
            Commit::UnderWay => self.under_way = Some(write),
            Commit::ReplyLost => {
                self.write(write);
            }
            Commit::Accepted | Commit::Refused | Commit::Later => self.read(),
        }
    }

    /// Counts on top of what is committed, or of what was counted on top of the same and not sent yet.
    fn account(&mut self, version: u64, committed: &Ledger) -> Account {
        let now = self.timestamp();
        let mut account = match self.uncommitted.take() {
            Some((of, account)) if of == version => account,
            Some((_, outdated)) => {
                outdated.discard(&mut self.memory.tracker, now);
                Account::on(committed.clone())
            }
            None => Account::on(committed.clone()),
        };
        let Memory { replicas, tracker, .. } = &mut self.memory;
        account.count(tracker, now);
        let highest = replicas.highest_number().max(tracker.highest_number());
        account.ledger.high_water = account.ledger.high_water.max(highest);
        let is_there = |first, last| replicas.any_in(first, last) || tracker.any_in(first, last);
        account.ledger.marks.compact(false, is_there);
        account
    }

    /// A write that was under way arrives at last.
    pub(crate) fn arrive(&mut self) {
        if let Some(write) = self.under_way.take() {
            self.write(write);
        }
    }

    /// The operator's cache catches up.
    pub(crate) fn read(&mut self) {
        self.cached = (self.version, self.stored.clone());
    }

    /// The API server carries a write out only if it was computed from the version that it holds.
    fn write(&mut self, (of, ledger): (u64, Value)) -> bool {
        let current = of == self.version;
        if current && ledger != self.stored {
            (self.version, self.stored) = (self.version + 1, ledger);
        }
        current
    }

    fn release(&mut self, known: &Ledger) {
        let Memory { replicas, tracker, .. } = &mut self.memory;
        let held = |number: &u64| replicas.get(*number).is_some_and(|fact| fact.has_finalizer);
        let free: Vec<u64> =
            tracker.accounted().filter(|number| *number <= known.high_water).filter(held).collect();
        for number in free {
            replicas.finalizer_removed(number);
            if let Some(pod) = self.pods.iter_mut().find(|pod| pod.number == number) {
                pod.held = false;
            }
        }
    }

    /// The operator starts anew, with nothing but what the API server holds.
    pub(crate) fn crash(&mut self) {
        self.memory = Memory::default();
        self.uncommitted = None;
        self.memory.list_begins();
        for index in 0..self.pods.len() {
            if self.pods[index].held || self.pods[index].deleted.is_none() {
                self.show(index);
            }
        }
        let now = self.timestamp();
        self.memory.list_ends(now);
        self.read();
    }

    /// Everything is deleted and seen, and the operator has all the time it needs.
    pub(crate) fn finish(&mut self) {
        for _ in 0..6 {
            for index in 0..self.pods.len() {
                self.delete(index);
                self.show(index);
            }
            self.wait(60);
            self.pass(Commit::Accepted);
            self.pass(Commit::Accepted);
        }
    }

    pub(crate) fn counted(&self, hook: HookKind, outcome: Option<Outcome>) -> u64 {
        let ledger = Ledger::load(Some(&self.stored)).unwrap();
        let wanted = |key: &hooked_core::accounting::ledger::RunKey| {
            key.hook == hook && outcome.is_none_or(|o| o == key.outcome)
        };
        ledger.runs.iter().filter(|(key, _)| wanted(key)).map(|(_, count)| count).sum()
    }

    pub(crate) fn kills(&self, reason: KillReason) -> u64 {
        let ledger = Ledger::load(Some(&self.stored)).unwrap();
        ledger.kills.iter().filter(|(key, _)| key.reason == reason).map(|(_, kills)| kills.count).sum()
    }

    pub(crate) fn all_kills(&self) -> u64 {
        Ledger::load(Some(&self.stored)).unwrap().kills.values().map(|kills| kills.count).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        let Memory { replicas, tracker, .. } = &self.memory;
        replicas.is_empty() && tracker.is_empty() && self.pods.iter().all(|pod| !pod.held)
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::from_second(self.now).unwrap()
    }
}
