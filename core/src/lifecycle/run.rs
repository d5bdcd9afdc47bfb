//! Hook runs and kills: the values that everything downstream speaks about.

use std::sync::Arc;
use std::time::Duration;

use hooked_crd::{HandlerKind, HookKind, KillReason, Outcome, Source};
use jiff::Timestamp;

use super::evidence::Anew;

/// What is said of a run that the runner has recorded, and of which nothing more is to be said.
pub const RECORDED: &str = "recorded by the hook-runner";

/// Which run it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HookRunId {
    /// The Pod's UID.
    pub pod_uid: Arc<str>,
    /// The container's name.
    pub container: Arc<str>,
    /// Which hook.
    pub hook: HookKind,
    /// Which instance of the container it was in, from 1.
    pub instance: u32,
    /// Which execution of this hook in this container of this Pod, from 1. Inferred runs are numbered by the
    /// container's instances, since each instance has one postStart and at most one preStop.
    pub execution: u32,
}

/// One run of one hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRun {
    /// Which run it is.
    pub id: HookRunId,
    /// The Pod's name.
    pub pod: Arc<str>,
    /// The node it ran on.
    pub node: Option<Arc<str>>,
    /// What the hook does.
    pub handler: HandlerKind,
    /// How it ended.
    pub outcome: Outcome,
    /// Who reported it.
    pub source: Source,
    /// When it began, if that is known.
    pub start_time: Option<Timestamp>,
    /// What is known of how long it took.
    pub duration: Option<Interval>,
    /// The hook's exit status, 128 + n after signal n, if the runner has recorded it.
    pub exit_code: Option<i32>,
    /// How often the hook was tried, if the runner has recorded it.
    pub attempts: Option<u32>,
    /// Why, in words.
    pub message: String,
    /// The last bytes of the hook's output, if the runner was asked to keep them.
    pub output: String,
    /// While it runs: when it will have run for so long that somebody has to look at it.
    pub overdue_at: Option<Timestamp>,
}

/// An interval that holds the true duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// It took at least this long.
    pub shortest: Duration,
    /// It took at most this long.
    pub longest: Duration,
}

impl Interval {
    /// The interval from whole seconds: a time shown as second `n` lies in `[n, n+1)`.
    /// `None` if the end lies before the start, which only clocks that disagree can show.
    pub fn between_whole_seconds(start: i64, end: i64) -> Option<Self> {
        let seconds = u64::try_from(end.checked_sub(start)?).ok()?;
        Some(Self {
            shortest: Duration::from_secs(seconds.saturating_sub(1)),
            longest: Duration::from_secs(seconds + 1),
        })
    }

    /// A duration that was measured.
    pub fn exactly(duration: Duration) -> Self {
        Self { shortest: duration, longest: duration }
    }

    /// The same upper bound without a lower one: the end was only seen later than it was.
    #[must_use]
    pub fn at_most(self) -> Self {
        Self { shortest: Duration::ZERO, ..self }
    }

    /// The middle of the interval.
    pub fn middle(self) -> Duration {
        (self.shortest + self.longest) / 2
    }

    /// Half the interval's width.
    pub fn error(self) -> Duration {
        self.longest.saturating_sub(self.shortest) / 2
    }
}

/// A container that was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// The Pod's name.
    pub pod: Arc<str>,
    /// The container's name.
    pub container: Arc<str>,
    /// The first cause.
    pub reason: KillReason,
    /// When the container ended, if that is known; whole seconds.
    pub time: Option<Timestamp>,
}

/// What is counted once of each instance of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The run of its postStart hook.
    PostStart,
    /// Its end: the run of its preStop hook, and whether and why it was killed.
    End,
}

impl Slot {
    /// The hook whose run is counted with it.
    pub fn hook(self) -> HookKind {
        match self {
            Self::PostStart => HookKind::PostStart,
            Self::End => HookKind::PreStop,
        }
    }
}

/// The duration of a run that was counted before its duration was known: a second fact, counted once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateDuration {
    /// Which run.
    pub id: HookRunId,
    /// What the hook does.
    pub handler: HandlerKind,
    /// How long it took.
    pub duration: Interval,
}

/// Something to be counted once.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// The postStart run of the container's instance `instance` is settled.
    PostStart {
        /// The container's name.
        container: Arc<str>,
        /// Which instance of the container, from 1.
        instance: u32,
        /// The run.
        run: HookRun,
    },
    /// The container's instance `instance` has ended and what can be known of it is known.
    End {
        /// The container's name.
        container: Arc<str>,
        /// Which instance of the container, from 1.
        instance: u32,
        /// Executions of its preStop hook before the last one: the kubelet runs a hook again where it was restarted
        /// meanwhile, or could not stop the container.
        pre_stops_before: Vec<HookRun>,
        /// The preStop run, the last if there were several; none if the container has no such hook.
        pre_stop: Option<HookRun>,
        /// Whether and why it was killed.
        kill: Option<Kill>,
        /// How long the postStart run of this instance took, where it was counted before that was known.
        late_duration: Option<LateDuration>,
        /// For a deleted Pod: the time from the deletion to the container's end over the grace in force.
        grace_used: Option<f64>,
    },
    /// The kubelet counts the container's restarts anew: by this its instances are numbered from now on.
    Anew {
        /// The container's name.
        container: Arc<str>,
        /// Since when, and how many instances there had been.
        anew: Anew,
    },
    /// Instances `first..=last` were over before anybody looked; their evidence is gone.
    Lost {
        /// The container's name.
        container: Arc<str>,
        /// What of them is lost.
        slot: Slot,
        /// The first of them.
        first: u32,
        /// The last of them.
        last: u32,
        /// The handler of the slot's hook; none if the container has no such hook.
        handler: Option<HandlerKind>,
    },
}

/// What the evidence of one Pod shows beyond what is counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// To be counted, in order.
    pub settled: Vec<Finding>,
    /// Hooks that run now.
    pub running: Vec<HookRun>,
    /// When to look again though nothing new has come.
    pub due: Option<Timestamp>,
    /// Nothing that has begun is left to settle.
    pub complete: bool,
    /// No more evidence of the Pod will come.
    pub closed: bool,
}

impl Findings {
    /// Has the Pod looked at again at `at`, if not before.
    pub(super) fn wake_at(&mut self, at: Option<Timestamp>) {
        self.due = self.due.into_iter().chain(at).min();
    }
}
