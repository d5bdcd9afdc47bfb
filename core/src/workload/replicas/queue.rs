//! The Pods of one revision in the order in which they go.
//!
//! To rank 10,000 Pods anew for each few that go would cost more than all else that is done to a Pod. So the order is
//! made when the first of a revision goes, and kept up to date for as long as more may: an event then costs the
//! logarithm of the Pods' number. A workload at rest has none of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::fact::PodFact;
use super::order::{Among, Class, among, number};

/// A Pod before all others of its class on its node: how many Pods of the workload are on that node, its place among
/// those, and the node.
type Head = (Reverse<usize>, Among, u32);

/// Pods of one revision, the first to go first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    nodes: BTreeMap<u32, Node>,
    /// Of each class on each node the Pod that goes first. Were it all Pods, each would move with each of its node.
    heads: BTreeMap<Class, BTreeSet<Head>>,
}

/// The Pods of the revision on one node.
#[derive(Debug, Default)]
struct Node {
    /// How many Pods of the workload are on it.
    neighbours: usize,
    classes: BTreeMap<Class, BTreeSet<Among>>,
}

impl Queue {
    /// Adds a Pod.
    pub(super) fn insert(&mut self, fact: &PodFact, neighbours: usize) {
        let id = fact.standing.node;
        self.recount(id, neighbours);
        let node = self.nodes.entry(id).or_default();
        node.neighbours = neighbours;
        let (class, place) = (Class::of(fact), among(fact));
        let pods = node.classes.entry(class).or_default();
        let before = pods.first().copied();
        pods.insert(place);
        if before.is_none_or(|before| place < before) {
            self.lead(class, id, neighbours, before, Some(place));
        }
    }

    /// Takes a Pod out that is in it as it was when it came.
    pub(super) fn remove(&mut self, fact: &PodFact) {
        let (id, class, place) = (fact.standing.node, Class::of(fact), among(fact));
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let Some(pods) = node.classes.get_mut(&class) else { return };
        let before = pods.first().copied();
        pods.remove(&place);
        let after = pods.first().copied();
        let neighbours = node.neighbours;
        if after.is_none() {
            node.classes.remove(&class);
        }
        if node.classes.is_empty() {
            self.nodes.remove(&id);
        }
        if before != after {
            self.lead(class, id, neighbours, before, after);
        }
    }

    /// So many Pods of the workload are on the node now.
    pub(super) fn recount(&mut self, id: u32, neighbours: usize) {
        let Some(node) = self.nodes.get_mut(&id).filter(|node| node.neighbours != neighbours) else { return };
        let before = std::mem::replace(&mut node.neighbours, neighbours);
        for (class, pods) in &node.classes {
            if let (Some(heads), Some(first)) = (self.heads.get_mut(class), pods.first()) {
                heads.remove(&(Reverse(before), *first, id));
                heads.insert((Reverse(neighbours), *first, id));
            }
        }
    }

    /// Another Pod goes first of a class on a node.
    fn lead(
        &mut self,
        class: Class,
        id: u32,
        neighbours: usize,
        before: Option<Among>,
        after: Option<Among>,
    ) {
        let heads = self.heads.entry(class).or_default();
        if let Some(before) = before {
            heads.remove(&(Reverse(neighbours), before, id));
        }
        heads.extend(after.map(|after| (Reverse(neighbours), after, id)));
        if heads.is_empty() {
            self.heads.remove(&class);
        }
    }

    /// The numbers of at most `count` Pods that go first. Without `ready`, of those that are not ready.
    pub(super) fn first(&self, count: usize, ready: bool) -> Vec<u64> {
        let mut first = Vec::new();
        for (class, heads) in self.heads.iter().filter(|(class, _)| ready || !class.is_ready) {
            // Of a node whose first Pod is taken, the next one takes its turn.
            let (mut heads, mut next) = (heads.iter().copied().peekable(), BTreeSet::new());
            while first.len() < count {
                let is_next = next.first().is_some_and(|next| heads.peek().is_none_or(|head| next < head));
                let taken = if is_next { next.pop_first() } else { heads.next() };
                let Some((neighbours, place, id)) = taken else { break };
                first.push(number(&place));
                next.extend(self.after(*class, id, &place).map(|after| (neighbours, after, id)));
            }
        }
        first
    }

    fn after(&self, class: Class, id: u32, place: &Among) -> Option<Among> {
        let pods = self.nodes.get(&id)?.classes.get(&class)?;
        pods.range((Bound::Excluded(place), Bound::Unbounded)).next().copied()
    }
}
