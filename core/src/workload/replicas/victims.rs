//! Those Pods of a revision that go first where some must.

use std::sync::Arc;

use super::Replicas;
use super::fact::PodFact;
use super::queue::Queue;

impl Replicas {
    /// At most `count` Pods of a revision, those that go first where some must. Without `ready`, no Pod that is
    /// ready is looked at. The order is remembered from then on.
    pub fn first_to_go(&mut self, revision: &Arc<str>, count: usize, ready: bool) -> Vec<&PodFact> {
        if !self.queues.contains_key(revision) {
            let mut queue = Queue::default();
            let is_in = |fact: &&PodFact| fact.is_alive() && fact.revision == *revision;
            for fact in self.iter().filter(is_in) {
                queue.insert(fact, self.neighbours(fact.standing.node));
            }
            self.queues.insert(Arc::clone(revision), queue);
        }
        let first = self.queues.get(revision).map(|queue| queue.first(count, ready)).unwrap_or_default();
        first.into_iter().filter_map(|number| self.get(number)).collect()
    }

    /// No Pod is to go any more: in which order they would is forgotten.
    pub fn forget_order(&mut self) {
        self.queues.clear();
    }

    /// How many of the Pods that are wanted are bound to the node.
    fn neighbours(&self, node: u32) -> usize {
        self.on_nodes.get(&node).copied().unwrap_or(0)
    }

    /// A Pod is wanted, or no more: its place in the order, and that of others on its node.
    pub(super) fn arrange(&mut self, fact: &PodFact, is_in: bool) {
        let node = fact.standing.node;
        let neighbours = self.neighbours(node);
        for queue in self.queues.values_mut() {
            queue.recount(node, neighbours);
        }
        if let Some(queue) = self.queues.get_mut(&fact.revision) {
            if is_in {
                queue.insert(fact, neighbours);
            } else {
                queue.remove(fact);
            }
        }
    }
}
