//! Which operator counts. A cluster may have several, each in a namespace of its own, and two that watch the same
//! workload would make its Pods and count their hooks side by side.

use serde_json::Value;

/// The operator that counts, by the namespace that it runs in, as `status.ledger` names it. It is read of ledgers too
/// that cannot be read otherwise: those of a newer operator are none of ours.
pub fn operator_of(stored: Option<&Value>) -> Option<&str> {
    stored?["operator"].as_str().filter(|operator| !operator.is_empty())
}

/// The status of a workload with `own` as the operator that counts, if it is one of `others` so far.
pub fn taken_over(status: &Value, others: &[String], own: &str) -> Option<Value> {
    let operator = operator_of(status.get("ledger"))?;
    if operator == own || !others.iter().any(|other| other == operator) {
        return None;
    }
    let mut status = status.clone();
    status["ledger"]["operator"] = own.into();
    Some(status)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(status: &Value, others: &[&str], expect: Option<&Value>) {
        let others: Vec<String> = others.iter().map(|&other| other.to_owned()).collect();
        assert_eq!(taken_over(status, &others, "own").as_ref(), expect, "{status} {others:?}");
    }

    #[test]
    fn a_workload_is_taken_over_from_operators_that_are_named_and_from_no_other() {
        let of = |operator: &str| json!({"replicas": 3, "ledger": {"version": 9, "operator": operator}});
        check(&of("old"), &["older", "old"], Some(&of("own")));
        check(&of("old"), &["older"], None);
        check(&of("own"), &["own", "old"], None);
        check(&json!({"replicas": 3, "ledger": {"version": 3}}), &["old"], None);
        check(&json!({}), &["old"], None);
    }
}
