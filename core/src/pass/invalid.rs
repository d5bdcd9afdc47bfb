//! What only a change of the workload mends.

use thiserror::Error;

use super::predecessor::AdoptFromError;
use crate::accounting::ledger::LedgerError;
use crate::workload::desired::DesiredError;

/// What only a change of the workload mends.
#[derive(Debug, Error)]
pub enum Invalid {
    /// The spec cannot be read.
    #[error(transparent)]
    Desired(#[from] DesiredError),
    /// What is counted cannot be read, or cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What the workload is to take over from cannot be read.
    #[error(transparent)]
    AdoptFrom(#[from] AdoptFromError),
}
