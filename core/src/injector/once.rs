//! Questions that are asked once, however many want to know the answer at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::lock::Mutex;

use crate::pass::Locked;

/// Questions that somebody is asking, each with whoever waits for the answer. One that takes long holds up no other.
#[derive(Debug)]
pub(super) struct Once<K: Ord>(Locked<BTreeMap<K, Arc<Mutex<()>>>>);

impl<K: Ord> Default for Once<K> {
    fn default() -> Self {
        Self(Locked::default())
    }
}

impl<K: Ord + Clone> Once<K> {
    /// Does `ask` while nobody else does who asks the same.
    pub(super) async fn alone<T>(&self, key: &K, ask: impl Future<Output = T>) -> T {
        let mutex = Arc::clone(self.0.lock().entry(key.clone()).or_default());
        let turn = Turn { all: self, key, mutex };
        let _alone = turn.mutex.lock().await;
        ask.await
    }
}

/// One who asks, or waits; dropped wherever that ends.
struct Turn<'a, K: Ord> {
    all: &'a Once<K>,
    key: &'a K,
    mutex: Arc<Mutex<()>>,
}

impl<K: Ord> Drop for Turn<'_, K> {
    fn drop(&mut self) {
        let mut all = self.all.0.lock();
        let is_last = Arc::strong_count(&self.mutex) == 2;
        if is_last {
            all.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::executor::block_on;
    use futures::future::{self, join};

    use super::*;

    #[test]
    fn of_those_who_ask_the_same_one_does_at_a_time_and_others_do_not_wait() {
        let (once, asked) = (Once::default(), Cell::new(0));
        let never = once.alone(&"slow", future::pending::<()>());
        let ask = async {
            asked.set(asked.get() + 1);
            assert_eq!(asked.get(), 1, "two ask at a time");
            future::ready(()).await;
            asked.set(asked.get() - 1);
        };
        let again = async { assert_eq!(asked.get(), 0) };
        let quick = join(once.alone(&"quick", ask), once.alone(&"quick", again));
        let slow = Box::pin(never);
        // Who waits for ever is dropped, as at a time-out, and nothing is left of anybody.
        let (_, slow) = match block_on(future::select(slow, Box::pin(quick))) {
            future::Either::Right((done, slow)) => (done, slow),
            future::Either::Left(_) => panic!("it waits for ever"),
        };
        assert_eq!(once.0.lock().len(), 1);
        drop(slow);
        assert_eq!(once.0.lock().len(), 0);
    }
}
