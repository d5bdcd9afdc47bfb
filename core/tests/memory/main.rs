//! What is remembered of a Pod, in bytes: there may be 100,000 of them.
//!
//! Bytes that are asked of the allocator are counted, so the figures are the same on every machine. One test alone is
//! in this program: the allocator counts for all threads.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a panic in a test is its report, its words are figures, and the harness has its arguments"
)]

mod node;

use hooked_core::accounting::ledger::Ledger;
use hooked_core::accounting::{Account, Heard};
use hooked_core::watch::Index;
use hooked_core::workload::template::Owner;
use jiff::Timestamp;
use peak_alloc::PeakAlloc;

use node::{Stage, pod, post_start, selector, uid};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Bytes that may be remembered of a Pod that runs.
const MOST: usize = 512;

/// An operator that counts the hooks of one workload.
struct Operator {
    index: Index,
    owner: Owner,
    ledger: Ledger,
    now: i64,
}

impl Operator {
    fn new() -> Self {
        let (index, owner) =
            (Index::default(), Owner { name: "web".to_owned(), uid: node::WORKLOAD.to_owned() });
        index.memory("shop", &owner).lock().know_selector(&selector());
        Self { index, owner, ledger: Ledger::default(), now: 1_800_000_000 }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.now).unwrap()
    }

    fn show(&self, numbers: impl Iterator<Item = u64>, stage: Stage) {
        for number in numbers {
            self.index.show_pod(pod(number, stage), self.now());
        }
    }

    /// Has the Pods' runners tell of their postStart runs.
    fn tell(&self, numbers: impl Iterator<Item = u64>) {
        for number in numbers {
            let reported = self.index.observe_live("shop", &uid(number), &post_start(number), self.now());
            assert_eq!(reported.first().map(|reported| reported.heard), Some(Heard::News));
        }
    }

    /// Counts what is settled, and commits that.
    fn count(&mut self) {
        self.now += 60;
        let memory = self.index.memory("shop", &self.owner);
        let (memory, now) = (&mut *memory.lock(), self.now());
        let mut account = Account::on(std::mem::take(&mut self.ledger));
        account.count(&mut memory.tracker, now);
        let there = |first, last| memory.replicas.any_in(first, last) || memory.tracker.any_in(first, last);
        account.ledger.marks.compact(false, there);
        self.ledger = account.ledger.clone();
        account.acknowledge(&mut memory.tracker, now);
    }

    fn end(&mut self, numbers: impl Iterator<Item = u64> + Clone) {
        self.show(numbers.clone(), Stage::Ended);
        self.count();
        self.remove_finalizers();
        for number in numbers {
            self.index.show_last(pod(number, Stage::Ended), self.now());
        }
        self.count();
    }

    fn remove_finalizers(&self) {
        let memory = self.index.memory("shop", &self.owner);
        let memory = &mut *memory.lock();
        for number in memory.tracker.accounted() {
            memory.replicas.finalizer_removed(number);
        }
    }

    fn runs(&self) -> u64 {
        self.ledger.runs.values().sum()
    }
}

/// Bytes by Pod in use, and the most of them while a complete list of the Pods is shown again. Their runners have told
/// of their hooks, or not.
fn check(pods: u64, are_told: bool) {
    let before = HEAP.current_usage();
    let mut operator = Operator::new();
    operator.show(1..=pods, Stage::Pending);
    operator.show(1..=pods, Stage::Starting);
    if are_told {
        operator.tell(1..=pods);
    }
    operator.show(1..=pods, Stage::Running);
    operator.count();
    assert_eq!(operator.runs(), pods, "the postStart run of each");
    let by_pod = |bytes: usize| (bytes - before) / usize::try_from(pods).unwrap();
    let steady = by_pod(HEAP.current_usage());
    HEAP.reset_peak_usage();
    operator.index.list_begins();
    operator.show(1..=pods, Stage::Running);
    operator.index.list_ends(operator.now());
    let peak = by_pod(HEAP.peak_usage());
    operator.count();
    let after = by_pod(HEAP.current_usage());
    let told = if are_told { ", told of" } else { "" };
    println!("{pods} Pods{told}: {steady} bytes each, {peak} at a relist, {after} after it");
    assert!(
        steady <= MOST && after <= steady + 1,
        "{steady} bytes of each of {pods} Pods, {after} after a relist"
    );
    assert!(peak * 100 <= steady * 115, "{peak} bytes at a relist of {pods} Pods, {steady} else");
}

/// Bytes that are left of so many whole lives, after as many before: the latest thousand Pods are remembered.
fn check_lives(lives: u64) {
    let mut operator = Operator::new();
    let mut first = 0;
    for to in [lives, 2 * lives] {
        let before = HEAP.current_usage();
        for number in (first..to).step_by(500) {
            let numbers = number + 1..=number + 500;
            operator.show(numbers.clone(), Stage::Running);
            operator.count();
            operator.end(numbers);
        }
        let more = HEAP.current_usage().saturating_sub(before);
        println!("{to} lives: {more} bytes more than after {first}");
        assert!(first == 0 || more < 16 * 1024, "{more} bytes more of {lives} lives");
        first = to;
    }
    assert!(operator.index.strays().is_empty());
    assert_eq!(operator.runs(), 4 * lives, "a postStart and a preStop run of each");
}

#[test]
fn a_pod_takes_half_a_kibibyte_and_nothing_once_it_is_gone() {
    let most = std::env::var("HOOKED_PODS").ok().and_then(|most| most.parse().ok()).unwrap_or(1_000);
    for pods in [1_000, 10_000, 100_000].into_iter().filter(|pods| *pods <= most) {
        check(pods, false);
        check(pods, true);
    }
    check_lives(most.max(1_500));
}
