//! In which form the API server takes Pods of others with the runner, as dry runs have shown.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::forms::Form;
use crate::names;

/// How long it is believed in which form Pods are taken: policies may be changed meanwhile.
const BELIEVED: SignedDuration = SignedDuration::from_mins(5);
/// How long it is believed that they are taken in no form: a quota may be full at the moment.
const REFUSED: SignedDuration = SignedDuration::from_secs(15);
/// Controllers that are remembered: Jobs come and go.
const MOST: usize = 4096;
/// The name of a Pod that is only asked about.
const NAME: &str = "hooked-injector-check";

/// What Pods are alike: those of one controller that are of one template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kindred {
    controller: String,
    template: String,
}

/// What the API server says to Pods with the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It takes them in this form.
    As(Form),
    /// It takes them in no form.
    InNone,
}

/// What the API server says, as far as it was asked, and until when that is believed.
#[derive(Debug, Default)]
pub(super) struct Trials(BTreeMap<Kindred, (Taken, Timestamp)>);

impl Kindred {
    /// That of a Pod; none if nobody controls it.
    pub(super) fn of(pod: &Value) -> Option<Self> {
        let metadata = &pod["metadata"];
        let owners = metadata["ownerReferences"].as_array()?;
        let controller = owners.iter().find(|owner| owner["controller"] == true)?["uid"].as_str()?;
        let labels = [names::TEMPLATE_HASH_LABEL, names::CONTROLLER_HASH_LABEL];
        let template = labels.iter().find_map(|label| metadata["labels"][label].as_str());
        Some(Self { controller: controller.to_owned(), template: template.unwrap_or_default().to_owned() })
    }
}

impl Trials {
    /// What the API server says to Pods like that; none if that is to be asked.
    pub(super) fn known(&self, kindred: &Kindred, now: Timestamp) -> Option<Taken> {
        self.0.get(kindred).filter(|(_, until)| now < *until).map(|(taken, _)| *taken)
    }

    /// Takes in what the API server has said.
    pub(super) fn learn(&mut self, kindred: Kindred, taken: Taken, now: Timestamp) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let believed = if taken == Taken::InNone { REFUSED } else { BELIEVED };
        self.0.insert(kindred, (taken, now.checked_add(believed).unwrap_or(now)));
    }
}

/// A Pod that is only asked about: it is nobody's, so that nobody, this injector least of all, takes it for one of
/// theirs.
pub(super) fn question(pod: &Value) -> Value {
    let mut question = pod.clone();
    if let Some(metadata) = question["metadata"].as_object_mut() {
        let kept = |field: &str| matches!(field, "labels" | "annotations");
        metadata.retain(|field, _| kept(field));
        metadata.insert("name".to_owned(), json!(NAME));
    }
    if let Some(pod) = question.as_object_mut() {
        pod.remove("status");
    }
    question
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::template::Delivery;

    const FORM: Form = Form { delivery: Delivery::InitContainer, live: false };

    fn pod(labels: &Value) -> Value {
        json!({
            "metadata": {"generateName": "web-", "labels": labels, "finalizers": ["theirs"],
                         "ownerReferences": [{"uid": "other"}, {"uid": "set-1", "controller": true}]},
            "spec": {"containers": []}, "status": {},
        })
    }

    #[test]
    fn pods_of_one_template_are_asked_about_once_for_a_while() {
        let (now, later) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        let kindred = |hash: &str| Kindred::of(&pod(&json!({"controller-revision-hash": hash}))).unwrap();
        let mut trials = Trials::default();
        assert_eq!(trials.known(&kindred("a"), now), None);
        trials.learn(kindred("a"), Taken::As(FORM), now);
        trials.learn(kindred("b"), Taken::InNone, now);
        assert_eq!(trials.known(&kindred("a"), later), Some(Taken::As(FORM)));
        assert_eq!(
            (trials.known(&kindred("b"), now), trials.known(&kindred("b"), later)),
            (Some(Taken::InNone), None)
        );
        assert_eq!(trials.known(&kindred("a"), Timestamp::from_second(300).unwrap()), None);
        assert_eq!(Kindred::of(&json!({"metadata": {}})), None);
    }

    #[test]
    fn a_pod_that_is_only_asked_about_is_nobodys() {
        let question = question(&pod(&json!({"app": "web"})));
        assert_eq!(question["metadata"], json!({"name": NAME, "labels": {"app": "web"}}));
        assert_eq!(question["spec"], json!({"containers": []}));
        assert!(question["status"].is_null());
    }
}
