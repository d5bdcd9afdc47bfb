//! The definition of HookedWorkloads: whether it is there, and is the one that this program was built with.

use std::collections::BTreeSet;

use hooked_core::names;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use serde_json::Value;

use super::finding::{Check, Finding, some_of};
use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

/// Its name.
const NAME: &str = "hookedworkloads.hooked.dev";
const APPLY: &str =
    "`kubectl apply --server-side -k config/crd` of the operator's version brings it up to date";

/// What is known of the definition.
#[derive(Debug)]
pub(super) enum Definition {
    /// There is none.
    Absent,
    /// The API serves these resources; the definition itself may not be read.
    Served(RequestError),
    /// All of it.
    Whole(Box<CustomResourceDefinition>),
}

/// Reads it; where that is not allowed, asks what the API serves, which everybody may know.
pub(super) async fn fetch(connection: &Connection) -> Result<Definition, RequestError> {
    let request = Request { verb: "get", asked: Asked::Definition, name: NAME, namespace: "" };
    let definitions: Api<CustomResourceDefinition> = Api::all(connection.client.clone());
    let refused = match definitions.get_opt(NAME).await {
        Ok(Some(definition)) => return Ok(Definition::Whole(Box::new(definition))),
        Ok(None) => return Ok(Definition::Absent),
        Err(error) => request.failed(&error),
    };
    match connection.client.list_api_group_resources(names::API_VERSION).await {
        Ok(_) => Ok(Definition::Served(refused)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Definition::Absent),
        Err(_) => Err(refused),
    }
}

/// What is found of it. `operator_is_there` says whether somebody needs it already.
pub(super) fn finding(fetched: &Result<Definition, RequestError>, operator_is_there: bool) -> Finding {
    match fetched {
        Err(error) => Finding::unanswered(Check::Definition, error),
        Ok(Definition::Served(error)) => Finding::unknown(
            Check::Definition,
            format!(
                "the API serves {}; whether fields are missing is not known: {error}",
                names::API_VERSION
            ),
        ),
        Ok(Definition::Absent) if operator_is_there => Finding::problem(
            Check::Definition,
            "the operator is there and HookedWorkloads are not defined",
            "`kubectl apply --server-side -k config/crd` defines them",
        ),
        Ok(Definition::Absent) => Finding::not_checked(
            Check::Definition,
            "HookedWorkloads are not defined yet: the installation does it",
        ),
        Ok(Definition::Whole(definition)) => compared(definition),
    }
}

fn compared(definition: &CustomResourceDefinition) -> Finding {
    let (_, version) = names::API_VERSION.split_once('/').unwrap_or_default();
    let Some(found) = definition.spec.versions.iter().find(|found| found.name == version && found.served)
    else {
        let served: Vec<_> = definition.spec.versions.iter().filter(|v| v.served).map(|v| &v.name).collect();
        return Finding::problem(
            Check::Definition,
            format!("it serves {}, and not {version}", some_of(&served)),
            APPLY,
        );
    };
    let conditions = definition.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let refused: Vec<_> = conditions
        .filter(|condition| {
            condition.status == "False" && ["Established", "NamesAccepted"].contains(&&*condition.type_)
        })
        .map(|condition| condition.message.clone().unwrap_or_default())
        .collect();
    if let Some(words) = refused.first() {
        let action = "another definition has taken its names: `kubectl get crd` lists all";
        return Finding::problem(
            Check::Definition,
            format!("the API server does not serve it: {words}"),
            action,
        );
    }
    let schema =
        found.schema.as_ref().and_then(|schema| serde_json::to_value(&schema.open_api_v3_schema).ok());
    let (there, ours) = (fields(&schema.unwrap_or_default()), ours());
    let (missing, newer) = (uppermost(ours.difference(&there)), uppermost(there.difference(&ours)));
    match (missing.as_slice(), newer.as_slice()) {
        ([], []) => {
            Finding::ok(Check::Definition, format!("{version}, with all fields that this program knows"))
        }
        ([], newer) => {
            let message = format!("{version}, newer than this program: it does not know {}", some_of(newer));
            Finding::ok(Check::Definition, message)
        }
        (missing, _) => Finding::warning(
            Check::Definition,
            format!("{version}, older than this program: it lacks {}", some_of(missing)),
            APPLY,
        ),
    }
}

/// The fields that this program was built with; none if they cannot be written down.
fn ours() -> BTreeSet<String> {
    let ours = hooked_crd::custom_resource_definition().ok().and_then(|definition| {
        let schema = definition.spec.versions.into_iter().next()?.schema?;
        serde_json::to_value(schema.open_api_v3_schema).ok()
    });
    fields(&ours.unwrap_or_default())
}

/// The paths of all fields of a schema.
fn fields(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(schema, "", &mut found);
    found
}

/// Of sorted paths those that are below no other one.
fn uppermost<'a>(paths: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut found: Vec<&String> = Vec::new();
    for path in paths {
        let is_below = |upper: &&String| {
            path.strip_prefix(&**upper).is_some_and(|rest| rest.starts_with(['.', '[', '{']))
        };
        if !found.iter().any(is_below) {
            found.push(path);
        }
    }
    found
}

fn collect(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        collect(below, &path, found);
        found.insert(path);
    }
    for (keyword, sign) in [("items", "[]"), ("additionalProperties", "{}")] {
        if schema[keyword].is_object() {
            collect(&schema[keyword], &format!("{path}{sign}"), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::finding::Verdict;

    /// The definition that this program was built with, changed.
    fn definition(change: impl FnOnce(&mut Value)) -> Definition {
        let mut value = serde_json::to_value(hooked_crd::custom_resource_definition().unwrap()).unwrap();
        change(&mut value);
        Definition::Whole(Box::new(serde_json::from_value(value).unwrap()))
    }

    fn check(change: impl FnOnce(&mut Value), verdict: Verdict, words: &str) {
        let found = finding(&Ok(definition(change)), true);
        assert!(found.verdict == verdict && found.message.contains(words), "{found:?}");
    }

    #[test]
    fn the_definition_is_held_against_that_of_this_program() {
        let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
        check(|_| {}, Verdict::Ok, "with all fields");
        check(
            |crd| {
                let hooks = crd.pointer_mut(&format!("{spec}/hooks/properties")).unwrap();
                hooks.as_object_mut().unwrap().remove("rolloutGate");
            },
            Verdict::Warning,
            "older than this program: it lacks spec.hooks.rolloutGate",
        );
        check(
            |crd| crd.pointer_mut(spec).unwrap()["later"] = json!({"type": "string"}),
            Verdict::Ok,
            "does not know spec.later",
        );
        check(
            |crd| crd["spec"]["versions"][0]["name"] = json!("v1"),
            Verdict::Problem,
            "it serves v1, and not",
        );
        check(
            |crd| crd["spec"]["versions"][0]["served"] = json!(false),
            Verdict::Problem,
            "and not v1alpha1",
        );
        let conflict = json!({"type": "NamesAccepted", "status": "False", "message": "hw is taken"});
        check(|crd| crd["status"] = json!({"conditions": [conflict]}), Verdict::Problem, "hw is taken");
    }

    #[test]
    fn before_an_installation_nobody_misses_it() {
        let absent = Ok(Definition::Absent);
        assert_eq!(finding(&absent, false).verdict, Verdict::NotChecked);
        assert_eq!(finding(&absent, true).verdict, Verdict::Problem);
    }

    #[test]
    fn a_definition_that_may_not_be_read_is_not_compared() {
        let served = Ok(Definition::Served(RequestError::Unauthorized));
        let found = finding(&served, true);
        assert!(
            found.verdict == Verdict::Unknown && found.message.contains("hooked.dev/v1alpha1"),
            "{found:?}"
        );
    }
}
