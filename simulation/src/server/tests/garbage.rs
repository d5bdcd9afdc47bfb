//! The garbage collector.

use serde_json::json;

use super::*;

fn owned_by(owner: &Value, blocks: bool) -> Value {
    let metadata = &owner["metadata"];
    json!({"ownerReferences": [{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": metadata["name"], "uid": metadata["uid"],
        "controller": true, "blockOwnerDeletion": blocks,
    }]})
}

/// An owner `w`, its Pods `a` and `b`, a stranger `c`.
fn family(blocks: bool) -> Story {
    let mut story = Story::new();
    let owner = story.create(WORKLOADS, json!({"metadata": {"name": "w"}}));
    for name in ["a", "b"] {
        story.create(PODS, pod_with(name, &owned_by(&owner, blocks)));
    }
    story.create(PODS, pod("c"));
    story
}

fn delete(story: &mut Story, propagation: &str) {
    story.done(&Request::delete(format!("{WORKLOADS}/w"), Some(json!({"propagationPolicy": propagation}))));
}

/// What there is after each step of the garbage collector.
fn steps(story: &mut Story) -> Vec<String> {
    let mut steps = Vec::new();
    while story.server.collect_garbage(at(story.second)) {
        let all = [format!("{WORKLOADS}/w"), format!("{PODS}/a"), format!("{PODS}/b"), format!("{PODS}/c")];
        let there = all.iter().filter(|path| story.exists(path)).map(|path| path.rsplit('/').next().unwrap());
        steps.push(there.collect());
    }
    steps
}

#[test]
fn dependents_of_an_absent_owner_are_deleted_one_by_one() {
    let mut story = family(true);
    assert_eq!(steps(&mut story), [""; 0]);
    delete(&mut story, "Background");
    assert_eq!(steps(&mut story), ["bc", "c"]);
}

#[test]
fn an_owner_in_another_namespace_is_no_owner() {
    let mut story = Story::new();
    let owner = story.create(WORKLOADS, json!({"metadata": {"name": "w"}}));
    story.create("/api/v1/namespaces/other/pods", pod_with("a", &owned_by(&owner, true)));
    assert!(story.server.collect_garbage(at(0)));
    assert!(!story.exists("/api/v1/namespaces/other/pods/a"));
}

#[test]
fn in_the_foreground_the_owner_goes_last() {
    let mut story = family(true);
    delete(&mut story, "Foreground");
    assert_eq!(steps(&mut story), ["wbc", "wc", "c"]);
    let mut held = family(true);
    held.merge(&format!("{PODS}/a"), json!({"metadata": {"finalizers": ["a.b/c"]}}));
    delete(&mut held, "Foreground");
    assert_eq!(steps(&mut held), ["wabc", "wac"]);
    held.merge(&format!("{PODS}/a"), json!({"metadata": {"finalizers": []}}));
    assert_eq!(steps(&mut held), ["c"]);
}

#[test]
fn a_foreground_deletion_waits_for_none_that_do_not_block_it() {
    let mut story = family(false);
    for name in ["a", "b"] {
        story.merge(&format!("{PODS}/{name}"), json!({"metadata": {"finalizers": ["a.b/c"]}}));
    }
    delete(&mut story, "Foreground");
    assert_eq!(steps(&mut story), ["wabc", "wabc", "abc"]);
}

#[test]
fn orphans_lose_their_owner_before_it_goes() {
    let mut story = family(true);
    delete(&mut story, "Orphan");
    assert_eq!(steps(&mut story), ["wabc", "wabc", "abc"]);
    let left = story.server.object(&format!("{PODS}/a")).unwrap();
    assert_eq!(left["metadata"]["ownerReferences"], Value::Null);
}

#[test]
fn an_object_with_another_owner_only_loses_the_absent_one() {
    let mut story = family(true);
    let other = story.create(DEPLOYMENTS, json!({"metadata": {"name": "d"}}));
    let mut both = owned_by(&other, true);
    both["ownerReferences"][0]["controller"] = json!(false);
    let pods_own =
        story.server.object(&format!("{PODS}/a")).unwrap()["metadata"]["ownerReferences"][0].clone();
    both["ownerReferences"].as_array_mut().unwrap().push(pods_own);
    story.merge(&format!("{PODS}/a"), json!({"metadata": both}));
    delete(&mut story, "Background");
    assert_eq!(steps(&mut story), ["abc", "ac"]);
    let left = &story.server.object(&format!("{PODS}/a")).unwrap()["metadata"]["ownerReferences"];
    assert_eq!((left.as_array().unwrap().len(), &left[0]["name"]), (1, &json!("d")));
}
