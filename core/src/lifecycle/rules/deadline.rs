//! When the grace period of an instance's stop was over, and whether the instance lived to see it.
//!
//! The kubelet counts from the moment at which it begins to kill a container, the preStop hook's time included. At
//! the deadline it only stops waiting for the hook, sends the stop signal, and gives the program 2 s more: whether
//! SIGKILL follows is the program's choice (`killContainer` in `pkg/kubelet/kuberuntime/kuberuntime_container.go`).

use hooked_crd::HookKind;

use super::view::View;
use crate::lifecycle::evidence::{KillingCause, Stop};
use crate::lifecycle::kubelet::{may_be_killed_by_memory, may_be_sigkill};
use crate::lifecycle::record::second_of;
use crate::lifecycle::shape::ProbeShape;

/// Microseconds that pass at most, on a node that is not ill, from the beginning of a stop until the hook's runner
/// runs: the kubelet counts from before it asks for that process.
const MOMENT: u64 = 2_000_000;
/// Seconds after which a `Killing` Event is not about the stop in which a hook began.
const SAME_STOP: i64 = 10;
/// Seconds after the deadline, as far as it is known, by which a container has ended: 2 s for its program, and what the
/// runtime needs.
const WIND_UP: i64 = 6;

impl View<'_> {
    /// SIGKILL at the end of the grace period: the kubelet does not report that, but nothing else fits. An
    /// exit status of 137 before the deadline is no proof, and none is one after it.
    pub(crate) fn killed_at_the_deadline(&self) -> bool {
        let (Some(deadline), Some(end)) = (self.deadline(), self.instance.end) else { return false };
        let Some(ended) = end.finished_at else { return false };
        // A stop that the kubelet may have forgotten is no cause where memory is one.
        let by_memory = end.out_of_memory && self.deletion().is_none() && is_long_after(ended, deadline);
        may_be_sigkill(&end) && ended >= deadline && !by_memory
    }

    /// Whether the grace period was over when the instance ended, so that a hook without an end was cut off,
    /// whatever the program's exit status: most programs stop when they are asked to.
    pub(crate) fn outlived_its_grace(&self) -> bool {
        let (Some(deadline), Some(ended)) = (self.deadline(), self.finished_at()) else { return false };
        let by_it = || self.killed_at_the_deadline() || !is_long_after(ended, deadline);
        let longest = || self.stop_began().map(|began| began.saturating_add(self.pod.shape.grace));
        let fits = match self.deletion() {
            Some(stop) if stop.exact && !stop.shortened => true,
            // It is not certain which grace was in force.
            Some(_) => by_it() || longest().is_some_and(|longest| ended >= longest),
            // It is not certain that the stop was carried through: a kubelet that is restarted has forgotten what its
            // probes said, and that a postStart hook had failed.
            None => self.is_cut_off_by(deadline) || (by_it() && self.only_the_deadline_fits(ended)),
        };
        ended >= deadline && fits
    }

    /// Whether the kubelet has told of the hook's failure when the grace period was over: so it has waited that long.
    fn is_cut_off_by(&self, deadline: i64) -> bool {
        self.pre_stop_failed_at().is_some_and(|reported| reported >= deadline)
    }

    /// Whether an end in that second may follow from the deadline, and not as well from something else: one that may
    /// have come before the deadline is no sign that there was one, nor is one that memory explains.
    fn only_the_deadline_fits(&self, ended: i64) -> bool {
        let by_memory = self.instance.end.is_some_and(|end| may_be_killed_by_memory(&end));
        !by_memory && self.latest_deadline().is_some_and(|latest| ended >= latest)
    }

    /// The second in which the grace period of this instance's stop ended. Where only the kubelet's last
    /// deletion was seen, the grace is that of the Pod's spec, and began with the first sign of the stop.
    pub(crate) fn deadline(&self) -> Option<i64> {
        self.stop_began()?.checked_add(self.grace()?)
    }

    /// The same, with the stop begun as late as it can have been: just before the hook's runner ran.
    fn latest_deadline(&self) -> Option<i64> {
        let hook_began = || self.record(HookKind::PreStop).map(second_of);
        self.told_stop().or_else(hook_began).or_else(|| self.stop_began())?.checked_add(self.grace()?)
    }

    /// The deletion that stopped this instance, unless something else did: what is started again was not stopped by
    /// it, and a stop that had begun for another cause goes on as it began.
    fn deletion(&self) -> Option<Stop> {
        let otherwise =
            self.is_started_again() || self.killing().is_some_and(|(_, cause)| cause != KillingCause::Stop);
        self.stopped_by().filter(|_| !otherwise)
    }

    /// Seconds of grace of this instance's stop. None if nothing stopped it, or nobody knows what it was given: the
    /// kubelet's own evictions have a grace of their own.
    fn grace(&self) -> Option<i64> {
        let of_pod = self.pod.shape.grace;
        let of = |probe: Option<ProbeShape>| probe.and_then(|probe| probe.grace).unwrap_or(of_pod);
        let (liveness, startup) = (self.shape.liveness, self.shape.startup);
        if self.evicted() {
            return None;
        }
        match self.killing().map(|(_, cause)| cause) {
            Some(KillingCause::LivenessProbe) => Some(of(liveness)),
            Some(KillingCause::StartupProbe) => Some(of(startup)),
            Some(KillingCause::PostStartHook | KillingCause::SpecChange) => Some(of_pod),
            Some(KillingCause::RestartAllContainers) => None,
            Some(KillingCause::Stop) | None => match self.deletion() {
                // A hook that had begun before the deletion that was seen runs on under an earlier one.
                Some(stop) if stop.shortened && self.hook_began_before(stop.began) => Some(of_pod),
                Some(stop) => Some(stop.grace),
                // The longest that it can have been.
                None => self.stopped_without_a_deletion().then(|| {
                    let by_probe = [liveness, startup].into_iter().flatten().map(|probe| of(Some(probe)));
                    let otherwise = (!self.only_a_probe_can_have_stopped_it()).then_some(of_pod);
                    by_probe.chain(otherwise).max().unwrap_or(of_pod)
                }),
            },
        }
    }

    fn hook_began_before(&self, second: i64) -> bool {
        self.record(HookKind::PreStop).is_some_and(|record| second_of(record).saturating_add(1) < second)
    }

    /// The second in which this instance's stop began, at the earliest: by the kubelet's Event, else by the runner's
    /// record of the hook's beginning, else by the deletion. Event, record and the container's end are by the node's
    /// clock.
    fn stop_began(&self) -> Option<i64> {
        let deleted = self.deletion().filter(|stop| stop.exact).map(|stop| stop.began);
        let deleted = deleted.filter(|second| !self.hook_began_before(*second));
        self.told_stop()
            .or_else(|| {
                self.pre_stop_began_by().map(|began| deleted.map_or(began, |second| began.max(second)))
            })
            .or(deleted)
    }

    /// The second in which this instance's stop began by the kubelet's Event. Where the kubelet has begun anew, after
    /// its own restart, say, the last beginning counts.
    fn told_stop(&self) -> Option<i64> {
        let hook_began = self.record(HookKind::PreStop).map(second_of);
        let of_this_hook = |second: &i64| {
            hook_began.is_none_or(|began| (began.saturating_sub(SAME_STOP)..=began).contains(second))
        };
        self.killings().map(|(second, _)| second).filter(of_this_hook).max()
    }

    /// The second by which the kubelet had not begun with the preStop hook, by the runner's record of the beginning.
    fn pre_stop_began_by(&self) -> Option<i64> {
        let start = self.record(HookKind::PreStop)?.start.checked_sub(MOMENT)?;
        i64::try_from(start / 1_000_000).ok()
    }
}

/// Whether a container has ended so long after a deadline that it has not ended by it.
fn is_long_after(ended: i64, deadline: i64) -> bool {
    ended > deadline.saturating_add(WIND_UP)
}
