//! When a hook that runs has run for too long: Kubernetes neither reports nor ends such a hook.

use hooked_crd::HookKind;
use jiff::{SignedDuration, Timestamp};

use super::case::Case;
use crate::lifecycle::run::HookRun;

/// How long a postStart hook may run before somebody has to look: while the hook runs its container cannot
/// become Running, and its Pod cannot be deleted (k/k#116032).
const POST_START: SignedDuration = SignedDuration::from_secs(60);
/// The share of the grace period, in per cent, after which a preStop hook that still runs leaves its program
/// too little time.
const PRE_STOP_PERCENT: i64 = 80;
/// Seconds of a grace period that is over before anybody has read that it nearly is.
const BRIEF: i64 = 4;

impl Case<'_> {
    /// When a hook that runs will have run for too long.
    pub(super) fn overdue_at(&self, run: &HookRun) -> Option<Timestamp> {
        match run.id.hook {
            HookKind::PostStart => {
                let patience = run.start_time.and_then(|start| start.checked_add(POST_START).ok());
                // Once the Pod should be gone it is certain that the hook keeps it.
                let deadline =
                    self.evidence.stop.and_then(|stop| Timestamp::from_second(stop.deadline()).ok());
                patience.into_iter().chain(deadline).min()
            }
            HookKind::PreStop => {
                let stop = self.evidence.stop.filter(|stop| stop.exact && stop.grace > BRIEF)?;
                let allowed = stop.grace.checked_mul(PRE_STOP_PERCENT)? / 100;
                Timestamp::from_second(stop.began.checked_add(allowed)?).ok()
            }
        }
    }
}
