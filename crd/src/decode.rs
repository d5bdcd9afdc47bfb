//! Decoding of nulls, and of a status that another version of the operator, or somebody else, has written.
//!
//! All of the status but the ledger is a projection: the operator makes it anew. So what cannot be decoded of it is
//! left out, and never keeps an operator from its workload.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A field, or its default if it is null or what is there cannot be decoded.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// A field of the spec, or its default if it is null: a user may write null for absent.
pub(crate) fn null_as_absent<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The elements of a list that can be decoded; none if it is no list.
pub(crate) fn decodable<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let Value::Array(elements) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(elements.into_iter().filter_map(|element| serde_json::from_value(element).ok()).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
mod tests {
    use serde_json::{Value, json};

    use crate::status::HookedWorkloadStatus;

    fn decoded(status: &Value) -> HookedWorkloadStatus {
        serde_json::from_value(status.clone()).unwrap()
    }

    /// A status with something in every field.
    fn full() -> Value {
        json!({
            "observedGeneration": 3, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
            "availableReplicas": 1, "unavailableReplicas": 1, "terminatingReplicas": 1, "selector": "app=web",
            "currentRevision": "a", "updateRevision": "b", "collisionCount": 1,
            "conditions": [{"type": "Ready", "status": "True", "reason": "R", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            "revisions": [{"revision": "a", "number": 1, "desired": 1, "replicas": 1, "ready": 1, "available": 1}],
            "hookTotals": {"succeeded": 1}, "hooksRunning": 1, "lastHook": "PreStop/Failed",
            "hooks": [{"container": "web", "hook": "PreStop", "handler": "Exec", "succeeded": 1, "failed": 0,
                "timedOut": 0, "cancelled": 0, "skipped": 0, "unknown": 0, "kills": 0, "running": 0}],
            "kills": [{"reason": "Evicted", "count": 1}],
            "graceUsed": [{"container": "web", "stops": 1, "lastPercent": 1, "maxPercent": 1}],
            "recentRuns": [{"pod": "p", "podUID": "u", "container": "c", "restartCount": 0, "execution": 1,
                "hook": "PreStop", "handler": "Exec", "outcome": "Succeeded", "source": "Kubelet"}],
            "ledger": {"version": 2},
        })
    }

    #[test]
    fn a_field_that_cannot_be_decoded_has_its_default_and_all_others_stay() {
        let whole = serde_json::to_value(decoded(&full())).unwrap();
        let bare = serde_json::to_value(HookedWorkloadStatus::default()).unwrap();
        for field in full().as_object().unwrap().keys().filter(|field| *field != "ledger") {
            assert_ne!(whole[field], bare[field], "{field} is not in the full status");
            for strange in [Value::Null, json!([[[]]]), json!({"new": "x"}), json!(1e99), json!("New")] {
                let mut status = full();
                status[field] = strange.clone();
                let expect =
                    if strange.is_string() && whole[field].is_string() { &strange } else { &bare[field] };
                let mut found = serde_json::to_value(decoded(&status)).unwrap();
                assert_eq!(found[field], *expect, "{field} from {strange}");
                found[field] = whole[field].clone();
                assert_eq!(found, whole, "{field} from {strange} changed others");
            }
        }
    }

    /// `kubectl patch hw web --subresource=status -p …`, or the operator of a later release.
    #[test]
    fn values_of_a_later_version_leave_the_rest_of_their_lists() {
        let mut status = full();
        let add = |list: &mut Value, change: &[(&str, &str)]| {
            let mut strange = list.as_array().unwrap().last().unwrap().clone();
            for (field, value) in change {
                strange[field] = json!(value);
            }
            list.as_array_mut().unwrap().insert(0, strange);
        };
        status["lastHook"] = Value::Null;
        add(&mut status["kills"], &[("reason", "New")]);
        add(&mut status["recentRuns"], &[("outcome", "New")]);
        add(&mut status["recentRuns"], &[("duration", "a while")]);
        add(&mut status["hooks"], &[("hook", "New")]);
        add(&mut status["conditions"], &[("type", "Theirs"), ("lastTransitionTime", "never")]);
        add(&mut status["conditions"], &[("type", "Others"), ("status", "New")]);
        let (found, mut expect) = (decoded(&status), decoded(&full()));
        assert_eq!(found.conditions.len(), 2, "a condition of others that can be decoded is kept");
        (expect.last_hook, expect.conditions) = (None, found.conditions.clone());
        assert_eq!(found, expect);
    }
}
