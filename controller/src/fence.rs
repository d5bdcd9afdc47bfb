//! The fence that everything goes through that a pass sends: nothing is sent for an operator that does not lead for as
//! long as it may take, nor for one that is asked to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::lease::Leadership;

/// The shortest time that a request is sent with: with less of the Lease left it could outlast the Lease.
const SHORTEST: Duration = Duration::from_millis(500);

/// The fence of one process.
#[derive(Debug)]
pub(crate) struct Fence {
    leadership: Arc<Leadership>,
    is_closed: AtomicBool,
    /// How many requests are under way.
    under_way: watch::Sender<usize>,
}

/// A request that may be sent; it is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct Passage<'a> {
    fence: &'a Fence,
    /// How long it may take at most.
    pub(crate) timeout: Duration,
}

impl Fence {
    pub(crate) fn new(leadership: Arc<Leadership>) -> Self {
        Self { leadership, is_closed: AtomicBool::new(false), under_way: watch::Sender::default() }
    }

    /// Lets a request through that takes `most` at most, or less where the Lease ends sooner; none if it must not be
    /// sent.
    pub(crate) fn pass(&self, most: Duration) -> Option<Passage<'_>> {
        let timeout = self.leadership.left().map_or(most, |left| left.min(most));
        self.under_way.send_modify(|count| *count += 1);
        let passage = Passage { fence: self, timeout };
        // Looked at after it is counted, so that whoever closes the fence and finds nothing under way is right.
        let is_open = !self.is_closed.load(Ordering::SeqCst) && timeout >= SHORTEST;
        is_open.then_some(passage)
    }

    /// Lets nothing through any more.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// Returns when nothing is under way.
    pub(crate) async fn idle(&self) {
        // The fence owns the sender, so the wait cannot fail while the fence is borrowed.
        self.under_way.subscribe().wait_for(|count| *count == 0).await.ok();
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.fence.under_way.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const MOST: Duration = Duration::from_secs(5);

    #[test]
    fn nothing_goes_through_a_closed_fence() {
        let fence = Fence::new(Arc::new(Leadership::Sole));
        assert_eq!(fence.pass(MOST).map(|passage| passage.timeout), Some(MOST));
        fence.close();
        assert!(fence.pass(MOST).is_none());
        assert_eq!(fence.idle().now_or_never(), Some(()));
    }

    #[test]
    fn a_closed_fence_is_idle_when_what_is_under_way_has_ended() {
        let fence = Fence::new(Arc::new(Leadership::Sole));
        let passage = fence.pass(MOST);
        fence.close();
        assert_eq!(fence.idle().now_or_never(), None);
        drop(passage);
        assert_eq!(fence.idle().now_or_never(), Some(()));
    }

    #[test]
    fn who_does_not_lead_sends_nothing() {
        let fence = Fence::new(Arc::new(Leadership::Leased(hooked_core::pass::Locked::default())));
        assert!(fence.pass(MOST).is_none());
    }
}
