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
    #[error("spec.template.spec.os.name is {0:?}; the runner is for linux only")]
    OtherSystem(String),
}

/// Refuses a Pod's spec that the runner does not fit into.
pub(super) fn refuse_conflicts(spec: &Value) -> Result<(), InjectError> {
    if let Some(system) = spec["os"]["name"].as_str().filter(|name| *name != "linux") {
        return Err(InjectError::OtherSystem(system.to_owned()));
    }
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
    fn a_name_that_is_taken_and_another_system_are_refused() {
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
        check(&json!({"os": {"name": "linux"}}), None);
        let windows = InjectError::OtherSystem("windows".to_owned());
        check(&json!({"os": {"name": "windows"}}), Some(&windows));
    }
}
