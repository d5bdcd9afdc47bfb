//! Requests side by side.

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::Cluster;

/// The most requests under way at once for one workload.
pub(super) const PARALLEL: usize = 32;

/// Carries all requests out side by side, each in its turn, and returns what they bring, or the first failure once none
/// is under way any more. Each is made when it begins: a request that waits takes a kilobyte.
pub(super) async fn all<T, E>(
    cluster: &impl Cluster,
    requests: impl IntoIterator<Item = impl Future<Output = Result<T, E>>>,
) -> Result<Vec<T>, E> {
    let (mut waiting, mut under_way) = (requests.into_iter().fuse(), FuturesUnordered::new());
    let (mut brought, mut failure) = (Vec::new(), None);
    loop {
        for request in waiting.by_ref().take(PARALLEL - under_way.len()) {
            under_way.push(in_turn(cluster, request));
        }
        match under_way.next().await {
            Some(Ok(reply)) => brought.push(reply),
            Some(Err(error)) => failure = failure.or(Some(error)),
            None => return failure.map_or(Ok(brought), Err),
        }
    }
}

/// Begins with a request once it is its turn. No request in its turn waits for another one's: all could wait so.
pub(super) async fn in_turn<T>(cluster: &impl Cluster, request: impl Future<Output = T>) -> T {
    let _turn = cluster.turn().await;
    request.await
}

/// Carries requests out side by side for as long as all goes well, as many at once as have succeeded before, twice: a
/// quota or a webhook that refuses every Pod is asked once and not a thousand times (as `slowStartBatch` in
/// kubernetes/pkg/controller/replicaset does), and no request waits for the slowest of those before it. Once one fails
/// no other begins; the first failure is returned when none is under way any more.
pub(super) async fn while_all_goes_well<E>(
    mut requests: impl Iterator<Item = impl Future<Output = Result<(), E>>>,
) -> Result<usize, E> {
    let (mut running, mut succeeded, mut trouble) = (FuturesUnordered::new(), 0, None);
    loop {
        let at_once = if trouble.is_none() { (2 * succeeded).clamp(1, PARALLEL) } else { 0 };
        let begun = requests.by_ref().take(at_once.saturating_sub(running.len()));
        running.extend(begun);
        match (running.next().await, trouble) {
            (Some(Ok(())), before) => (succeeded, trouble) = (succeeded + 1, before),
            (Some(Err(error)), before) => trouble = before.or(Some(error)),
            (None, Some(error)) => return Err(error),
            (None, None) => return Ok(succeeded),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use futures::FutureExt;
    use futures::channel::oneshot;
    use jiff::Timestamp;
    use serde_json::Value;

    use super::super::call::Call;
    use super::*;
    use crate::lifecycle::LiveEndpoint;
    use crate::pass::Failure;
    use crate::status::{LiveService, Notice, Series};
    use crate::workload::template::Supply;

    /// A cluster of which nothing is asked but turns.
    struct Turns;

    impl Cluster for Turns {
        fn operator(&self) -> &'static str {
            "hooked-system"
        }

        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        async fn send(&self, _: Call) -> Result<Value, Failure> {
            Ok(Value::Null)
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
                architectures: BTreeSet::new(),
                nodes: BTreeSet::new(),
                proven: BTreeSet::new(),
            })
        }

        fn show_left_to(&self, _: &str) {}

        fn stop_hooks(&self, _: &str) {}

        fn show(&self, _: Series) {}

        fn show_invalid(&self, _: bool) {}

        async fn tell(&self, _: Vec<Notice>) {}
    }

    #[test]
    fn of_many_requests_only_those_that_may_be_under_way_are_made() {
        let made = Cell::new(0);
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..100).map(|_| oneshot::channel::<()>()).unzip();
        let requests = receivers.into_iter().map(|reply| {
            made.set(made.get() + 1);
            async { reply.await.map_err(drop) }
        });
        let mut all = Box::pin(all(&Turns, requests));
        for (ended, reply) in senders.into_iter().enumerate() {
            assert!(all.as_mut().now_or_never().is_none());
            assert_eq!(made.get(), (ended + PARALLEL).min(100));
            reply.send(()).unwrap();
        }
        assert_eq!(all.now_or_never().map(|brought| brought.map(|all| all.len())), Some(Ok(100)));
    }

    #[test]
    fn all_are_carried_out_though_some_fail_and_the_first_failure_is_told() {
        let count = Cell::new(0);
        let requests = (0..100).map(|number| {
            count.set(count.get() + 1);
            async move { if number < 50 { Ok(number) } else { Err(number) } }
        });
        assert_eq!(all(&Turns, requests).now_or_never(), Some(Err(50)));
        assert_eq!(count.get(), 100);
    }

    /// So many requests of which those from `first_bad` on fail: how many are begun, and what comes of it.
    fn check(requests: usize, first_bad: usize, begun: usize, expect: Result<usize, usize>) {
        let count = Cell::new(0);
        let requests = (0..requests).map(|number| {
            count.set(count.get() + 1);
            async move { if number < first_bad { Ok(()) } else { Err(number) } }
        });
        assert_eq!(while_all_goes_well(requests).now_or_never(), Some(expect));
        assert_eq!(count.get(), begun);
    }

    #[test]
    fn a_server_that_refuses_everything_is_asked_once() {
        check(1000, 0, 1, Err(0));
    }

    #[test]
    fn what_was_begun_beside_the_first_failure_is_waited_for_and_no_more_begins() {
        // One, two and four succeed; two of the next are under way with each of those that fail.
        check(1000, 500, 500 + PARALLEL, Err(500));
        check(3, 2, 3, Err(2));
    }

    #[test]
    fn all_are_carried_out_where_none_fails() {
        check(0, 0, 0, Ok(0));
        check(1, 1, 1, Ok(1));
        check(1000, 1000, 1000, Ok(1000));
    }

    #[test]
    fn twice_as_many_as_have_succeeded_are_under_way_and_none_waits_for_the_slowest() {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..100).map(|_| oneshot::channel::<()>()).unzip();
        let begun = Cell::new(0);
        let requests = receivers.into_iter().map(|reply| {
            begun.set(begun.get() + 1);
            async { reply.await.map_err(drop) }
        });
        let mut all = Box::pin(while_all_goes_well(requests));
        let mut senders: Vec<Option<oneshot::Sender<()>>> = senders.into_iter().map(Some).collect();
        let mut under_way = Vec::new();
        // The second request is the slowest of all.
        for reply in [0, 2, 3, 4].into_iter().chain(5..40) {
            assert!(all.as_mut().now_or_never().is_none());
            under_way.push(begun.get() - under_way.len());
            senders[reply].take().unwrap().send(()).unwrap();
        }
        assert_eq!(under_way[..6], [1, 2, 4, 6, 8, 10]);
        assert_eq!(under_way[38], PARALLEL);
    }
}
