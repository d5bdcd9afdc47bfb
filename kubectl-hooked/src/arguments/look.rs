//! Flags of the commands that look at many: workloads, or the logs of Pods.

use std::time::Duration;

use clap::{ArgAction, Args};

use super::duration::duration;
use super::format::TableFormat;

/// Flags of `list`.
#[derive(Args, Debug)]
pub(crate) struct ListOptions {
    /// Those of all namespaces.
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    /// Only those whose labels match, such as app=web,tier!=test.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) selector: Option<String>,
    /// Print for programs, or a wider table.
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<TableFormat>,
}

/// Flags of `logs`.
#[allow(clippy::struct_excessive_bools, reason = "flags that are independent of each other")]
#[derive(Args, Debug)]
pub(crate) struct LogsOptions {
    /// The HookedWorkload.
    pub(crate) name: String,
    /// Go on with what is written from now on, until Ctrl-C. Pods that come later are not followed.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only this container; without it that of the annotation kubectl.kubernetes.io/default-container, or the first.
    #[arg(short, long)]
    pub(crate) container: Option<String>,
    /// All containers, init containers too.
    #[arg(long, conflicts_with = "container")]
    pub(crate) all_containers: bool,
    /// Only what is younger, such as 10m or 2h.
    #[arg(long, value_parser = duration)]
    pub(crate) since: Option<Duration>,
    /// Only so many lines at the end of each log; -1 shows all.
    #[arg(long, value_name = "LINES", default_value_t = -1, allow_negative_numbers = true)]
    pub(crate) tail: i64,
    /// Write Pod and container before each line.
    #[arg(long, default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          action = ArgAction::Set)]
    pub(crate) prefix: bool,
    /// Write the time before each line.
    #[arg(long)]
    pub(crate) timestamps: bool,
    /// The logs of the instances before, of containers that were restarted.
    #[arg(short, long, conflicts_with = "follow")]
    pub(crate) previous: bool,
    /// How many logs may be followed at a time.
    #[arg(long, value_name = "LOGS", default_value_t = 50)]
    pub(crate) max_log_requests: usize,
}
