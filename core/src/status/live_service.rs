//! The live channel, as far as a status tells of it.

use jiff::Timestamp;

/// The live channel that the operator serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveService {
    /// Since when.
    pub since: Timestamp,
    /// Where, as `IP:port`.
    pub address: String,
}
