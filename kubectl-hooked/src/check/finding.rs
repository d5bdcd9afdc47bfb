//! What is found where something is checked.

use serde::Serialize;

use crate::render::Tone;
use crate::request::RequestError;

/// What is checked, by names that programs may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Check {
    /// The API server answers, and is new enough.
    ApiServer,
    /// The definition of HookedWorkloads.
    Definition,
    /// The operator's Deployment.
    Operator,
    /// Which operator leads.
    Leader,
    /// The image that Pods get the runner from.
    RunnerImage,
    /// What the operator may do.
    OperatorRights,
    /// What who asks may do.
    YourRights,
    /// The operating systems of nodes.
    NodeSystem,
    /// The processors of nodes.
    NodeArchitecture,
    /// The container runtimes and kernels of nodes.
    NodeRuntime,
    /// Whether nodes mount images.
    ImageVolumes,
    /// Whether the namespace takes Pods with the runner.
    Policies,
    /// The Service of the live channel.
    LiveChannel,
    /// What may cut the way to the operator off.
    NetworkPolicies,
    /// Whether Prometheus scrapes the operator.
    Prometheus,
    /// How a Pod gets the runner by an image volume.
    RunnerByImageVolume,
    /// How a Pod gets the runner by an init container.
    RunnerByInitContainer,
    /// Whether a Pod reaches the operator.
    LiveChannelFromPod,
    /// A Pod of a check that is still there.
    LeftoverPods,
}

/// What the finding comes to, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// It was not asked for, or there is nothing to check yet.
    NotChecked,
    /// Hooked works, but not in every corner.
    Warning,
    /// It could not be found out.
    Unknown,
    /// Something that Hooked is to do fails until this is mended.
    Problem,
}

impl Verdict {
    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Ok => Tone::Good,
            Self::NotChecked => Tone::Faint,
            Self::Warning | Self::Unknown => Tone::Unsure,
            Self::Problem => Tone::Bad,
        }
    }
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: Check,
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) message: String,
    /// What to do about it; none where nothing is to be done.
    pub(super) action: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: Check, message: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, message: message.into(), action: None }
    }

    pub(super) fn warning(check: Check, message: impl Into<String>, action: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warning, message: message.into(), action: Some(action.into()) }
    }

    pub(super) fn problem(check: Check, message: impl Into<String>, action: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Problem, message: message.into(), action: Some(action.into()) }
    }

    pub(super) fn not_checked(check: Check, message: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::NotChecked, message: message.into(), action: None }
    }

    pub(super) fn unknown(check: Check, message: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Unknown, message: message.into(), action: None }
    }

    /// That the API server has not given what was asked for: its words name the fix.
    pub(super) fn unanswered(check: Check, error: &RequestError) -> Self {
        Self::unknown(check, error.to_string())
    }
}

/// So many names of many are told.
const TOLD: usize = 3;

/// Names for people: the first few, and how many more there are.
pub(super) fn some_of<T: AsRef<str>>(names: &[T]) -> String {
    let told: Vec<&str> = names.iter().take(TOLD).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(TOLD);
    let told = told.join(", ");
    if more == 0 { told } else { format!("{told} and {more} more") }
}
