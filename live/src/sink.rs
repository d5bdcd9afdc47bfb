//! The port to the rest of the operator: where reports go, and who observes the channel.

pub use hooked_core::accounting::Heard;
use hooked_protocol::Record;

use crate::refusal::ReportResult;

/// Where reports go.
pub trait Sink: Send + Sync {
    /// Takes in a report about a run in the Pod with that UID; none if no Pod of that namespace has the UID.
    /// The Pod is authenticated, the record is only well-formed.
    fn report(&self, namespace: &str, pod_uid: &str, record: &Record) -> Option<Reported>;
}

/// What has become of a report about a Pod that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Whether the report was news.
    pub heard: Heard,
    /// Whether the Pod is being deleted: its postStart hooks are to stop.
    pub terminating: bool,
}

/// Who observes the channel itself.
pub trait Observer: Send + Sync {
    /// The channel is done with one report.
    fn report_handled(&self, result: ReportResult);

    /// A connection was let in.
    fn connected(&self);

    /// A connection that was let in has ended. This is called once for each call of [`Observer::connected`].
    fn disconnected(&self);

    /// Runners reach the operator at another address than before, or by other authorities. Pods are to learn
    /// of the new endpoint.
    fn endpoint_changed(&self);
}
