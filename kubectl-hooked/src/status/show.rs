//! What of a workload is shown, and in which form.

use jiff::Timestamp;

use super::error::StatusError;
use super::tree;
use crate::arguments::{Format, StatusOptions};
use crate::overview::{Choice, Overview};
use crate::print::{Screen, document};

/// Shows a workload as it was asked for.
pub(super) fn show(overview: &Overview, output: Option<Format>, screen: &Screen) -> Result<(), StatusError> {
    match output {
        Some(format) => Ok(document(overview, format)?),
        None => Ok(screen.show(&tree::lines(overview, screen.width, Timestamp::now()))?),
    }
}

/// What of the Pods was asked for.
pub(super) fn choice(options: &StatusOptions) -> Choice {
    let limit = (!options.all).then_some(options.limit);
    Choice { limit, show_output: options.show_output }
}
