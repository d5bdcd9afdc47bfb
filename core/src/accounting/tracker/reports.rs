//! What came over the live channel.

/// What becomes of a live report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It says something that was not known.
    News,
    /// It was known.
    Known,
    /// The Pod is not there, or has no such hook that reports live.
    Foreign,
}

/// When live reports came and when they did not: seconds in which a run began, the latest of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportTimes {
    /// A run of which a report came.
    pub reported: Option<i64>,
    /// A run of which a report should have come, and none did.
    pub missed: Option<i64>,
}
