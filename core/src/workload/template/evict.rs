//! Pods with the runner keep no node from being scaled down: our volumes hold nothing that is worth keeping a node for.

use serde_json::{Value, json};

use crate::names::SAFE_TO_EVICT_ANNOTATION as ANNOTATION;

/// Adds `volumes` to those that the autoscaler may remove together with their node. The user's own text stays as it is,
/// since the autoscaler takes every byte between two commas for a name.
pub(super) fn give_up(template: &mut Value, volumes: &[&str]) {
    let annotations = &mut template["metadata"]["annotations"];
    let written = annotations[ANNOTATION].as_str().unwrap_or_default();
    let mut names: Vec<&str> = written.split(',').filter(|_| !written.is_empty()).collect();
    let missing: Vec<&str> = volumes.iter().copied().filter(|volume| !names.contains(volume)).collect();
    names.extend(missing);
    annotations[ANNOTATION] = json!(names.join(","));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_volumes_are_given_up_beside_those_that_the_user_gives_up_and_none_is_named_twice() {
        fn check(annotations: &Value, expect: &str) {
            let mut template = json!({"metadata": {"annotations": annotations}});
            give_up(&mut template, &["one", "two"]);
            let annotations = &template["metadata"]["annotations"];
            assert_eq!(annotations[ANNOTATION], expect);
            // Again changes nothing.
            let before = template.clone();
            give_up(&mut template, &["one", "two"]);
            assert_eq!(template, before);
        }
        check(&Value::Null, "one,two");
        check(&json!({"other": "stays"}), "one,two");
        check(&json!({ANNOTATION: ""}), "one,two");
        check(&json!({ANNOTATION: "cache"}), "cache,one,two");
        check(&json!({ANNOTATION: "two,cache"}), "two,cache,one");
        check(&json!({ANNOTATION: "one,two"}), "one,two");
        check(&json!({ANNOTATION: "cache, one"}), "cache, one,one,two");
    }

    #[test]
    fn a_template_without_metadata_gets_the_annotation_and_others_stay() {
        let mut bare = json!({"spec": {}});
        give_up(&mut bare, &["one"]);
        assert_eq!(bare["metadata"]["annotations"], json!({ANNOTATION: "one"}));
        let mut other = json!({"metadata": {"annotations": {"a": "b"}}});
        give_up(&mut other, &["one"]);
        assert_eq!(other["metadata"]["annotations"], json!({"a": "b", ANNOTATION: "one"}));
    }
}
