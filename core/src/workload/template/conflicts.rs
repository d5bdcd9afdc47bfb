//! What in a template keeps the runner out of its Pods.

use serde_json::Value;
use thiserror::Error;

use crate::names::{INSTALLER_CONTAINER, volume};

/// Why the runner cannot be put into Pods of a template.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InjectError {
    /// The user has taken a name that we need.
    #[error("spec.template.spec has a {0} named {1:?} already; give it another name")]
    Taken(&'static str, &'static str),
    /// The runner is a Linux program.
    #[error("{0}; the hook-runner is for linux only")]
    OtherSystem(String),
    /// The runner's image has no program for a node that Pods may land on.
    #[error(
        "Pods may land on nodes of {others}, and the hook-runner is for {ours} only: name that as kubernetes.io/arch in \
         spec.template.spec.nodeSelector, or give the operator an image that is for all of them and name them in \
         --runner-architectures"
    )]
    OtherArchitecture {
        /// The architectures of those nodes.
        others: String,
        /// The architectures that the image is for.
        ours: String,
    },
    /// The operator does not know its own image, and was told none.
    #[error("the operator knows no image of the hook-runner: {0}; name one in --runner-image")]
    NoImage(String),
}

/// Refuses a Pod's spec that has something under a name of ours.
pub(super) fn refuse_conflicts(spec: &Value) -> Result<(), InjectError> {
    let has =
        |list: &str, name: &str| spec[list].as_array().into_iter().flatten().any(|item| item["name"] == name);
    for volume in volume::ALL {
        if has("volumes", volume) {
            return Err(InjectError::Taken("volume", volume));
        }
    }
    if has("initContainers", INSTALLER_CONTAINER) || has("containers", INSTALLER_CONTAINER) {
        return Err(InjectError::Taken("container", INSTALLER_CONTAINER));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_that_is_taken_is_refused() {
        fn check(spec: &Value, expect: Option<&InjectError>) {
            assert_eq!(refuse_conflicts(spec).as_ref().err(), expect, "{spec}");
        }
        let named = |name: &str| json!([{"name": "other"}, {"name": name}]);
        check(&json!({"volumes": named("cache"), "containers": named("web")}), None);
        for name in ["hooked-runner", "hooked-records", "hooked-live"] {
            check(&json!({"volumes": named(name)}), Some(&InjectError::Taken("volume", name)));
        }
        let taken = InjectError::Taken("container", "hooked-install");
        check(&json!({"containers": named("hooked-install")}), Some(&taken));
        check(&json!({"initContainers": named("hooked-install")}), Some(&taken));
    }
}
