//! Open connections by Pod, so that the operator can stop a hook that runs. A runner is connected for a moment
//! only, and most stops reach it when it comes the next time. Runners of earlier versions stay connected while
//! their hooks run.

use std::collections::HashMap;
use std::sync::Arc;

use hooked_protocol::Hook;
use tokio::sync::Notify;

use hooked_core::pass::Locked;

/// One open connection.
#[derive(Debug)]
struct Connection {
    hook: Hook,
    stop: Arc<Notify>,
}

/// Open connections by Pod UID.
#[derive(Debug, Default)]
pub(crate) struct Registry(Locked<HashMap<String, Vec<Connection>>>);

/// A connection that is in the registry until this is dropped.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    registry: &'a Registry,
    pod_uid: String,
    stop: Arc<Notify>,
}

impl Registry {
    /// The most connections of one Pod: each container runs one hook at a time, and the operator may not have
    /// noticed yet that a connection is lost.
    const MOST: usize = 64;

    /// Enters a connection; none if the Pod has too many already.
    pub(crate) fn enter(&self, pod_uid: &str, hook: Hook) -> Option<Entry<'_>> {
        let mut connections = self.0.lock();
        let of_pod = connections.entry(pod_uid.to_owned()).or_default();
        if of_pod.len() >= Self::MOST {
            return None;
        }
        let stop = Arc::new(Notify::new());
        of_pod.push(Connection { hook, stop: Arc::clone(&stop) });
        Some(Entry { registry: self, pod_uid: pod_uid.to_owned(), stop })
    }

    /// Stops the postStart hooks of a Pod. The Pod's preStop hooks go on: its grace period is for them.
    pub(crate) fn stop(&self, pod_uid: &str) {
        for connection in self.0.lock().get(pod_uid).into_iter().flatten() {
            if connection.hook == Hook::PostStart {
                connection.stop.notify_one();
            }
        }
    }
}

impl Entry<'_> {
    /// Returns when the hook is to be stopped: once for each request, also for one that came before the wait.
    pub(crate) async fn stopped(&self) {
        self.stop.notified().await;
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut connections = self.registry.0.lock();
        if let Some(of_pod) = connections.get_mut(&self.pod_uid) {
            of_pod.retain(|connection| !Arc::ptr_eq(&connection.stop, &self.stop));
            if of_pod.is_empty() {
                connections.remove(&self.pod_uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_stop_reaches_the_post_start_hooks_of_one_pod_before_they_wait() {
        let registry = Registry::default();
        let enter = |uid, hook| registry.enter(uid, hook).unwrap();
        let hung = enter("a", Hook::PostStart);
        let stopping = enter("a", Hook::PreStop);
        let other = enter("b", Hook::PostStart);
        registry.stop("a");
        let stopped = |entry: &Entry<'_>| entry.stopped().now_or_never().is_some();
        assert_eq!([&hung, &stopping, &other].map(stopped), [true, false, false]);
    }

    #[test]
    fn a_connection_that_ends_makes_room_and_leaves_nothing_behind() {
        let registry = Registry::default();
        let mut connections: Vec<_> =
            (0..Registry::MOST).filter_map(|_| registry.enter("a", Hook::PreStop)).collect();
        assert!(registry.enter("a", Hook::PreStop).is_none());
        connections.pop();
        assert!(registry.enter("a", Hook::PreStop).is_some());
        connections.clear();
        assert!(registry.0.lock().is_empty());
    }
}
