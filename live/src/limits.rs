//! Limits on connections and reports: nobody can crowd others out, nor make the operator hold more than a
//! little memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use hooked_core::pass::Locked;

/// Connections at once, of all Pods together. Each takes some 20 KiB.
const CONNECTIONS: usize = 4096;
/// Connections at once from one address that are not authenticated yet.
const UNAUTHENTICATED: usize = 64;
/// How often connections from one address may fail to authenticate: in one burst, and a second for ever.
const FAILURES: Rate = Rate { burst: 200.0, per_second: 20.0 };
/// How often a Pod may report: twelve containers start and stop at once, and connect anew.
const REPORTS: Rate = Rate { burst: 100.0, per_second: 5.0 };
/// Addresses and Pods that are remembered before the quiet ones are forgotten.
const REMEMBERED: usize = 4096;

/// How often something may be done.
#[derive(Clone, Copy, Debug)]
struct Rate {
    burst: f64,
    per_second: f64,
}

/// What is left of a rate.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn full(rate: Rate, now: Instant) -> Self {
        Self { left: rate.burst, at: now }
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * rate.per_second;
        *self = Self { left: (self.left + earned).min(rate.burst), at: now };
    }

    fn take(&mut self) -> bool {
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

/// An address that connections come from.
#[derive(Debug)]
struct Source {
    unauthenticated: usize,
    failures: Bucket,
}

/// What is open and how much of each rate is left.
#[derive(Debug)]
pub(crate) struct Limits {
    connections: Arc<Semaphore>,
    sources: Locked<HashMap<IpAddr, Source>>,
    pods: Locked<HashMap<String, Bucket>>,
}

impl Default for Limits {
    fn default() -> Self {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        Self { connections, sources: Locked::default(), pods: Locked::default() }
    }
}

/// Permission for one connection, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit(#[allow(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// A connection that is not authenticated yet.
#[derive(Debug)]
pub(crate) struct Unauthenticated<'a> {
    limits: &'a Limits,
    source: IpAddr,
}

impl Limits {
    /// Permission for one more connection, unless there are too many.
    pub(crate) fn permit(&self) -> Option<Permit> {
        Arc::clone(&self.connections).try_acquire_owned().ok().map(Permit)
    }

    /// Lets a connection try to authenticate; none if too many from that address are trying, or have failed.
    pub(crate) fn admit(&self, source: IpAddr) -> Option<Unauthenticated<'_>> {
        let now = Instant::now();
        let mut sources = self.sources.lock();
        let known = sources
            .entry(source)
            .or_insert_with(|| Source { unauthenticated: 0, failures: Bucket::full(FAILURES, now) });
        known.failures.refill(FAILURES, now);
        if known.unauthenticated >= UNAUTHENTICATED || known.failures.left < 1.0 {
            return None;
        }
        known.unauthenticated += 1;
        forget_quiet(&mut sources, |source| {
            source.failures.refill(FAILURES, now);
            source.unauthenticated > 0 || source.failures.left < FAILURES.burst
        });
        Some(Unauthenticated { limits: self, source })
    }

    /// Whether a Pod may send one more report.
    pub(crate) fn may_report(&self, pod_uid: &str) -> bool {
        let now = Instant::now();
        let mut pods = self.pods.lock();
        let bucket = pods.entry(pod_uid.to_owned()).or_insert_with(|| Bucket::full(REPORTS, now));
        bucket.refill(REPORTS, now);
        let may = bucket.take();
        forget_quiet(&mut pods, |bucket| {
            bucket.refill(REPORTS, now);
            bucket.left < REPORTS.burst
        });
        may
    }
}

impl Unauthenticated<'_> {
    /// Takes a failure to authenticate off the address's rate.
    pub(crate) fn has_failed(&self) {
        if let Some(source) = self.limits.sources.lock().get_mut(&self.source) {
            source.failures.take();
        }
    }
}

impl Drop for Unauthenticated<'_> {
    fn drop(&mut self) {
        if let Some(source) = self.limits.sources.lock().get_mut(&self.source) {
            source.unauthenticated = source.unauthenticated.saturating_sub(1);
        }
    }
}

fn forget_quiet<K: Eq + Hash, V>(known: &mut HashMap<K, V>, is_busy: impl Fn(&mut V) -> bool) {
    if known.len() > REMEMBERED {
        known.retain(|_, value| is_busy(value));
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn an_address_that_fails_too_often_is_refused_and_others_are_not() {
        let limits = Limits::default();
        let failed =
            (0..10_000).take_while(|_| limits.admit(HERE).inspect(Unauthenticated::has_failed).is_some());
        let failed = failed.count();
        assert!((200..1000).contains(&failed), "{failed}");
        assert!(limits.admit(THERE).is_some());
    }

    #[test]
    fn only_so_many_from_one_address_try_at_once() {
        let limits = Limits::default();
        let mut trying: Vec<_> = (0..1000).map_while(|_| limits.admit(HERE)).collect();
        assert_eq!(trying.len(), UNAUTHENTICATED);
        trying.pop();
        assert!(limits.admit(HERE).is_some());
    }

    #[test]
    fn a_pod_that_reports_too_often_is_refused_and_others_are_not() {
        let limits = Limits::default();
        let accepted = (0..10_000).take_while(|_| limits.may_report("a")).count();
        assert!((100..1000).contains(&accepted), "{accepted}");
        assert!(limits.may_report("b"));
    }

    #[test]
    fn a_rate_comes_back_with_time_and_no_further_than_it_was() {
        let (rate, now) = (Rate { burst: 2.0, per_second: 1.0 }, Instant::now());
        let mut bucket = Bucket::full(rate, now);
        assert!(bucket.take() && bucket.take() && !bucket.take());
        bucket.refill(rate, now + Duration::from_secs(1));
        assert!(bucket.take() && !bucket.take());
        bucket.refill(rate, now + Duration::from_secs(100));
        assert!(bucket.take() && bucket.take() && !bucket.take());
    }

    #[test]
    fn of_many_only_those_are_remembered_that_are_not_quiet() {
        let many = REMEMBERED + 100;
        let mut known: HashMap<usize, bool> = (0..many).map(|key| (key, key % 10 == 0)).collect();
        forget_quiet(&mut known, |is_busy| *is_busy);
        assert_eq!(known.len(), many.div_ceil(10));
    }
}
