//! Bugs that can be put into the core, to see whether the simulation finds them: `cargo xtask simulate --mutations`.
//!
//! A gate that lets a bug through is no gate. Each mutation is a mistake that somebody has made, here or in another
//! controller, or might. All of them are in one build, that of the feature `mutations`, and at most one is switched on
//! at a time, by whoever runs the simulation. Nothing that ships has the feature: there [`mutated`] is always false,
//! and the compiler takes the mutations out.

macro_rules! mutations {
    ($($(#[doc = $doc:literal])+ $mutation:ident = $name:literal,)+) => {
        /// A bug that can be put in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutation {
            $($(#[doc = $doc])+ $mutation,)+
        }

        impl Mutation {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$mutation,)+];

            /// Its name, as files of the simulation bear it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$mutation => $name,)+
                }
            }

            /// What is wrong with it.
            pub fn says(self) -> &'static str {
                match self {
                    $(Self::$mutation => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

mutations! {
    /// A commit is sent again on top of whatever somebody else has written meanwhile.
    CommitsOverAnother = "commits-over-another",
    /// Pods pass for counted when the write that counts them is still to come.
    CountedBeforeCommit = "counted-before-commit",
    /// A status write without a reply passes for one that was carried out.
    LostCommitIsCommitted = "lost-commit-is-committed",
    /// Pods of a commit that failed are not looked at again.
    FailedCommitIsForgotten = "failed-commit-is-forgotten",
    /// A run is counted though it is marked as counted.
    CountsMarkedRuns = "counts-marked-runs",
    /// Marks of two ranges are joined over Pods between them.
    MarksSpanPresentPods = "marks-span-present-pods",
    /// The start of an instance marks its end as counted.
    StartMarksEnd = "start-marks-end",
    /// Numbers begin above those of the Pods that are there, not above the highest that was reserved.
    HighWaterIgnored = "high-water-ignored",
    /// Numbers are used that no commit has reserved.
    NumbersUnreserved = "numbers-unreserved",
    /// A pass acts on what was committed, though more urgent news waits to be written.
    ActsOnOutdatedCommit = "acts-on-outdated-commit",
    /// Counts of a status write that was not due are dropped.
    PacedCountsAreDropped = "paced-counts-are-dropped",

    /// A run is booked on the gate of whatever revision is rolled out.
    GateCountsEveryRevision = "gate-counts-every-revision",
    /// The commit that closes a gate takes one more step of the rollout.
    GateClosesLate = "gate-closes-late",

    /// A create without a reply passes for one that was not carried out.
    LostCreateIsNone = "lost-create-is-none",
    /// A delete without a reply passes for one that was carried out.
    LostDeleteIsDone = "lost-delete-is-done",
    /// A Pod that is not found is taken not to be made, while its create may still be carried out.
    ConfirmsTooEarly = "confirms-too-early",
    /// Lost replies are never looked up.
    NeverConfirms = "never-confirms",
    /// Own creates are forgotten until the watch shows them (kuberay#715).
    OwnCreatesForgotten = "own-creates-forgotten",
    /// An own create is waited for though a later list has not shown it (k/k#69376).
    UnseenPodsAwaited = "unseen-pods-awaited",
    /// A finalizer is taken off Pods that have ended, counted or not.
    FinalizerGoesUncounted = "finalizer-goes-uncounted",
    /// A finalizer passes for removed before the server has said so.
    FinalizerPresumedGone = "finalizer-presumed-gone",
    /// A workload is let go while there are Pods of it.
    LeavesBeforePods = "leaves-before-pods",
    /// A workload that is to leave its Pods behind takes them with it.
    OrphansAreDeleted = "orphans-are-deleted",
    /// A pass that failed is not made up for.
    FailureNotRetried = "failure-not-retried",
    /// What the server has refused is not tried again.
    RefusalNotRetried = "refusal-not-retried",

    /// One Pod more than the surge allows.
    SurgeOffByOne = "surge-off-by-one",
    /// One Pod fewer need serve than is asked for.
    FloorOffByOne = "floor-off-by-one",
    /// What must serve is not asked before a delete.
    FloorIgnored = "floor-ignored",
    /// Pods are available before they have been ready for minReadySeconds.
    MinReadyIgnored = "min-ready-ignored",
    /// A change of the total is given to no revision.
    ScaleIgnored = "scale-ignored",
    /// Pods that nobody controls are left alone, and others are made beside them.
    OrphansStayOrphans = "orphans-stay-orphans",
    /// Lost Pods of an older revision are not made again.
    OldRevisionNotFilled = "old-revision-not-filled",
    /// A rollout goes on in a workload that is paused.
    PauseIgnored = "pause-ignored",
    /// A revision whose template is refused is rolled out.
    RefusedTemplateRolled = "refused-template-rolled",
    /// With Recreate, new Pods come while old ones run.
    RecreateOverlaps = "recreate-overlaps",
    /// A Pod that has ended counts as one of those that are wanted.
    EndedPodsCount = "ended-pods-count",

    /// A request is sent without looking at the Lease.
    ActsUnfenced = "acts-unfenced",
    /// Requests carry no time-out, and may be carried out when another leads.
    NoTimeOut = "no-time-out",
    /// A Lease passes for given up when it was not renewed for half its time.
    LeaseTakenEarly = "lease-taken-early",

    /// A preStop of which nothing bad is known has succeeded.
    SilenceIsSuccess = "silence-is-success",
    /// A container that runs proves its hook, also where the hook's failures are ignored.
    RunningProvesIgnoredHook = "running-proves-ignored-hook",
    /// A run of which only the beginning is recorded has failed by itself.
    CutOffIsFailure = "cut-off-is-failure",
    /// A failure Event is about every instance.
    EventsKnowNoInstance = "events-know-no-instance",
    /// Instances that were over before anybody looked are left out.
    UnseenInstancesLost = "unseen-instances-lost",
    /// A kubelet that never speaks again is waited for for ever.
    SilentKubeletAwaited = "silent-kubelet-awaited",
    /// Pods that are gone are not counted.
    GonePodsUncounted = "gone-pods-uncounted",
    /// A record of another hook of the container tells of this one.
    RecordsMixHooks = "records-mix-hooks",
    /// What ended with watched Pods that went while nobody looked is not counted.
    VanishedUncounted = "vanished-uncounted",
    /// A workload that watches commits before a list has shown all Pods.
    WatchedListNotAwaited = "watched-list-not-awaited",
    /// What was over in a watched Pod before its workload came is counted.
    WatchedFromBirth = "watched-from-birth",
}

#[cfg(feature = "mutations")]
mod switch {
    use std::cell::Cell;

    use super::Mutation;

    thread_local! {
        static ON: Cell<Option<Mutation>> = const { Cell::new(None) };
    }

    /// Whether this bug is in, on this thread.
    pub fn mutated(mutation: Mutation) -> bool {
        ON.get() == Some(mutation)
    }

    /// Puts a bug in, on this thread, or takes it out again.
    pub fn mutate(mutation: Option<Mutation>) {
        ON.set(mutation);
    }
}

#[cfg(feature = "mutations")]
pub use switch::{mutate, mutated};

/// Whether this bug is in: never, without the feature.
#[cfg(not(feature = "mutations"))]
pub const fn mutated(_: Mutation) -> bool {
    false
}
