//! Our Pods keep a node from being scaled down no more than a Deployment's would.
//!
//! The cluster autoscaler knows which controllers make their Pods anew, and by default ours is not among them
//! (`simulator/drainability/rules/replicated`); nor does it remove a node with local volumes that nobody has given up
//! (`rules/localstorage`). Ours hold nothing that is worth keeping a node for.

use serde_json::{Value, json};

use crate::names::{SAFE_TO_EVICT_ANNOTATION as SAFE, SAFE_VOLUMES_ANNOTATION as SAFE_VOLUMES};

/// Says to the autoscaler what it may remove together with its node: the Pod, where a Deployment's could be removed;
/// else at least `ours`, which are volumes. What the user says of the Pod stands; of all that can be said there the
/// autoscaler understands two words.
pub(crate) fn give_up(template: &mut Value, ours: &[&str]) {
    let said = template["metadata"]["annotations"][SAFE].as_str().map(str::to_owned);
    match said.as_deref() {
        Some("true") => {}
        Some("false") => give_up_volumes(template, ours),
        _ if has_local_volume(template, ours) => give_up_volumes(template, ours),
        _ => template["metadata"]["annotations"][SAFE] = json!("true"),
    }
}

/// Whether a volume other than ours keeps the node: the autoscaler takes every byte between two commas for a name.
fn has_local_volume(template: &Value, ours: &[&str]) -> bool {
    let given_up = template["metadata"]["annotations"][SAFE_VOLUMES].as_str().unwrap_or_default();
    let is_given_up = |name: &str| ours.contains(&name) || given_up.split(',').any(|given| given == name);
    let mut volumes = template["spec"]["volumes"].as_array().into_iter().flatten();
    volumes.any(|volume| is_local(volume) && !is_given_up(volume["name"].as_str().unwrap_or_default()))
}

/// Whether the autoscaler counts a volume as data of the node (`isLocalVolume` in `utils/drain`): not one in memory.
/// One without any source is an emptyDir (`SetDefaults_Volume`).
fn is_local(volume: &Value) -> bool {
    let fields = volume.as_object().into_iter().flatten();
    let mut sources = fields.filter(|(field, value)| *field != "name" && !value.is_null());
    let in_memory = volume["emptyDir"]["medium"] == "Memory";
    volume["hostPath"].is_object()
        || (volume["emptyDir"].is_object() && !in_memory)
        || sources.next().is_none()
}

/// Adds `volumes` to those that are given up. The user's own text stays as it is.
pub(super) fn give_up_volumes(template: &mut Value, volumes: &[&str]) {
    if volumes.is_empty() {
        return;
    }
    let annotations = &mut template["metadata"]["annotations"];
    let written = annotations[SAFE_VOLUMES].as_str().unwrap_or_default();
    let mut names: Vec<&str> = written.split(',').filter(|_| !written.is_empty()).collect();
    let missing: Vec<&str> = volumes.iter().copied().filter(|volume| !names.contains(volume)).collect();
    names.extend(missing);
    annotations[SAFE_VOLUMES] = json!(names.join(","));
}

#[cfg(test)]
mod autoscaler;
#[cfg(test)]
mod tests {
    use super::*;

    /// A template with these annotations and volumes, and what the autoscaler is told in both annotations.
    fn check(annotations: &Value, volumes: &Value, expect: [Option<&str>; 2]) {
        let mut template = json!({"metadata": {"annotations": annotations}, "spec": {"volumes": volumes}});
        give_up(&mut template, &["one", "two"]);
        let told = &template["metadata"]["annotations"];
        assert_eq!([told[SAFE].as_str(), told[SAFE_VOLUMES].as_str()], expect, "{annotations} {volumes}");
        let before = template.clone();
        give_up(&mut template, &["one", "two"]);
        assert_eq!(template, before, "again changes nothing");
    }

    #[test]
    fn a_pod_that_a_deployment_could_lose_is_given_up() {
        let ours = json!([{"name": "one", "emptyDir": {}}]);
        check(&Value::Null, &Value::Null, [Some("true"), None]);
        check(&json!({"other": "stays"}), &ours, [Some("true"), None]);
        check(&Value::Null, &json!([{"name": "c", "configMap": {}}]), [Some("true"), None]);
        let given_up = json!([{"name": "cache", "emptyDir": {}}]);
        check(&json!({SAFE_VOLUMES: "cache"}), &given_up, [Some("true"), Some("cache")]);
    }

    #[test]
    fn a_local_volume_of_the_users_keeps_its_node_and_none_of_ours_does() {
        for volume in [json!({"name": "data", "emptyDir": {}}), json!({"name": "data", "hostPath": {}})] {
            let volumes = json!([volume]);
            check(&Value::Null, &volumes, [None, Some("one,two")]);
            check(&json!({SAFE_VOLUMES: ""}), &volumes, [None, Some("one,two")]);
            check(&json!({SAFE_VOLUMES: "cache"}), &volumes, [None, Some("cache,one,two")]);
            check(&json!({SAFE_VOLUMES: "two,cache"}), &volumes, [None, Some("two,cache,one")]);
            // A blank before a name is a part of the name.
            check(&json!({SAFE_VOLUMES: " data"}), &volumes, [None, Some(" data,one,two")]);
        }
    }

    #[test]
    fn what_the_user_says_of_the_pod_stands() {
        let data = json!([{"name": "data", "emptyDir": {}}]);
        check(&json!({SAFE: "true"}), &data, [Some("true"), None]);
        check(&json!({SAFE: "false"}), &Value::Null, [Some("false"), Some("one,two")]);
        // The autoscaler understands no other word, and would take a Deployment's Pod.
        check(&json!({SAFE: "yes"}), &Value::Null, [Some("true"), None]);
    }

    #[test]
    fn a_template_without_metadata_gets_the_annotation_and_others_stay() {
        let mut bare = json!({"spec": {}});
        give_up(&mut bare, &[]);
        assert_eq!(bare["metadata"]["annotations"], json!({SAFE: "true"}));
        let mut other = json!({"metadata": {"annotations": {"a": "b"}}});
        give_up(&mut other, &[]);
        assert_eq!(other["metadata"]["annotations"], json!({"a": "b", SAFE: "true"}));
    }
}
