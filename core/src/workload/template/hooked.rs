//! Which containers of a template have exec hooks.

use hooked_crd::HookKind;
use serde_json::Value;

/// The lists of a Pod's spec whose containers may have hooks.
const LISTS: [&str; 2] = ["initContainers", "containers"];

/// Whether any container has an exec hook.
pub(crate) fn has_exec_hooks(spec: &Value) -> bool {
    let containers = |list: &'static str| spec[list].as_array().into_iter().flatten().map(move |c| (list, c));
    LISTS.into_iter().flat_map(containers).any(|(list, container)| !exec_hooks(list, container).is_empty())
}

/// Each container with exec hooks, and which hooks those are.
pub(super) fn for_each_hooked(spec: &mut Value, mut act: impl FnMut(&mut Value, &[HookKind])) {
    for list in LISTS {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            let hooks = exec_hooks(list, container);
            if !hooks.is_empty() {
                act(container, &hooks);
            }
        }
    }
}

/// The exec hooks of a container. An init container that is no sidecar may have none.
fn exec_hooks(list: &str, container: &Value) -> Vec<HookKind> {
    let may_have_hooks = list == "containers" || container["restartPolicy"] == "Always";
    let has = |hook: &HookKind| {
        let command = container["lifecycle"][field(*hook)]["exec"]["command"].as_array();
        may_have_hooks && command.is_some_and(|command| !command.is_empty())
    };
    [HookKind::PostStart, HookKind::PreStop].into_iter().filter(has).collect()
}

/// The field of a container's `lifecycle` that holds the hook.
pub(super) fn field(hook: HookKind) -> &'static str {
    match hook {
        HookKind::PostStart => "postStart",
        HookKind::PreStop => "preStop",
    }
}
