//! What programs leave in their termination logs: the hook-runner's records of hooks, each of which has taken a moment
//! and succeeded, and its word that it runs at all. Nothing, where the runner is not called.

use std::ffi::OsString;

use hooked_protocol::{Ending, Exit, Hook, Invocation, MAX_LINE, Outcome, Record, RunId, State, own_check};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, ContainerStateRunning, Pod};
use kube::ResourceExt;

/// How long a hook takes, in microseconds.
const MOMENT: u64 = 4000;
/// What the program of an init container ends with that copies the runner, or tries it out.
const RUNNER: &str = "hook-runner";

/// What an init container leaves.
pub(super) fn of_init(container: &Container) -> Option<String> {
    let mut words = container.command.iter().chain(&container.args).flatten();
    words.any(|word| word.ends_with(RUNNER)).then(own_check)
}

/// What the hooks of a container leave that is stopped now.
pub(super) fn of_hooks(
    pod: &Pod,
    container: &Container,
    running: &ContainerStateRunning,
    now: Timestamp,
) -> Option<String> {
    let lifecycle = container.lifecycle.as_ref()?;
    let began = running.started_at.as_ref().map_or(now, |started| started.0);
    let hooks = [(Hook::PostStart, &lifecycle.post_start, began), (Hook::PreStop, &lifecycle.pre_stop, now)];
    let lines = hooks.into_iter().filter_map(|(hook, handler, start)| {
        let command = handler.as_ref()?.exec.as_ref()?.command.as_ref()?;
        let invocation = Invocation::from_command(command.iter().map(OsString::from))?.ok()?;
        invocation.termination_log.as_ref()?;
        record(pod, &invocation, hook, start).to_line(invocation.budget.unwrap_or(MAX_LINE))
    });
    let lines: String = lines.collect();
    (!lines.is_empty()).then_some(lines)
}

fn record(pod: &Pod, invocation: &Invocation, hook: Hook, start: Timestamp) -> Record {
    let mut state = State::default();
    // The first execution of a hook can be counted.
    let execution = state.begin().unwrap_or_default();
    state.end(execution, Outcome::Succeeded);
    let ending = Ending {
        outcome: Outcome::Succeeded,
        exit: Some(Exit::Code(0)),
        duration: MOMENT,
        attempts: 1,
        message: String::new(),
        output: String::new(),
    };
    Record {
        run: run(pod, hook),
        container: invocation.container.clone(),
        hook,
        start: u64::try_from(start.as_microsecond()).unwrap_or_default(),
        numbering: Some(state.numbering(execution)),
        ending: Some(ending),
    }
}

/// As different from all others as the Pod's UID is.
fn run(pod: &Pod, hook: Hook) -> RunId {
    let uid = pod.uid().unwrap_or_default().replace('-', "");
    let RunId(mut id) = RunId::from_hex(&uid).unwrap_or(RunId([0; 16]));
    id[0] ^= u8::from(hook == Hook::PreStop);
    RunId(id)
}
