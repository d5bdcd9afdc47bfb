//! What the kubelet's Events say of a container.

use std::collections::BTreeSet;

use crate::lifecycle::per_hook::PerHook;

/// The seconds of the kubelet's Events about a container. A repeated Event shows only its first and its last
/// time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventEvidence {
    /// `Started`: recorded just before a postStart hook.
    pub started: BTreeSet<i64>,
    /// `Killing`: recorded just before a preStop hook.
    pub killing: BTreeSet<(i64, KillingCause)>,
    /// `FailedPostStartHook` and `FailedPreStopHook`.
    pub hook_failed: PerHook<BTreeSet<i64>>,
}

/// Why the kubelet reported that it kills a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KillingCause {
    /// Its postStart hook failed.
    PostStartHook,
    /// Its liveness probe failed.
    LivenessProbe,
    /// Its startup probe failed.
    StartupProbe,
    /// Its image was changed in place, or its resources, and its resize policy asks for a restart.
    SpecChange,
    /// Another container's end restarts all containers of the Pod.
    RestartAllContainers,
    /// An ordinary stop, or anything else.
    Stop,
}

/// Seconds that are remembered of each kind of Event of a container. The kubelet sends far fewer during one
/// instance: more can only be forged.
const MOST_SECONDS: usize = 64;

impl EventEvidence {
    pub(super) fn prune(&mut self, began: i64) {
        let Self { started, killing, hook_failed: PerHook { post_start, pre_stop } } = self;
        for seconds in [started, post_start, pre_stop] {
            seconds.retain(|second| *second > began);
        }
        killing.retain(|(second, _)| *second > began);
    }

    pub(super) fn merge(&mut self, other: Self) {
        let Self { started, killing, hook_failed } = other;
        self.started.extend(started);
        self.killing.extend(killing);
        keep_newest(&mut self.started);
        hook_failed.map(|hook, seconds| {
            self.hook_failed[hook].extend(seconds);
            keep_newest(&mut self.hook_failed[hook]);
        });
        keep_newest(&mut self.killing);
    }
}

fn keep_newest<T: Ord>(seconds: &mut BTreeSet<T>) {
    while seconds.len() > MOST_SECONDS {
        seconds.pop_first();
    }
}
