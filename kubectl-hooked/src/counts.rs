//! How many Pods of a revision there are, in the columns in which `kubectl get replicasets` shows a Deployment's.

use hooked_crd::{HookedWorkloadStatus, RevisionStatus};
use serde::Serialize;

use crate::render::{Cut, Tone};

/// The columns of [`Counts::cells`].
pub(crate) const HEADINGS: [(&str, Cut); 4] =
    [("DESIRED", Cut::Never), ("CURRENT", Cut::Never), ("READY", Cut::Never), ("AVAILABLE", Cut::Never)];

/// How many Pods of a revision there are, as the operator has committed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    /// How many it is to have now.
    pub(crate) desired: i32,
    /// Pods that are neither terminating nor ended.
    pub(crate) replicas: i32,
    /// Those of them that are ready.
    pub(crate) ready: i32,
    /// Those of them that have been ready for at least `minReadySeconds`.
    pub(crate) available: i32,
}

impl Counts {
    /// What a row of `status.revisions` says.
    pub(crate) fn of_row(row: &RevisionStatus) -> Self {
        let RevisionStatus { revision: _, number: _, desired, replicas, ready, available } = *row;
        Self { desired, replicas, ready, available }
    }

    /// What a status says of a revision: one that it leaves out has no Pods and is to have none.
    pub(crate) fn of_revision(revision: &str, status: &HookedWorkloadStatus) -> Self {
        let row = status.revisions.iter().find(|row| row.revision == revision);
        row.map(Self::of_row).unwrap_or_default()
    }

    /// Whether the revision has a share in the workload: Pods, or a size.
    pub(crate) fn has_share(self) -> bool {
        self.desired > 0 || self.replicas > 0
    }

    /// The numbers under [`HEADINGS`]. What is less than is asked for stands out.
    pub(crate) fn cells(self) -> [(Tone, String); 4] {
        let Self { desired, replicas, ready, available } = self;
        let cell = |count: i32| {
            let tone = if count < desired { Tone::Unsure } else { Tone::Plain };
            (tone, count.to_string())
        };
        [desired, replicas, ready, available].map(cell)
    }
}
