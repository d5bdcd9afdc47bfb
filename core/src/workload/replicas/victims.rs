//! Those Pods of a revision that go first where some must.

use super::Replicas;
use super::fact::PodFact;
use super::order::rank;

impl Replicas {
    /// At most `count` Pods of a revision, those that go first where some must. Without `ready`, no Pod that is
    /// ready is looked at.
    pub fn first_to_go(&self, revision: &str, count: usize, ready: bool) -> Vec<&PodFact> {
        let rank_of = |number: u64| {
            let fact = self.get(number)?;
            let neighbours = self.on_nodes.get(&fact.standing.node).copied().unwrap_or(0);
            Some((rank(fact, neighbours), fact))
        };
        let mut first = Vec::new();
        for class in self.revision(revision).classes(ready) {
            let left = count - first.len();
            let mut ranked: Vec<_> = class.iter().filter_map(rank_of).collect();
            if left < ranked.len() {
                // Of 10,000 Pods, of which a few go, only those few are sorted.
                ranked.select_nth_unstable_by_key(left, |(rank, _)| *rank);
                ranked.truncate(left);
            }
            ranked.sort_unstable_by_key(|(rank, _)| *rank);
            first.extend(ranked.into_iter().map(|(_, fact)| fact));
            if first.len() == count {
                break;
            }
        }
        first
    }
}
