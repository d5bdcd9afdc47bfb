//! How many Pods each revision is to have: what a Deployment keeps in `spec.replicas` of its ReplicaSet objects.

use std::sync::Arc;

/// Pods wanted per revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Revisions and how many Pods each is to have; the revision that was rolled out first comes first.
    of: Vec<(Arc<str>, u32)>,
    /// The total that they were made for: a Deployment's annotations `desired-replicas` and `max-replicas`.
    pub made_for: Total,
}

/// A number of Pods that sizes are made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Pods wanted.
    pub replicas: u32,
    /// The most Pods that there may be in a rollout: with the surge.
    pub most: u32,
}

impl Sizes {
    /// Sizes as they were stored, or as they are made from counts.
    pub fn new(of: Vec<(Arc<str>, u32)>, made_for: Total) -> Self {
        Self { of, made_for }
    }

    /// How many Pods a revision is to have; none that has no size are 0.
    pub fn get(&self, revision: &str) -> u32 {
        self.of.iter().find(|(known, _)| **known == *revision).map_or(0, |(_, size)| *size)
    }

    /// Whether the revision has a size, be it 0.
    pub fn has(&self, revision: &str) -> bool {
        self.of.iter().any(|(known, _)| **known == *revision)
    }

    /// Sets the size of a revision. One that had none becomes the newest.
    pub fn set(&mut self, revision: &str, size: u32) {
        match self.of.iter_mut().find(|(known, _)| **known == *revision) {
            Some((_, known)) => *known = size,
            None => self.of.push((Arc::from(revision), size)),
        }
    }

    /// Revisions and their sizes, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Arc<str>, u32)> {
        self.of.iter().map(|(revision, size)| (revision, *size))
    }

    /// The sum of all sizes.
    pub fn total(&self) -> u32 {
        self.of.iter().fold(0, |sum, (_, size)| sum.saturating_add(*size))
    }

    /// Forgets the revisions that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.of.retain(|(revision, _)| keep(revision));
    }
}
