//! Every name that this operator puts on users' objects, in one place.
//!
//! What the API itself names is in [`hooked_crd`]: condition types in [`condition`], reasons in [`hooked_crd::Reason`].

pub use hooked_crd::condition;

/// The kind of our custom resource.
pub const KIND: &str = "HookedWorkload";
/// Its API group and version.
pub const API_VERSION: &str = "hooked.dev/v1alpha1";
/// Its name in paths of the API.
pub const PLURAL: &str = "hookedworkloads";

/// The name under which the operator writes and sends Events.
pub const FIELD_MANAGER: &str = "hooked-controller";

/// Label of Pods and revisions: the hash of the template that a Pod was made from.
/// Together with the workload's selector it says which Pods are ours, as `pod-template-hash` does for a ReplicaSet.
pub const REVISION_LABEL: &str = "hooked.dev/revision";
/// Label of Pods: the same hash, under the name by which `matchLabelKeys`, Cilium and a ReplicaSet that takes the Pods
/// over know it.
pub const TEMPLATE_HASH_LABEL: &str = "pod-template-hash";
/// Label by which StatefulSets and DaemonSets name the template that a Pod was made from.
pub const CONTROLLER_HASH_LABEL: &str = "controller-revision-hash";
/// Annotation of Pods: the number that identifies a Pod within its workload for ever, and which workload that is. As a
/// label it would cost a security identity a Pod under Cilium. Pods of the version before have the bare number in a
/// label of this name.
pub const ORDINAL: &str = "hooked.dev/ordinal";
/// Annotation of Pods that others make, followed by a hash of the workload's UID: the number that identifies the Pod
/// within the workload that watches the Pod. A Pod that several watch has one for each.
pub const WATCHED_ORDINAL: &str = "hooked.dev/ordinal-";
/// On the Pod of the operator that leads: the Service of the live channel selects it.
pub const LEADER_LABEL: &str = "hooked.dev/leader";
/// On each ControllerRevision: the UID of its workload.
pub const WORKLOAD_UID_LABEL: &str = "hooked.dev/workload-uid";
/// Label of Pods that others make and that our finalizer holds: by it those are found whose workload is gone.
pub const HELD_LABEL: &str = "hooked.dev/held";
/// Annotation of Pods that others make and into which the injector has put the hook-runner: should the runner be unable
/// to run in such a Pod, the operator deletes the Pod, so that its controller makes another without.
pub const INJECTED_ANNOTATION: &str = "hooked.dev/injected";
/// Label of namespaces, `enabled`: in Pods that others make there the injector puts what workloads ask for that watch
/// them.
pub const INJECT_LABEL: &str = "hooked.dev/inject";
/// Annotation of workloads: the revision to go back to, by its name or number; empty for the one before.
pub const ROLLBACK_ANNOTATION: &str = "hooked.dev/rollback-to";
/// Annotation of workloads: what controls the Pods that the workload is to take over, as `Deployment/NAME` or
/// `ReplicaSet/NAME`. Until that is gone no Pod is made, changed or deleted.
pub const ADOPT_FROM_ANNOTATION: &str = "hooked.dev/adopt-from";
/// Annotation of a Deployment that is to take over the Pods of a workload: the UID of that.
pub const RELEASE_FROM_ANNOTATION: &str = "hooked.dev/release-from";
/// Annotation of workloads and revisions, as of Deployments: why this revision was rolled out, in the user's words.
pub const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
/// Finalizer of Pods and workloads: it keeps them until their hook runs are counted.
pub const ACCOUNTING_FINALIZER: &str = "hooked.dev/accounting";
/// Annotation of workloads: the revision that the gate of rollouts lets through, whatever its hooks do.
pub const OPEN_GATE_ANNOTATION: &str = "hooked.dev/open-gate";
/// Annotation of Pods with the live channel: where the operator listens, as `IP:port`.
pub const LIVE_ADDRESS_ANNOTATION: &str = "hooked.dev/live-address";
/// Annotation of Pods with the live channel: the certificates that the operator's is signed by, as PEM.
pub const LIVE_CA_ANNOTATION: &str = "hooked.dev/live-ca";
/// The audience of the tokens by which Pods prove to the operator who they are, and nobody to anybody else.
pub const LIVE_AUDIENCE: &str = "hooked.dev";
/// Annotation of Pods by which the cluster autoscaler knows emptyDir volumes that keep no node from being scaled down.
pub const SAFE_VOLUMES_ANNOTATION: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
/// Annotation of Pods by which the cluster autoscaler knows that nothing about a Pod keeps its node.
pub const SAFE_TO_EVICT_ANNOTATION: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";
/// Annotation of Pods by which users say which go first where a workload is scaled down.
pub const DELETION_COST_ANNOTATION: &str = "controller.kubernetes.io/pod-deletion-cost";
/// Label of Pods that `kubectl hooked check --with-pod` makes to look, and removes again.
pub const CHECK_LABEL: &str = "hooked.dev/check";
/// Annotation of those Pods: when whoever has made one waits no longer for it, so that one which is still there is left
/// over.
pub const CHECK_UNTIL_ANNOTATION: &str = "hooked.dev/check-until";
/// The init container that copies the runner into a Pod, or tries it out there.
pub const INSTALLER_CONTAINER: &str = "hooked-install";
/// Finalizer that the API server sets for `kubectl delete --cascade=orphan`.
pub const ORPHAN_FINALIZER: &str = "orphan";
/// Finalizer that the API server sets for `kubectl delete --cascade=foreground`.
pub const FOREGROUND_FINALIZER: &str = "foregroundDeletion";

/// Volumes that Pods with the runner have.
pub mod volume {
    /// The runner itself.
    pub const RUNNER: &str = "hooked-runner";
    /// Where the runners of a Pod count executions.
    pub const RECORDS: &str = "hooked-records";
    /// How the runners of a Pod reach the operator while a hook runs.
    pub const LIVE: &str = "hooked-live";
    /// All of them.
    pub const ALL: [&str; 3] = [RUNNER, RECORDS, LIVE];
}

/// Where containers with the runner mount its volumes.
pub mod mount {
    /// The runner itself; [`hooked_protocol::RUNNER_PATH`] lies in it.
    pub const RUNNER: &str = "/.hooked/runner";
    /// Where the runners of a Pod count executions.
    pub const RECORDS: &str = hooked_protocol::RECORD_DIR;
    /// How the runners of a Pod reach the operator while a hook runs.
    pub const LIVE: &str = hooked_protocol::LIVE_DIR;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_lies_where_its_volume_is_mounted() {
        assert_eq!(hooked_protocol::RUNNER_PATH.strip_prefix(mount::RUNNER), Some("/hook-runner"));
    }
}
