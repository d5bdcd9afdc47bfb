//! What the operator is told on its command line, as its Deployment says it.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Container;
use kube::ResourceExt;

/// The container of the operator.
const CONTAINER: &str = "controller";

/// How the runner is to come into Pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Injection {
    /// As the nodes allow.
    #[default]
    Auto,
    /// By an image volume.
    ImageVolume,
    /// By an init container.
    InitContainer,
}

/// What the operator is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// The operator's own image.
    pub(super) image: String,
    /// The image that Pods get the runner from; the operator's own unless it is told another.
    pub(super) runner_image: String,
    /// The Secret that images are pulled by besides those that a Pod has.
    pub(super) pull_secret: Option<String>,
    /// The processors that the runner's image is for, if the operator is told any.
    pub(super) architectures: Vec<String>,
    pub(super) injection: Injection,
    /// The namespaces that it works in; all if empty.
    pub(super) namespaces: Vec<String>,
    pub(super) leader_elect: bool,
    /// Whether Pods can report to it while hooks run.
    pub(super) listens: bool,
    /// Where Pods reach it, if not at its Service.
    pub(super) advertised: Option<String>,
    pub(super) service_account: String,
}

impl Settings {
    /// What this Deployment tells it.
    pub(super) fn of(deployment: &Deployment) -> Self {
        let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.clone()).unwrap_or_default();
        let named = pod.containers.iter().find(|container| container.name == CONTAINER);
        let container = named.or(pod.containers.first()).cloned().unwrap_or_default();
        let words = words(&container, &deployment.namespace().unwrap_or_default());
        let last = |option: &str| values(&words, option).pop();
        // An empty word is none, as charts render it.
        let said = |option: &str| last(option).flatten().filter(|word| !word.is_empty());
        let architectures = said("--runner-architectures").unwrap_or_default();
        let image = container.image.unwrap_or_default();
        Self {
            runner_image: said("--runner-image").unwrap_or_else(|| image.clone()),
            image,
            pull_secret: said("--runner-pull-secret"),
            architectures: architectures
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            injection: injection(said("--injection").as_deref()),
            namespaces: values(&words, "--namespace").into_iter().flatten().collect(),
            // The bare option means yes.
            leader_elect: last("--leader-elect").is_none_or(|word| word.as_deref() != Some("false")),
            listens: last("--live-bind-address").is_none_or(|word| word.is_some_and(|word| !word.is_empty())),
            advertised: said("--live-advertise-address"),
            service_account: pod.service_account_name.unwrap_or_else(|| "default".to_owned()),
        }
    }

    /// What it amounts to where the operator may not look at nodes: it then brings the runner by init containers.
    pub(super) fn without_nodes(mut self) -> Self {
        if self.injection == Injection::Auto {
            self.injection = Injection::InitContainer;
        }
        self
    }
}

/// What the container in a Pod of that namespace is called with, its variables put in as the kubelet does.
fn words(container: &Container, namespace: &str) -> Vec<String> {
    let told = container.command.iter().flatten().chain(container.args.iter().flatten());
    told.map(|word| expand(word, container, namespace)).collect()
}

/// Puts in what is known of `$(NAME)`: plain values, and the namespace.
fn expand(word: &str, container: &Container, namespace: &str) -> String {
    let mut word = word.to_owned();
    for variable in container.env.iter().flatten() {
        let field = variable.value_from.as_ref().and_then(|from| from.field_ref.as_ref());
        let is_namespace = field.is_some_and(|field| field.field_path == "metadata.namespace");
        let value = if is_namespace { Some(namespace) } else { variable.value.as_deref() };
        if let Some(value) = value {
            word = word.replace(&format!("$({})", variable.name), value);
        }
    }
    word
}

/// What an option is given, each time that it is there: behind an equals sign, or as the next word.
fn values(words: &[String], option: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let rest = word.strip_prefix(option);
        if rest == Some("") {
            found.push(words.get(at + 1).filter(|next| !next.starts_with("--")).cloned());
        } else if let Some(value) = rest.and_then(|rest| rest.strip_prefix('=')) {
            found.push(Some(value.to_owned()));
        }
    }
    found
}

fn injection(word: Option<&str>) -> Injection {
    match word.map(str::to_ascii_lowercase).as_deref() {
        Some("imagevolume") => Injection::ImageVolume,
        Some("initcontainer") => Injection::InitContainer,
        _ => Injection::Auto,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(arguments: &[&str]) -> Settings {
        let env = json!([
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        ]);
        let command = ["/hooked-controller"];
        let containers = json!([
            {"name": "mesh", "image": "mesh:1"},
            {"name": "controller", "image": "hooked:1", "command": command, "args": arguments, "env": env},
        ]);
        let pod = json!({"serviceAccountName": "operator", "containers": containers});
        let spec = json!({"selector": {}, "template": {"spec": pod}});
        let metadata = json!({"namespace": "hooked-system"});
        Settings::of(&serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap())
    }

    #[test]
    fn what_is_not_told_is_as_the_operator_takes_it() {
        assert_eq!(
            settings(&[]),
            settings(&["--runner-image=", "--runner-pull-secret=", "--runner-architectures="])
        );
        let bare = settings(&[]);
        assert_eq!((&*bare.image, &*bare.runner_image), ("hooked:1", "hooked:1"));
        assert!(bare.listens && bare.leader_elect && bare.namespaces.is_empty());
        assert_eq!((bare.injection, &*bare.service_account), (Injection::Auto, "operator"));
    }

    #[test]
    fn options_are_read_as_they_may_be_written() {
        let told = settings(&[
            "--runner-image=hooked:2",
            "--runner-pull-secret=registry",
            "--runner-architectures=amd64,arm64",
            "--namespace",
            "shop",
            "--namespace=test",
            "--leader-elect",
            "--injection=initContainer",
            "--live-bind-address=",
            "--live-advertise-address=10.0.0.9:8443",
        ]);
        assert_eq!((&*told.runner_image, told.injection), ("hooked:2", Injection::InitContainer));
        assert_eq!(told.pull_secret.as_deref(), Some("registry"));
        assert_eq!(told.architectures, ["amd64", "arm64"]);
        assert_eq!(told.namespaces, ["shop", "test"]);
        assert!(told.leader_elect && !told.listens);
        assert_eq!(told.advertised.as_deref(), Some("10.0.0.9:8443"));
        assert!(!settings(&["--leader-elect=false"]).leader_elect);
        assert_eq!(settings(&["--namespace=$(POD_NAMESPACE)"]).namespaces, ["hooked-system"]);
    }
}
