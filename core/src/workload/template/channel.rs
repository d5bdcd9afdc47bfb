//! The live channel of a Pod: where its runners reach the operator, and how each side knows the other.
//!
//! One projected volume carries a token of the Pod, and, from annotations, the operator's address and certificates. So
//! the operator creates nothing in users' namespaces, and patches the annotations where address or certificates
//! change.

use hooked_protocol::{ADDRESS_FILE, AUTHORITIES_FILE, TOKEN_FILE};
use serde_json::{Value, json};

use super::json::append;
use crate::lifecycle::LiveEndpoint;
use crate::names;

/// Seconds for which a token is valid; the kubelet renews it well before.
const TOKEN_SECONDS: u32 = 3600;

/// Gives the Pod the volume, for those of its containers that mount it.
pub(super) fn deliver(template: &mut Value, endpoint: &LiveEndpoint) {
    let annotations = &mut template["metadata"]["annotations"];
    let mut all = annotations.as_object().cloned().unwrap_or_default();
    all.extend(endpoint.annotations());
    *annotations = Value::Object(all);
    let from = |path: &str, annotation: &str| json!({"path": path, "fieldRef": {"fieldPath": format!("metadata.annotations['{annotation}']")}});
    let items = [
        from(ADDRESS_FILE, names::LIVE_ADDRESS_ANNOTATION),
        from(AUTHORITIES_FILE, names::LIVE_CA_ANNOTATION),
    ];
    let token =
        json!({"audience": names::LIVE_AUDIENCE, "expirationSeconds": TOKEN_SECONDS, "path": TOKEN_FILE});
    let volume = json!({"name": names::volume::LIVE, "projected": {
        // A hook runs as its container's user, which may be any. What the volume holds is the Pod's own.
        "defaultMode": 0o444,
        "sources": [{"serviceAccountToken": token}, {"downwardAPI": {"items": items}}],
    }});
    append(&mut template["spec"]["volumes"], [volume]);
}

/// The mount of the volume in a container.
pub(super) fn mount() -> Value {
    json!({"name": names::volume::LIVE, "mountPath": names::mount::LIVE, "readOnly": true})
}
