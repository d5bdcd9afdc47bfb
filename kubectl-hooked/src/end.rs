//! How a command ended.

use std::process::ExitCode;

/// How a command ended that did what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is done; what was waited for is so.
    Done,
    /// What was waited for did not come in time.
    TimedOut,
    /// What is waited for will not come unless somebody changes the workload.
    OutOfReach,
    /// A check has found a problem.
    Problem,
    /// A check has found no problem, and could not find out everything.
    Unknown,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        // 1 is an error too, and 2 is misuse, which clap reports.
        Self::from(match end {
            End::Done => 0,
            End::Problem => 1,
            End::Unknown => 2,
            End::TimedOut => 3,
            End::OutOfReach => 4,
        })
    }
}
