//! Parts of the status whose lists have keys, so that server-side apply and clients can tell their entries apart.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::status::{GraceUse, HookStatus, KillStatus, RevisionStatus};

/// `status.conditions`, as `metav1.Condition` is written in API types.
pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["lastTransitionTime", "message", "reason", "status", "type"],
            "properties": {
                "type": {"type": "string", "description": "What the condition is about."},
                "status": {"type": "string", "description": "Whether the condition holds: True, False or Unknown."},
                "reason": {"type": "string", "description": "Why the condition has its status, as one word that programs can rely on; docs/reference/reasons.md lists all."},
                "message": {"type": "string", "description": "Why the condition has its status, in words."},
                "lastTransitionTime": {"type": "string", "format": "date-time", "description": "When the status last changed."},
                "observedGeneration": {"type": "integer", "format": "int64", "description": "The generation of the spec that the condition is about."},
            },
        },
    })
}

/// `status.revisions`: one entry for each revision.
pub(crate) fn revisions(generator: &mut SchemaGenerator) -> Schema {
    map_list(&generator.subschema_for::<RevisionStatus>(), &["revision"])
}

/// `status.hooks`: one entry for each container and hook.
pub(crate) fn hooks(generator: &mut SchemaGenerator) -> Schema {
    map_list(&generator.subschema_for::<HookStatus>(), &["container", "hook"])
}

/// `status.kills`: one entry for each reason.
pub(crate) fn kills(generator: &mut SchemaGenerator) -> Schema {
    map_list(&generator.subschema_for::<KillStatus>(), &["reason"])
}

/// `status.graceUsed`: one entry for each container.
pub(crate) fn grace_used(generator: &mut SchemaGenerator) -> Schema {
    map_list(&generator.subschema_for::<GraceUse>(), &["container"])
}

/// `status.ledger`: the operator's own, so the API server keeps it as it is.
pub(crate) fn ledger(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

fn map_list(items: &Schema, keys: &[&str]) -> Schema {
    json_schema!({
        "type": "array",
        "items": items,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": keys,
    })
}
