//! What kubelet and container runtimes say where the hook-runner itself cannot be pulled, mounted or executed.
//!
//! Sources: `pkg/kubelet/images/types.go`, `toKubeContainerImageVolumes` in `pkg/kubelet/kuberuntime` and
//! `cri-client/pkg/remote_runtime.go` of Kubernetes 1.36; `internal/cri/server` of containerd 2.4;
//! `libcontainer/setns_init_linux.go` of runc; `src/libcrun/error.c` and `linux.c` of crun.

use hooked_protocol::RUNNER_PATH;
use jiff::{SignedDuration, Timestamp};

use crate::lifecycle::{ContainerStatus, Inability, ObservedPod, PodStatus};
use crate::names::{INSTALLER_CONTAINER, volume};

/// Reasons of a container that waits for an image which cannot be had.
const NOT_PULLED: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];
/// Reason of a container that waits for init containers.
const INITIALIZING: &str = "PodInitializing";
/// Those of them that no time mends.
const NEVER_PULLED: [&str; 2] = ["ErrImageNeverPull", "InvalidImageName"];
/// For so long after the Pod came to its node other failures to pull may pass.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// Reasons of an end that says nothing of the program: all containers were restarted, or the node has lost it.
const NOT_ITS_OWN: [&str; 2] = ["RestartingAllContainers", "ContainerStatusUnknown"];
/// Reasons of a container that the runtime does not make or start.
const NOT_MADE: [&str; 2] = ["CreateContainerError", "RunContainerError"];
/// How an error of the runtime begins that is about an image volume (`cri-api/pkg/errors`).
const NO_IMAGE_VOLUME: &str = "ImageVolumeMountFailed";
/// What runtimes say that do not know image volumes, and so take them for directories of the node without a name:
/// containerd and CRI-O of before.
const NAMELESS: [&str; 2] = ["failed to mkdir \"\"", "HostPath is empty"];
/// Where all of our volumes are mounted.
const OUR_MOUNTS: &str = "/.hooked/";
/// The program of the init container, in the runner's image, and how [`RUNNER_PATH`] ends, where the container runs it.
const INSTALLER: &str = "/hook-runner";
/// What a kubelet says of a runner that does not know the words it was given, and what such a runner prints.
const MISUSED: &str = " exited with 125";
const USAGE: &str = "hook-runner: usage:";
/// What the init container ends with where it finds that the program may not be executed.
const NOT_EXECUTABLE: i32 = 126;
/// After so many failures of the init container it is not a moment's trouble, whatever it is.
const AGAIN_AND_AGAIN: u32 = 3;
/// So many bytes after the program's path its error is looked for.
const NEAR: usize = 120;

/// Why the hook-runner cannot run in a Pod that has it, if the Pod's status shows that, as it is seen `now`.
pub fn inability(pod: &ObservedPod, now: Timestamp) -> Option<Inability> {
    let is_patient = !is_past_patience(pod, now);
    let of_containers = || pod.container_statuses().find_map(|status| of_container(pod, status));
    let found = installer(pod).and_then(of_installer).or_else(of_containers)?;
    (found != Inability::NotPulled || !is_patient || is_never_pulled(pod)).then_some(found)
}

/// Whether the init container that brings or tries the runner has ended well: what befell it before was passing.
pub fn has_installed(pod: &ObservedPod) -> bool {
    let ended = installer(pod).and_then(|status| status.state.terminated.as_ref());
    ended.is_some_and(|ended| ended.exit_code == 0)
}

/// Whether a container has run in the Pod that waits now for its init containers or an image, as after a reboot of its
/// node.
pub fn begins_again(status: &PodStatus) -> bool {
    status.container_statuses.iter().any(|container| {
        let has_run = container.restart_count > 0 || container.last_state.terminated.is_some();
        let waiting = container.state.waiting.as_ref().map(|waiting| &*waiting.reason);
        has_run && waiting.is_some_and(|reason| reason == INITIALIZING || NOT_PULLED.contains(&reason))
    })
}

fn installer(pod: &ObservedPod) -> Option<&ContainerStatus> {
    pod.status.init_container_statuses.iter().find(|status| status.name == INSTALLER_CONTAINER)
}

/// A registry may be slow, ask to be asked less often, or be gone for a moment, and the kubelet limits its own pulls.
fn is_past_patience(pod: &ObservedPod, now: Timestamp) -> bool {
    let bound = pod.status.true_since("PodScheduled").or(pod.created);
    let until = bound.and_then(|bound| bound.checked_add(PATIENCE).ok());
    until.is_none_or(|until| now >= until)
}

/// Whether no time helps a container whose image cannot be had.
fn is_never_pulled(pod: &ObservedPod) -> bool {
    let all = pod.status.init_container_statuses.iter().chain(pod.container_statuses());
    let mut waiting = all.filter_map(|status| status.state.waiting.as_ref());
    waiting.any(|waiting| NEVER_PULLED.contains(&&*waiting.reason))
}

/// The init container runs nothing but ours: whatever keeps it from ending well keeps the runner out.
fn of_installer(status: &ContainerStatus) -> Option<Inability> {
    if let Some(waiting) = &status.state.waiting {
        if NOT_PULLED.contains(&&*waiting.reason) {
            return Some(Inability::NotPulled);
        }
        let is_told = NOT_MADE.contains(&&*waiting.reason);
        if let Some(known) = of_program(&waiting.message, INSTALLER).filter(|_| is_told) {
            return Some(known);
        }
    }
    let mut instances = [&status.state, &status.last_state].into_iter();
    let ended = instances.find_map(|state| state.terminated.as_ref())?;
    if ended.exit_code == 0 || NOT_ITS_OWN.contains(&&*ended.reason) {
        return None;
    }
    let is_for_good = ended.exit_code == NOT_EXECUTABLE || status.restart_count >= AGAIN_AND_AGAIN;
    of_program(&ended.message, INSTALLER).or_else(|| is_for_good.then_some(Inability::NotInstalled))
}

/// A container into which the runner comes by an image volume, or whose postStart the runner was to run.
fn of_container(pod: &ObservedPod, status: &ContainerStatus) -> Option<Inability> {
    let waiting = status.state.waiting.as_ref()?;
    let (reason, message) = (&*waiting.reason, &*waiting.message);
    if let Some(known) = of_hook(message) {
        return Some(known);
    }
    let mut volumes = pod.spec.volumes.iter();
    let ours = volumes.find(|known| known.name == volume::RUNNER)?.image.as_ref()?;
    let is_alone = pod.spec.volumes.iter().filter(|known| known.image.is_some()).count() == 1;
    if NOT_PULLED.contains(&reason) {
        // The container's own image may be the one that cannot be pulled.
        let mut containers = pod.spec.init_containers.iter().chain(&pod.spec.containers);
        let own = containers.find(|known| known.name == status.name).map_or("", |known| known.image.as_str());
        let is_own = !ours.reference.contains(own) && message.contains(own);
        return (message.contains(&ours.reference) && !is_own).then_some(Inability::NotPulled);
    }
    let is_ours = message.contains(OUR_MOUNTS) || message.contains(&ours.reference) || is_alone;
    let is_of_volume =
        message.starts_with(NO_IMAGE_VOLUME) || NAMELESS.iter().any(|said| message.contains(said));
    let is_refused = (is_of_volume && is_ours) || message.contains(OUR_MOUNTS);
    (NOT_MADE.contains(&reason) && is_refused).then_some(Inability::NotMounted)
}

/// Why the runner could not be executed for a hook that has failed, if the kubelet's message says that. A hook that
/// the runner has run and that failed for such a reason itself is no matter of the runner.
pub(super) fn of_hook(message: &str) -> Option<Inability> {
    let (_, error) = message.split_once(" failed - error: ")?;
    if !error.starts_with("command '") {
        return of_program(error.split(", message: ").next()?, RUNNER_PATH);
    }
    // runc had given its channel to the operator's program up by then: the words come as the hook's output.
    let (error, output) = error.split_once(", message: ")?;
    let output = output.trim_start_matches('"');
    if error.contains(MISUSED) && output.starts_with(USAGE) {
        return Some(Inability::Outdated);
    }
    let line = output.strip_prefix("exec ")?.split("\\n").next()?;
    of_program(line, RUNNER_PATH).filter(|_| line.starts_with(RUNNER_PATH))
}

/// What a runtime says of a program, named by its path and followed by the error: of a hook's words no path is.
fn of_program(text: &str, path: &str) -> Option<Inability> {
    let mentions = text.match_indices(path).map(|(at, _)| &text[at + path.len()..]);
    let mut told = mentions.filter(|rest| rest.starts_with(['"', '\\', ':', '`', '\'']));
    told.find_map(|rest| {
        let near = (0..=NEAR.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end));
        of_words(&rest[..near.unwrap_or(0)].to_ascii_lowercase())
    })
}

fn of_words(words: &str) -> Option<Inability> {
    let says = |these: &[&str]| these.iter().any(|those| words.contains(those));
    if says(&["exec format error"]) {
        Some(Inability::OtherArchitecture)
    } else if says(&["permission denied", "operation not permitted"]) {
        Some(Inability::Forbidden)
    } else if says(&["no such file or directory", "not found"]) {
        Some(Inability::Missing)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
