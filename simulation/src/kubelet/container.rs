//! One container: its instances one after the other.

use hooked_protocol::Hook;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::hook::Handler;
use super::truth::StopCause;

/// A program that has run this long has its back-off forgotten.
const FORGIVEN: SignedDuration = SignedDuration::from_mins(10);

/// What goes on in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    /// There is no instance yet.
    None,
    /// The program runs, and with it the postStart hook, this one of all runs.
    PostStart { run: usize, began: Timestamp },
    /// The program runs.
    Running,
    /// The preStop hook runs until it ends or the deadline comes.
    PreStop { run: usize, began: Timestamp, deadline: Timestamp },
    /// The program has its stop signal.
    Stopping { deadline: Timestamp },
    /// The instance has ended.
    Ended,
}

/// How an instance ended, as the runtime remembers it.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) instance: u32,
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
    pub(super) code: i32,
    pub(super) reason: &'static str,
    /// The end of its termination log.
    pub(super) message: String,
}

/// A container of a Pod on a node.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own about a container.
pub(super) struct Container {
    pub(super) name: String,
    /// `spec.containers{web}`
    pub(super) field_path: String,
    pub(super) is_sidecar: bool,
    pub(super) always_restarts: bool,
    pub(super) restarts_on_failure: bool,
    pub(super) has_startup_probe: bool,
    pub(super) has_readiness_probe: bool,
    pub(super) has_liveness_probe: bool,
    pub(super) post_start: Option<Handler>,
    pub(super) pre_stop: Option<Handler>,
    /// The number of the latest instance, from 1.
    pub(super) instance: u32,
    pub(super) activity: Activity,
    pub(super) started: Timestamp,
    pub(super) passed_startup: bool,
    pub(super) ready: bool,
    /// The latest instance that has ended, and the one before it.
    pub(super) ended: Option<Ended>,
    pub(super) ended_before: Option<Ended>,
    /// What the kubelet says of the postStart hook that failed last.
    pub(super) post_start_error: Option<String>,
    /// The status has shown the end of the latest instance.
    pub(super) end_was_shown: bool,
    /// The status has shown that the container waits for its next instance.
    pub(super) wait_was_shown: bool,
    restarts_in_a_row: u32,
    pub(super) next_start: Timestamp,
    /// The termination log of the latest instance.
    pub(super) log: String,
    /// Where the latest instance stands in the truth.
    pub(super) in_truth: usize,
}

impl Container {
    pub(super) fn new(container: &Value, is_sidecar: bool, restart_policy: &str, now: Timestamp) -> Self {
        let name = container["name"].as_str().unwrap_or_default().to_owned();
        let list = if is_sidecar { "initContainers" } else { "containers" };
        Self {
            field_path: format!("spec.{list}{{{name}}}"),
            is_sidecar,
            always_restarts: is_sidecar || restart_policy == "Always",
            restarts_on_failure: restart_policy == "OnFailure",
            has_startup_probe: container["startupProbe"].is_object(),
            has_readiness_probe: container["readinessProbe"].is_object(),
            has_liveness_probe: container["livenessProbe"].is_object(),
            post_start: Handler::of(container, Hook::PostStart),
            pre_stop: Handler::of(container, Hook::PreStop),
            instance: 0,
            activity: Activity::None,
            started: now,
            passed_startup: false,
            ready: false,
            ended: None,
            ended_before: None,
            post_start_error: None,
            end_was_shown: false,
            wait_was_shown: false,
            restarts_in_a_row: 0,
            next_start: now,
            log: String::new(),
            in_truth: 0,
            name,
        }
    }

    /// Whether the kubelet's worker waits for something in this container and does nothing else for the Pod.
    pub(super) fn occupies_worker(&self) -> bool {
        matches!(
            self.activity,
            Activity::PostStart { .. } | Activity::PreStop { .. } | Activity::Stopping { .. }
        )
    }

    /// Whether there is an instance that has not ended.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self.activity, Activity::None | Activity::Ended)
    }

    /// Whether the latest instance has ended and another one is to follow.
    pub(super) fn is_to_restart(&self) -> bool {
        let failed = self.ended.as_ref().is_some_and(|ended| ended.code != 0);
        self.activity == Activity::Ended && (self.always_restarts || (self.restarts_on_failure && failed))
    }

    /// The time at which the grace period or the back-off ends.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self.activity {
            Activity::PreStop { deadline, .. } | Activity::Stopping { deadline } => Some(deadline),
            Activity::Ended if self.is_to_restart() => Some(self.next_start),
            _ => None,
        }
    }

    pub(super) fn handler(&mut self, hook: Hook) -> Option<&mut Handler> {
        if hook == Hook::PostStart { self.post_start.as_mut() } else { self.pre_stop.as_mut() }
    }

    /// The latest instance ends. The first restart comes at once, later ones after 10 s, 20 s, 40 s, and so on.
    pub(super) fn finish(&mut self, code: i32, reason: &'static str, now: Timestamp) {
        let reason = match reason {
            "" if code == 0 => "Completed",
            "" => "Error",
            known => known,
        };
        let message = std::mem::take(&mut self.log);
        self.ended_before = self.ended.take();
        self.ended = Some(Ended {
            instance: self.instance,
            started: self.started,
            finished: now,
            code,
            reason,
            message,
        });
        self.activity = Activity::Ended;
        (self.ready, self.passed_startup) = (false, false);
        (self.end_was_shown, self.wait_was_shown) = (false, false);
        if now.duration_since(self.started) > FORGIVEN {
            self.restarts_in_a_row = 0;
        }
        let wait = match self.restarts_in_a_row {
            0 => 0,
            again => 10_i64.saturating_mul(1 << (again - 1).min(5)).min(300),
        };
        self.restarts_in_a_row += 1;
        self.next_start = later(now, wait);
    }

    /// How many seconds the next instance has to wait.
    pub(super) fn back_off(&self) -> i64 {
        self.next_start.as_second() - self.ended.as_ref().map_or(0, |ended| ended.finished.as_second())
    }

    /// Why the instance is stopped, in the words of the kubelet's `Killing` Event.
    pub(super) fn killing_message(&self, cause: StopCause) -> String {
        match cause {
            StopCause::PostStartHook => "FailedPostStartHook".to_owned(),
            StopCause::LivenessProbe => {
                format!("Container {} failed liveness probe, will be restarted", self.name)
            }
            StopCause::StartupProbe => {
                format!("Container {} failed startup probe, will be restarted", self.name)
            }
            StopCause::Deletion | StopCause::Eviction => format!("Stopping container {}", self.name),
        }
    }
}

/// That many seconds later.
pub(super) fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
