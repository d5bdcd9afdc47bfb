//! Which containers of a Pod are meant.

use std::fmt;

use kube::ResourceExt;
use thiserror::Error;

use crate::arguments::LogsOptions;
use crate::pods::PodObject;

/// Annotation by which a Pod says whose logs are meant where nobody says so.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// A container asked for that is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("Pod {pod} has no container {container}: it has {known}")]
pub(crate) struct ChooseError {
    pod: String,
    container: String,
    known: String,
}

/// A log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) pod: String,
    pub(super) container: String,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pod/{}/{}", self.pod, self.container)
    }
}

/// The logs of a Pod that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) sources: Vec<Source>,
    /// All containers that it could have been, where nobody has said which.
    pub(super) of: Vec<String>,
}

/// The logs of a Pod that are meant.
pub(super) fn choose(pod: &PodObject, options: &LogsOptions) -> Result<Chosen, ChooseError> {
    let name = pod.name_any();
    let names = |containers: &[hooked_core::lifecycle::Container]| {
        containers.iter().map(|container| container.name.clone()).collect::<Vec<_>>()
    };
    let (init, apps) = (names(&pod.spec.init_containers), names(&pod.spec.containers));
    let all = || init.iter().chain(&apps).cloned();
    let of = |containers: Vec<String>| -> Vec<Source> {
        containers.into_iter().map(|container| Source { pod: name.clone(), container }).collect()
    };
    if options.all_containers {
        return Ok(Chosen { sources: of(all().collect()), of: Vec::new() });
    }
    if let Some(container) = &options.container {
        if !all().any(|known| known == *container) {
            let (pod, container) = (name, container.clone());
            return Err(ChooseError { pod, container, known: all().collect::<Vec<_>>().join(", ") });
        }
        return Ok(Chosen { sources: of(vec![container.clone()]), of: Vec::new() });
    }
    let default =
        pod.annotations().get(DEFAULT_CONTAINER).filter(|default| all().any(|known| known == **default));
    let is_open = default.is_none() && apps.len() > 1;
    let first = default.or(apps.first()).cloned();
    Ok(Chosen { sources: of(first.into_iter().collect()), of: if is_open { apps } else { Vec::new() } })
}

/// That a container was chosen where nobody has said which, once for all Pods.
pub(super) fn note(chosen: &[Chosen]) -> Option<String> {
    let open = chosen.iter().find(|chosen| !chosen.of.is_empty())?;
    let container = &open.sources.first()?.container;
    let of = open.of.join(", ");
    Some(format!("container {container} is shown, out of {of}: -c names another, --all-containers shows all"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::arguments::{Cli, Command};

    fn check(flags: &str, default: Option<&str>, expect: Result<&[&str], &str>, noted: bool) {
        let words = format!("kubectl-hooked logs web {flags}");
        let Command::Logs(options) = Cli::parse_from(words.split_whitespace()).command else {
            panic!("{words} is another command");
        };
        let annotations = default.map_or(json!({}), |name| json!({DEFAULT_CONTAINER: name}));
        let pod: PodObject = serde_json::from_value(json!({
            "metadata": {"name": "web-1", "annotations": annotations},
            "spec": {"initContainers": [{"name": "init"}], "containers": [{"name": "app"}, {"name": "side"}]},
        }))
        .unwrap();
        match (choose(&pod, &options), expect) {
            (Ok(chosen), Ok(expect)) => {
                let containers: Vec<&str> =
                    chosen.sources.iter().map(|source| source.container.as_str()).collect();
                assert_eq!(containers, expect, "{flags}");
                assert_eq!(note(&[chosen]).is_some(), noted, "{flags}");
            }
            (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{error}"),
            (chosen, expect) => panic!("{chosen:?}, but {expect:?} was expected"),
        }
    }

    #[test]
    fn the_container_is_the_one_asked_for_or_the_default_or_the_first() {
        check("", None, Ok(&["app"]), true);
        check("", Some("side"), Ok(&["side"]), false);
        check("", Some("none"), Ok(&["app"]), true);
        check("-c init", Some("side"), Ok(&["init"]), false);
        check("--all-containers", None, Ok(&["init", "app", "side"]), false);
        check("-c web", None, Err("Pod web-1 has no container web: it has init, app, side"), false);
    }
}
