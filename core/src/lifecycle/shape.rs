//! The hooks and probes of a Pod's containers: what may run in it and what may kill it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use hooked_crd::{HandlerKind, HookKind, HookStatus};
use hooked_protocol::{IGNORE_FAILURE, Invocation, LIVE, RUNNER_PATH, TERMINATION_LOG};

use super::per_hook::PerHook;
use super::pod::{Container, Handler, ObservedPod, PodSpec, Probe};

/// What inference must know of a Pod's spec. Pods of one template share it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodShape {
    /// Seconds of grace of a stop that nothing else gives a grace.
    pub grace: i64,
    /// App containers and sidecars by name; for people also other init containers.
    pub containers: BTreeMap<Arc<str>, ContainerShape>,
}

/// What inference must know of a container's spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerShape {
    /// Its hooks.
    pub hooks: PerHook<Option<HookShape>>,
    /// The liveness probe that may kill it.
    pub liveness: Option<ProbeShape>,
    /// The startup probe that may kill it.
    pub startup: Option<ProbeShape>,
}

/// What inference must know of a probe that may kill its container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProbeShape {
    /// Seconds of grace of a stop by the probe; those of the Pod where there are none.
    pub grace: Option<i64>,
}

/// What inference must know of a hook's spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HookShape {
    /// What it does.
    pub handler: HandlerKind,
    /// Whether the runner records it in the container's termination log.
    pub recorded: bool,
    /// Whether the runner tells the operator of the run while the hook runs.
    pub live: bool,
    /// Whether the runner reports success whatever the hook does.
    pub ignored: bool,
}

/// A hook of a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hook {
    /// The container's name.
    pub container: Arc<str>,
    /// Which hook.
    pub kind: HookKind,
    /// What it does.
    pub handler: HandlerKind,
}

impl PodShape {
    /// Reads the shape of `spec`. Init containers that are no sidecars have no hooks and are left out.
    pub fn of(spec: &PodSpec) -> Self {
        let sidecars = spec.init_containers.iter().filter(|container| container.is_sidecar());
        Self::of_containers(spec, sidecars.chain(&spec.containers))
    }

    /// Reads the shape of `spec` with all of its init containers: they have no hooks, and may be killed as
    /// others are.
    pub(super) fn with_init_containers(spec: &PodSpec) -> Self {
        Self::of_containers(spec, spec.init_containers.iter().chain(&spec.containers))
    }

    fn of_containers<'a>(spec: &PodSpec, containers: impl Iterator<Item = &'a Container>) -> Self {
        let shapes =
            containers.map(|container| (container.name.as_str().into(), ContainerShape::of(container)));
        Self { grace: spec.grace(), containers: shapes.collect() }
    }

    /// What a status tells of the hooks of Pods that are gone: which containers have hooks, and of what kind.
    pub fn of_told(hooks: &[HookStatus]) -> Self {
        let mut shape = Self::default();
        for told in hooks {
            let container = shape.containers.entry(told.container.as_str().into()).or_default();
            let hook = HookShape { handler: told.handler, recorded: false, live: false, ignored: false };
            container.hooks[told.hook] = Some(hook);
        }
        shape
    }

    /// Every hook of every container, in order of their names.
    pub fn hooks(&self) -> impl Iterator<Item = Hook> + '_ {
        self.containers.iter().flat_map(|(container, shape)| {
            shape.hooks.iter().filter_map(move |(kind, hook)| {
                Some(Hook { container: Arc::clone(container), kind, handler: hook.as_ref()?.handler })
            })
        })
    }
}

impl ContainerShape {
    fn of(container: &Container) -> Self {
        let handlers = container.lifecycle.as_ref().map(|written| PerHook {
            post_start: written.post_start.as_ref(),
            pre_stop: written.pre_stop.as_ref(),
        });
        Self {
            hooks: handlers.unwrap_or_default().map(|_, handler| handler.and_then(hook_shape)),
            liveness: container.liveness_probe.map(probe_shape),
            startup: container.startup_probe.map(probe_shape),
        }
    }

    /// Whether a probe may kill it.
    pub fn killed_by_probes(&self) -> bool {
        self.liveness.is_some() || self.startup.is_some()
    }
}

impl ObservedPod {
    /// The hooks and probes of the Pod's containers.
    pub fn shape(&self) -> PodShape {
        PodShape::of(&self.spec)
    }
}

fn probe_shape(probe: Probe) -> ProbeShape {
    ProbeShape { grace: probe.termination_grace_period_seconds }
}

/// The shape of a handler; none if it is of a kind that this version does not know.
fn hook_shape(handler: &Handler) -> Option<HookShape> {
    let Handler { exec, http_get, tcp_socket, sleep } = handler;
    let native = |handler| HookShape { handler, recorded: false, live: false, ignored: false };
    Some(match (exec, http_get, tcp_socket, sleep) {
        (Some(exec), ..) => exec_shape(&exec.command),
        (_, Some(_), ..) => native(HandlerKind::HttpGet),
        (_, _, Some(_), _) => native(HandlerKind::TcpSocket),
        (.., Some(_)) => native(HandlerKind::Sleep),
        (None, None, None, None) => return None,
    })
}

/// The shape of an exec handler: what its words ask of the runner, and nothing if they call another program.
fn exec_shape(command: &[String]) -> HookShape {
    // Without the log the runner records nothing that we could read.
    let shape = |recorded, live, ignored| HookShape { handler: HandlerKind::Exec, recorded, live, ignored };
    if let Some(Ok(invocation)) = Invocation::from_command(command.iter().map(OsString::from)) {
        let Invocation { termination_log, live, ignore_failure, .. } = invocation;
        return shape(termination_log.is_some(), live.is_some(), ignore_failure);
    }
    // An operator of another version wrote words that this one cannot read: the options that it knows mean the same.
    let by_runner = command.first().is_some_and(|program| program == RUNNER_PATH);
    let options = command.iter().take_while(|word| by_runner && *word != "--");
    let has = |option| options.clone().any(|word| word == option);
    shape(has(TERMINATION_LOG), has(LIVE), has(IGNORE_FAILURE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the words ask of the runner: recorded, live, ignored.
    fn check(words: &[&str], expect: (bool, bool, bool)) {
        let command: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let HookShape { recorded, live, ignored, .. } = exec_shape(&command);
        assert_eq!((recorded, live, ignored), expect, "{words:?}");
    }

    #[test]
    fn what_the_runner_is_asked_for_is_read_from_its_word_alone() {
        check(&[RUNNER_PATH, "PreStop=web", "sh"], (false, false, false));
        check(&[RUNNER_PATH, "PreStop=web,records,log,budget=9", "sh"], (true, false, false));
        check(&[RUNNER_PATH, "PreStop=web,log=/log,live", "sh"], (true, true, false));
        check(&[RUNNER_PATH, "PostStart=web,ignore,from-the-future,live", "sh"], (false, true, true));
        check(&[RUNNER_PATH, "PostStart=web", "log,live,ignore"], (false, false, false));
        check(&["sh", "PreStop=web,log,live,ignore"], (false, false, false));
    }

    #[test]
    fn what_an_earlier_operator_asked_for_is_read_from_its_options_alone() {
        let run = [RUNNER_PATH, "run", "--container", "web", "--hook", "PreStop"];
        let with = |words: &[&'static str]| [&run[..], words].concat();
        check(&with(&["--", "sh"]), (false, false, false));
        check(&with(&["--termination-log", "/log", "--budget", "9", "--", "sh"]), (true, false, false));
        check(&with(&["--live", "/live", "--ignore-failure", "--", "sh"]), (false, true, true));
        check(&with(&["--record-dir", "--live", "--", "sh", "--ignore-failure"]), (false, false, false));
        check(
            &["sh", "--termination-log", "/log", "--live", "/live", "--ignore-failure"],
            (false, false, false),
        );
        check(&[], (false, false, false));
    }

    #[test]
    fn known_options_are_found_among_those_of_another_version() {
        let older = [RUNNER_PATH, "run", "--termination-log", "/log", "--", "sh", "--live"];
        check(&older, (true, false, false));
        let newer =
            [RUNNER_PATH, "run", "--from-the-future", "--live", "/live", "--ignore-failure", "--", "sh"];
        check(&newer, (false, true, true));
        check(&[RUNNER_PATH, "walk", "--live", "/live"], (false, true, false));
    }
}
