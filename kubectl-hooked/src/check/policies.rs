//! Whether the namespace takes Pods with the runner: tried by dry runs, of which nothing stays.

use hooked_core::workload::template::Delivery;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::Value;

use super::finding::{Check, Finding};
use super::rights::{self, Right};
use super::settings::Injection;
use super::template;
use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

/// What the API server says to a Pod.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Taken(Value),
    /// In its words.
    Refused(String),
}

/// What it says to Pods without and with the runner.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    plain: Answer,
    image_volume: Answer,
    init_container: Answer,
    /// By an init container, with the live channel's volume.
    live: Answer,
}

impl Trial {
    /// The Secrets that a Pod gets for its images without naming any: those of its `ServiceAccount`.
    pub(super) fn pull_secrets(&self) -> Vec<String> {
        let Answer::Taken(pod) = &self.plain else { return Vec::new() };
        let named = pod["spec"]["imagePullSecrets"].as_array().into_iter().flatten();
        named.filter_map(|secret| secret["name"].as_str().map(str::to_owned)).collect()
    }
}

/// Tries them all.
pub(super) async fn fetch(connection: &Connection, image: &str) -> Result<Trial, RequestError> {
    let namespace = &connection.namespace;
    let mine = vec![Right::of("", "pods", "create").within(namespace)];
    if !rights::missing(connection, mine).await?.is_empty() {
        let (verb, place) = ("create", format!("namespace {namespace}"));
        return Err(RequestError::Forbidden { verb, resource: "pods", place, role: "edit" });
    }
    let with = |delivery, live| template::with_runner(image, delivery, live).unwrap_or_default();
    Ok(Trial {
        plain: ask(connection, &template::plain(image)).await?,
        image_volume: ask(connection, &with(Delivery::ImageVolume, false)).await?,
        init_container: ask(connection, &with(Delivery::InitContainer, false)).await?,
        live: ask(connection, &with(Delivery::InitContainer, true)).await?,
    })
}

async fn ask(connection: &Connection, template: &Value) -> Result<Answer, RequestError> {
    let namespace = &connection.namespace;
    let request = Request { verb: "create", asked: Asked::Pod, name: "", namespace };
    let pod = serde_json::from_value(template::pod(template, "hooked-check"));
    let pod: Pod = pod.map_err(|error| request.failed(&kube::Error::SerdeError(error)))?;
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), namespace);
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    match pods.create(&dry, &pod).await {
        Ok(taken) => Ok(Answer::Taken(serde_json::to_value(taken).unwrap_or_default())),
        Err(kube::Error::Api(status)) if status.code < 500 && status.code != 401 => {
            Ok(Answer::Refused(status.message.clone()))
        }
        Err(error) => Err(request.failed(&error)),
    }
}

/// What is found, where the runner is to come so: `by_volume` says whether all nodes mount images.
pub(super) fn finding(
    fetched: &Result<Trial, RequestError>,
    namespace: &str,
    injection: Injection,
    by_volume: bool,
) -> Finding {
    let check = Check::Policies;
    let trial = match fetched {
        Ok(trial) => trial,
        Err(error) => return Finding::unanswered(check, error),
    };
    if let Answer::Refused(words) = &trial.plain {
        return Finding::unknown(
            check,
            format!("namespace {namespace} refuses even a Pod without the runner: {words}"),
        );
    }
    let volume = refusal(&trial.image_volume, true);
    let container = refusal(&trial.init_container, false);
    let comes_by_volume = by_volume || injection == Injection::ImageVolume;
    match (injection, volume, container) {
        (Injection::Auto, Some(one), Some(other)) => refused(namespace, &format!("{one}; and {other}")),
        (Injection::ImageVolume, Some(words), _) | (Injection::InitContainer, _, Some(words)) => {
            refused(namespace, &words)
        }
        (Injection::Auto, Some(words), None) if comes_by_volume => Finding::warning(
            check,
            format!("namespace {namespace} refuses image volumes, and takes init containers: {words}"),
            "run the operator with --injection=InitContainer where it does not take them by itself, or have the policy take \
             image volumes",
        ),
        (Injection::Auto, None, Some(words)) if !comes_by_volume => refused(namespace, &words),
        _ => channel(trial, namespace),
    }
}

/// The Pod is taken with the runner: is it with the live channel too?
fn channel(trial: &Trial, namespace: &str) -> Finding {
    match (&trial.live, &trial.init_container) {
        (Answer::Refused(words), Answer::Taken(_)) => Finding::warning(
            Check::Policies,
            format!("namespace {namespace} takes the runner, and refuses the live channel's volume: {words}"),
            "allow projected volumes; until then hooks are told of when they have ended",
        ),
        _ => Finding::ok(Check::Policies, format!("namespace {namespace} takes Pods with the runner")),
    }
}

fn refused(namespace: &str, words: &str) -> Finding {
    Finding::problem(
        Check::Policies,
        format!(
            "namespace {namespace} refuses Pods with the runner, so hooks there are only observed: {words}"
        ),
        "have the policy that is named take them, or choose another --injection",
    )
}

/// Why the runner would not be in the Pod, if so.
fn refusal(answer: &Answer, by_volume: bool) -> Option<String> {
    match answer {
        Answer::Refused(words) => Some(words.clone()),
        // A server that does not know image volumes, or has them switched off, drops what the volume is of.
        Answer::Taken(pod) => {
            let mut volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
            let is_there = !by_volume || volumes.any(|volume| volume["image"]["reference"].is_string());
            (!is_there).then(|| "the API server does not know image volumes".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::finding::Verdict;

    fn taken() -> Answer {
        Answer::Taken(json!({"spec": {"volumes": [{"name": "v", "image": {"reference": "hooked:1"}}]}}))
    }

    fn dropped() -> Answer {
        Answer::Taken(json!({"spec": {"volumes": [{"name": "v"}]}}))
    }

    fn no() -> Answer {
        Answer::Refused("policy x denies it".to_owned())
    }

    /// Without the runner, by an image volume, by an init container, with the live channel.
    fn check(
        answers: [Answer; 4],
        (injection, by_volume): (Injection, bool),
        (verdict, words): (Verdict, &str),
    ) {
        let [plain, image_volume, init_container, live] = answers;
        let found =
            finding(&Ok(Trial { plain, image_volume, init_container, live }), "shop", injection, by_volume);
        assert!(found.verdict == verdict && found.message.contains(words), "{found:?}");
    }

    #[test]
    fn what_a_policy_refuses_matters_if_the_runner_comes_that_way() {
        let ok = (Verdict::Ok, "namespace shop takes Pods with the runner");
        let problem = (Verdict::Problem, "policy x denies it");
        check([taken(), taken(), taken(), taken()], (Injection::Auto, true), ok);
        check(
            [taken(), no(), taken(), taken()],
            (Injection::Auto, true),
            (Verdict::Warning, "refuses image volumes, and takes init containers: policy x"),
        );
        check([taken(), no(), taken(), taken()], (Injection::Auto, false), ok);
        check([taken(), no(), taken(), taken()], (Injection::ImageVolume, true), problem);
        check([taken(), no(), taken(), taken()], (Injection::InitContainer, true), ok);
        check([taken(), taken(), no(), no()], (Injection::Auto, true), ok);
        check([taken(), taken(), no(), no()], (Injection::Auto, false), problem);
        check([taken(), taken(), no(), no()], (Injection::InitContainer, false), problem);
        check([taken(), no(), no(), no()], (Injection::Auto, true), problem);
    }

    #[test]
    fn a_server_that_drops_image_volumes_has_none() {
        let words = (Verdict::Problem, "does not know image volumes");
        check([taken(), dropped(), taken(), taken()], (Injection::ImageVolume, true), words);
    }

    #[test]
    fn a_namespace_that_refuses_the_live_channel_alone_is_told_of() {
        let words = (Verdict::Warning, "refuses the live channel's volume: policy x");
        check([taken(), taken(), taken(), no()], (Injection::Auto, true), words);
    }

    #[test]
    fn a_namespace_that_takes_no_pod_at_all_shows_nothing_of_the_runner() {
        let words = (Verdict::Unknown, "refuses even a Pod without the runner: policy x");
        check([no(), no(), no(), no()], (Injection::Auto, true), words);
    }
}
