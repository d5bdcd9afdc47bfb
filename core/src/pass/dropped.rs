//! Whether the definition in the cluster knows what the status says: fields that it does not know are dropped as they
//! are written, without a word.

use serde_json::Value;

/// The first field of a status that was written and is not in the reply. Of the fields at its top alone, of which there
/// are the same few whatever the workload's size: what is new below one is new in the same release as a rule, and the
/// ledger keeps whatever it is given.
pub(super) fn dropped_field<'a>(written: &'a Value, reply: &Value) -> Option<&'a str> {
    let fields = written.as_object()?;
    let mut said = fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str());
    said.find(|name| reply.get(name).is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_that_was_written_and_is_not_there_was_dropped() {
        let check = |reply: Value, expect: Option<&str>| {
            let written =
                json!({"replicas": 0, "kills": [], "selector": null, "revisions": [{"desired": 1}]});
            assert_eq!(dropped_field(&written, &reply), expect, "{reply}");
        };
        check(json!({"replicas": 0, "kills": [], "revisions": []}), None);
        check(json!({"replicas": 0, "kills": [], "revisions": [], "ofOthers": 1}), None);
        check(json!({"replicas": 0, "kills": []}), Some("revisions"));
        check(Value::Null, Some("kills"));
    }
}
