//! The plan of this house: what the rules hold it to. Whoever moves a room changes its name here.

/// The only file that writes the `status` of workloads.
pub(super) const STATUS_WRITER: &str = "core/src/pass/call.rs";

/// The only file that makes requests which create, change or delete Pods.
pub(super) const POD_WRITER: &str = "core/src/pass/call.rs";

/// The only file that knows the kubelet's words and what exit codes mean.
pub(super) const KUBELET_READER: &str = "core/src/lifecycle/kubelet.rs";
/// The rest of its room.
pub(super) const KUBELET_ROOM: &str = "core/src/lifecycle/kubelet/";

/// The only file that spells the reasons of conditions and Events.
pub(super) const REASONS: &str = "crd/src/reason.rs";

/// A file that may do what a rule forbids, and why.
pub(super) struct Exception {
    pub(super) path: &'static str,
    pub(super) why: &'static str,
}

/// Requests for Pods that the Pod writer does not make.
pub(super) const OTHER_POD_REQUESTS: [Exception; 3] = [
    Exception { path: "live/src/endpoint/route.rs", why: "labels the operator's own Pod, no workload's" },
    Exception { path: "kubectl-hooked/src/check/policies.rs", why: "asks by dry runs alone" },
    Exception {
        path: "kubectl-hooked/src/check/pod/run.rs",
        why: "makes and removes Pods of nobody's, to look",
    },
];

/// A crate that is shipped: what it may depend on, and what it must not.
pub(super) struct Room {
    /// Its directory.
    pub(super) name: &'static str,
    /// The crates of this workspace that it may depend on.
    pub(super) below: &'static [&'static str],
    /// Crates of others that it must not depend on.
    pub(super) banned: &'static [&'static str],
}

/// What only those need who act, wait or serve.
const ACTING: &[&str] =
    &["axum", "http", "kube", "kube-runtime", "nix", "prometheus", "rustix", "tokio", "tracing"];

/// Crates that are shipped, from the lowest to the highest. One that does not exist (yet, or any more) is passed over.
pub(super) const SHIPPED: [Room; 7] = [
    Room { name: "protocol", below: &[], banned: ACTING },
    Room {
        name: "crd",
        below: &["hooked-protocol"],
        banned: &["futures", "kube-runtime", "prometheus", "tokio"],
    },
    Room { name: "hook-runner", below: &["hooked-protocol"], banned: &["kube", "tokio"] },
    Room { name: "core", below: &["hooked-crd", "hooked-protocol"], banned: ACTING },
    Room { name: "live", below: &["hooked-crd", "hooked-protocol", "hooked-core"], banned: &["prometheus"] },
    Room {
        name: "controller",
        below: &["hooked-crd", "hooked-protocol", "hooked-core", "hooked-live"],
        banned: &[],
    },
    Room { name: "kubectl-hooked", below: &["hooked-crd", "hooked-core"], banned: &["prometheus"] },
];

/// Crates of which the plugin is made, which is built for Windows too.
pub(super) const PORTABLE: [&str; 4] = ["crd", "protocol", "core", "kubectl-hooked"];

/// Directories whose modules ARCHITECTURE.md names one by one.
pub(super) const MAPPED: [&str; 5] =
    ["core/src", "controller/src", "live/src", "protocol/src", "simulation/src"];

/// The most lines of a file.
pub(super) const FILE_LINES: usize = 400;

/// The most lines of a function; `too-many-lines-threshold` in clippy.toml is the same.
pub(super) const FUNCTION_LINES: usize = 60;

/// The most columns of a line.
pub(super) const COLUMNS: usize = 120;
