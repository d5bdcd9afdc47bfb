//! Distributions that survive a restart, as Prometheus counts them.

/// Upper bounds for hook durations, in seconds: from 1 ms to 10 minutes.
pub const DURATION_BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
    600.0,
];
/// Upper bounds for the share of the grace period that a stop used; above 1 it was exceeded.
pub const GRACE_BUCKETS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0];

/// A distribution over fixed buckets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Values per bucket, not cumulated; what is above the last bound is in `count` alone.
    pub buckets: Vec<u64>,
    /// All values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

impl Histogram {
    /// Counts `value`.
    pub fn observe(&mut self, value: f64, bounds: &[f64]) {
        self.buckets.resize(bounds.len(), 0);
        if let Some(bucket) = bounds.iter().position(|bound| value <= *bound) {
            self.buckets[bucket] += 1;
        }
        self.count += 1;
        self.sum += value;
    }

    /// Adds the values of another histogram over the same buckets.
    fn merge(&mut self, other: &Self) {
        self.buckets.resize(self.buckets.len().max(other.buckets.len()), 0);
        for (ours, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *ours += theirs;
        }
        self.count += other.count;
        self.sum += other.sum;
    }

    /// How many values are at most each bound, as Prometheus wants them.
    pub fn cumulative(&self) -> impl Iterator<Item = u64> + '_ {
        self.buckets.iter().scan(0, |total, count| {
            *total += count;
            Some(*total)
        })
    }
}

/// A distribution, and what of it a histogram does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    /// All values.
    pub histogram: Histogram,
    /// The highest.
    pub max: f64,
    /// The last.
    pub last: f64,
}

impl Distribution {
    /// Counts `value`.
    pub fn observe(&mut self, value: f64, bounds: &[f64]) {
        self.histogram.observe(value, bounds);
        self.max = self.max.max(value);
        self.last = value;
    }

    /// Adds the values of another distribution over the same buckets.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.merge(&other.histogram);
        self.max = self.max.max(other.max);
        self.last = other.last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_above_every_bound_is_counted_in_no_bucket_but_in_the_count() {
        let mut histogram = Histogram::default();
        for value in [0.5, 1.0, 7.0] {
            histogram.observe(value, &[1.0, 2.0]);
        }
        assert_eq!(histogram.cumulative().collect::<Vec<_>>(), [2, 2]);
        assert_eq!((histogram.count, histogram.sum), (3, 8.5));
    }
}
