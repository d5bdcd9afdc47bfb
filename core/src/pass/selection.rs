//! Whether Pods match their workload's selector: of their labels only the verdict is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use crate::workload::selector::{Labels, selects};

/// What is known of a workload's selector, which never changes.
#[derive(Debug)]
pub(super) enum Selection {
    /// Pods are listed before their workloads are: their labels wait, each set of them once.
    Unknown { of_pods: BTreeMap<u64, Arc<Labels>>, sets: BTreeSet<Arc<Labels>> },
    /// The workload was shown.
    Known(LabelSelector),
}

impl Default for Selection {
    fn default() -> Self {
        Self::Unknown { of_pods: BTreeMap::new(), sets: BTreeSet::new() }
    }
}

impl Selection {
    /// Whether a Pod with those labels is selected; it passes for selected until the selector is known.
    pub(super) fn selects(&mut self, number: u64, labels: &Labels) -> bool {
        match self {
            Self::Known(selector) => selects(selector, labels),
            Self::Unknown { of_pods, sets } => {
                let set = sets.get(labels).cloned().unwrap_or_else(|| Arc::new(labels.clone()));
                sets.insert(Arc::clone(&set));
                of_pods.insert(number, set);
                true
            }
        }
    }

    /// Whether the selector is known.
    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    /// Whether the selector is known and selects a Pod with those labels.
    pub(super) fn is_known_to_select(&self, labels: &Labels) -> bool {
        matches!(self, Self::Known(selector) if selects(selector, labels))
    }

    /// Takes in the selector. Returns the Pods that passed for selected and are not.
    pub(super) fn know(&mut self, selector: &LabelSelector) -> Vec<u64> {
        let Self::Unknown { of_pods, sets } = self else { return Vec::new() };
        sets.retain(|labels| !selects(selector, labels));
        let unselected = of_pods.iter().filter(|(_, labels)| sets.contains(*labels));
        let unselected = unselected.map(|(number, _)| *number).collect();
        *self = Self::Known(selector.clone());
        unselected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_that_were_shown_before_their_workload_are_judged_with_it() {
        let labels = |app: &str| Labels::from([("app".to_owned(), app.to_owned())]);
        let selector = LabelSelector { match_labels: Some(labels("web")), ..LabelSelector::default() };
        let mut selection = Selection::default();
        for (number, app) in [(1, "web"), (2, "debug"), (3, "debug"), (4, "debug")] {
            assert!(selection.selects(number, &labels(app)));
        }
        // The last word counts.
        selection.selects(4, &labels("web"));
        assert_eq!(selection.know(&selector), [2, 3]);
        assert_eq!(selection.know(&selector), [0; 0]);
        assert!(selection.selects(5, &labels("web")) && !selection.selects(1, &labels("debug")));
    }
}
