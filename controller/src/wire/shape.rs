//! Which fields of an object are read: their numbers in protobuf and their names in JSON.
//!
//! The numbers are those of Kubernetes 1.36, which never change: `staging/src/k8s.io/api/core/v1/generated.proto` and
//! `staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto`. Which fields are read, `SlimPod` and `SlimEvent`
//! in `core/src/watch` say: a test finds each that is not in here.

use Kind::{Bool, Int, IntUnlessZero, Items, Map, MicroTime, Object, Objects, Splice, Text, Texts, Time};

/// The fields of a message that are read.
pub(super) type Shape = &'static [Field];

/// A field: its number in protobuf, its name in JSON, and how both write it.
pub(super) type Field = (u64, &'static str, Kind);

/// How a field is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A text, which JSON leaves out where it is empty.
    Text,
    /// A number, which protobuf leaves out where there is none.
    Int,
    /// A number, which JSON leaves out where it is zero.
    IntUnlessZero,
    /// A truth, which protobuf leaves out where there is none.
    Bool,
    /// A time in whole seconds, which is an empty message where there is none.
    Time,
    /// The same with its microseconds.
    MicroTime,
    /// An object.
    Object(Shape),
    /// A message of protobuf whose fields stand beside the others in JSON.
    Splice(Shape),
    /// Texts, each as it is.
    Texts,
    /// Objects.
    Objects(Shape),
    /// The objects of a list, which JSON has even where there are none.
    Items(Shape),
    /// Texts by names.
    Map,
}

/// How an object of a kind is written; nothing of a kind that nobody asks for.
pub(super) fn of_kind(kind: &[u8]) -> Option<Shape> {
    Some(match kind {
        b"Pod" => POD,
        b"PodList" => &[(1, "metadata", Object(LIST_META)), (2, "items", Items(POD))],
        b"Event" => EVENT,
        b"EventList" => &[(1, "metadata", Object(LIST_META)), (2, "items", Items(EVENT))],
        b"PartialObjectMetadata" => METADATA,
        b"PartialObjectMetadataList" => &[(1, "metadata", Object(LIST_META)), (2, "items", Items(METADATA))],
        b"Status" => STATUS,
        _ => return None,
    })
}

const METADATA: Shape = &[(1, "metadata", Object(META))];

const META: Shape = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (5, "uid", Text),
    (6, "resourceVersion", Text),
    (7, "generation", IntUnlessZero),
    (8, "creationTimestamp", Time),
    (9, "deletionTimestamp", Time),
    (10, "deletionGracePeriodSeconds", Int),
    (11, "labels", Map),
    (12, "annotations", Map),
    (13, "ownerReferences", Objects(OWNER)),
    (14, "finalizers", Texts),
];

const OWNER: Shape = &[
    (1, "kind", Text),
    (3, "name", Text),
    (4, "uid", Text),
    (5, "apiVersion", Text),
    (6, "controller", Bool),
    (7, "blockOwnerDeletion", Bool),
];

const LIST_META: Shape =
    &[(2, "resourceVersion", Text), (3, "continue", Text), (4, "remainingItemCount", Int)];

const POD: Shape =
    &[(1, "metadata", Object(META)), (2, "spec", Object(POD_SPEC)), (3, "status", Object(POD_STATUS))];

const POD_SPEC: Shape = &[
    (1, "volumes", Objects(VOLUME)),
    (2, "containers", Objects(CONTAINER)),
    (4, "terminationGracePeriodSeconds", Int),
    (10, "nodeName", Text),
    (20, "initContainers", Objects(CONTAINER)),
    (29, "runtimeClassName", Text),
];

const VOLUME: Shape =
    &[(1, "name", Text), (2, "volumeSource", Splice(&[(30, "image", Object(&[(1, "reference", Text)]))]))];

const CONTAINER: Shape = &[
    (1, "name", Text),
    (2, "image", Text),
    (10, "livenessProbe", Object(PROBE)),
    (12, "lifecycle", Object(&[(1, "postStart", Object(HANDLER)), (2, "preStop", Object(HANDLER))])),
    (22, "startupProbe", Object(PROBE)),
    (24, "restartPolicy", Text),
];

const PROBE: Shape = &[(7, "terminationGracePeriodSeconds", Int)];

const HANDLER: Shape = &[
    (1, "exec", Object(&[(1, "command", Texts)])),
    (2, "httpGet", Object(&[])),
    (3, "tcpSocket", Object(&[])),
    (4, "sleep", Object(&[])),
];

const POD_STATUS: Shape = &[
    (1, "phase", Text),
    (2, "conditions", Objects(CONDITION)),
    (4, "reason", Text),
    (8, "containerStatuses", Objects(CONTAINER_STATUS)),
    (10, "initContainerStatuses", Objects(CONTAINER_STATUS)),
];

const CONDITION: Shape = &[
    (1, "type", Text),
    (2, "status", Text),
    (4, "lastTransitionTime", Time),
    (5, "reason", Text),
    (6, "message", Text),
];

const CONTAINER_STATUS: Shape = &[
    (1, "name", Text),
    (2, "state", Object(STATE)),
    (3, "lastState", Object(STATE)),
    (5, "restartCount", Int),
    (8, "containerID", Text),
];

const STATE: Shape = &[
    (1, "waiting", Object(&[(1, "reason", Text), (2, "message", Text)])),
    (2, "running", Object(&[(1, "startedAt", Time)])),
    (3, "terminated", Object(TERMINATED)),
];

const TERMINATED: Shape = &[
    (1, "exitCode", Int),
    (3, "reason", Text),
    (4, "message", Text),
    (5, "startedAt", Time),
    (6, "finishedAt", Time),
    (7, "containerID", Text),
];

const EVENT: Shape = &[
    (1, "metadata", Object(META)),
    (2, "involvedObject", Object(&[(4, "uid", Text), (7, "fieldPath", Text)])),
    (3, "reason", Text),
    (4, "message", Text),
    (5, "source", Object(&[(1, "component", Text)])),
    (6, "firstTimestamp", Time),
    (7, "lastTimestamp", Time),
    (10, "eventTime", MicroTime),
    (14, "reportingComponent", Text),
];

const STATUS: Shape = &[
    (1, "metadata", Object(LIST_META)),
    (2, "status", Text),
    (3, "message", Text),
    (4, "reason", Text),
    (5, "details", Object(STATUS_DETAILS)),
    (6, "code", IntUnlessZero),
];

const STATUS_DETAILS: Shape = &[
    (1, "name", Text),
    (2, "group", Text),
    (3, "kind", Text),
    (4, "causes", Objects(&[(1, "reason", Text), (2, "message", Text), (3, "field", Text)])),
    (5, "retryAfterSeconds", IntUnlessZero),
    (6, "uid", Text),
];
