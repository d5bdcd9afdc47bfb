//! Workloads that watch Pods of others: they have none to give, but under `evidence: Durable` they hold them, and must
//! be gone before the operator is. It takes its finalizer off their Pods, which live on.

use serde_json::Value;

use super::error::ReleaseError;
use super::found::{kept, watched};
use crate::arguments::ReleaseOptions;
use crate::ownership::{Mode, Objects, StepError, WORKLOAD};
use crate::print::Screen;

/// Deletes a workload that may hold Pods, and waits until it has let go of them.
pub(super) async fn let_go(
    objects: &Objects,
    workload: &Value,
    options: &ReleaseOptions,
    screen: &Screen,
) -> Result<(), ReleaseError> {
    let name = workload["metadata"]["name"].as_str().unwrap_or_default();
    let watched = watched(workload).unwrap_or_default();
    let tried = objects.leave_behind(WORKLOAD, workload, None, Mode::Try).await;
    let refused = tried.err().map(|error| format!("  {error}"));
    let reasons: Vec<String> = kept(workload, options.force).into_iter().chain(refused).collect();
    if !reasons.is_empty() {
        return Err(ReleaseError::InTheWay { name: name.to_owned(), reasons });
    }
    if options.dry_run {
        return Ok(screen.say(format!(
            "HookedWorkload {name}, which holds Pods of {watched}, would be deleted; they would run on"
        ))?);
    }
    let failed = |source: StepError| ReleaseError::Step {
        source,
        so_far: "the Pods that it holds run, and the same command goes on".to_owned(),
    };
    objects.leave_behind(WORKLOAD, workload, None, Mode::Do).await.map_err(failed)?;
    objects.until_gone(WORKLOAD, workload, options.timeout).await.map_err(failed)?;
    Ok(screen.say(format!("hookedworkload.hooked.dev/{name} deleted; the Pods of {watched} run on"))?)
}
