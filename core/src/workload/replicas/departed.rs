//! Pods that are gone, for as long as somebody may make a copy of one: `kubectl replace --force` copies annotations.

use std::collections::{BTreeMap, VecDeque};

use crate::lifecycle::PodUid;

/// Pods of a workload that are remembered: the latest.
const MOST: usize = 1024;

/// The latest Pods that are gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Departed {
    /// UIDs by number.
    pods: BTreeMap<u64, PodUid>,
    order: VecDeque<u64>,
}

impl Departed {
    /// A Pod is gone.
    pub(super) fn note(&mut self, number: u64, uid: &PodUid) {
        if self.pods.insert(number, uid.clone()).is_none() {
            self.order.push_back(number);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.pods.remove(&oldest);
        }
    }

    /// The Pod that had a number, if that is remembered.
    pub(super) fn get(&self, number: u64) -> Option<&PodUid> {
        self.pods.get(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_are_remembered() {
        let mut departed = Departed::default();
        for number in 1..=MOST as u64 + 1 {
            departed.note(number, &PodUid::from(&*format!("u-{number}")));
        }
        assert_eq!((departed.get(1), departed.get(2)), (None, Some(&PodUid::from("u-2"))));
        assert_eq!(departed.pods.len(), MOST);
    }
}
