//! What the API server refuses to store.

use serde_json::Value;

use super::failure::{Failure, FieldError};
use super::meta;
use super::resources::Resource;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
    and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
    and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', \
    regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with \
    an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const IMMUTABLE: &str = "field is immutable";

/// Judges a new object.
pub(crate) fn create(of: &Resource, object: &Value) -> Result<(), Failure> {
    let mut errors = Vec::new();
    let name = meta::text(object, "name");
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else if let Some(why) = name_error(name) {
        errors.push(FieldError::invalid("metadata.name", &name.into(), &why));
    }
    metadata(object, &mut errors);
    if of.kind == "Pod" {
        containers(object, &mut errors);
    }
    refuse(of, name, &errors)
}

/// Judges a change of an object.
pub(crate) fn update(of: &Resource, new: &Value, old: &Value, main: bool) -> Result<(), Failure> {
    let mut errors = Vec::new();
    if meta::is_terminating(old) {
        new_finalizers(new, old, &mut errors);
    }
    for field in ["name", "namespace", "uid", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let value = &new["metadata"][field];
        if *value != old["metadata"][field] {
            errors.push(FieldError::invalid(format!("metadata.{field}"), value, IMMUTABLE));
        }
    }
    metadata(new, &mut errors);
    match of.kind {
        "Pod" if main => pod_spec(new, old, &mut errors),
        "ControllerRevision" if new["data"] != old["data"] => {
            errors.push(FieldError::invalid("data", &new["data"], IMMUTABLE));
        }
        _ => {}
    }
    refuse(of, meta::text(new, "name"), &errors)
}

fn refuse(of: &Resource, name: &str, errors: &[FieldError]) -> Result<(), Failure> {
    if errors.is_empty() { Ok(()) } else { Err(Failure::invalid(of, name, errors)) }
}

fn new_finalizers(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let known = meta::items(old, "finalizers");
    let mut added: Vec<_> = meta::items(new, "finalizers")
        .iter()
        .filter(|one| !known.contains(one))
        .map(Value::to_string)
        .collect();
    added.sort_unstable();
    if !added.is_empty() {
        let added = added.join(", ");
        let why = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{added}}}"
        );
        errors.push(FieldError::forbidden("metadata.finalizers", &why));
    }
}

/// What holds for the metadata of every object.
fn metadata(object: &Value, errors: &mut Vec<FieldError>) {
    for (key, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
        if !is_qualified(key) {
            errors.push(FieldError::invalid("metadata.labels", &key.as_str().into(), QUALIFIED));
        }
        let text = value.as_str().unwrap_or_default();
        if text.len() > 63 {
            errors.push(FieldError::invalid("metadata.labels", value, "must be no more than 63 bytes"));
        }
        if !text.is_empty() && !is_word(text) {
            errors.push(FieldError::invalid("metadata.labels", value, LABEL_VALUE));
        }
    }
    for finalizer in meta::items(object, "finalizers") {
        if !is_qualified(finalizer.as_str().unwrap_or_default()) {
            errors.push(FieldError::invalid("metadata.finalizers", finalizer, QUALIFIED));
        }
    }
    owners(object, errors);
}

fn owners(object: &Value, errors: &mut Vec<FieldError>) {
    let mut controllers = 0;
    for owner in meta::items(object, "ownerReferences") {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner[field].as_str().unwrap_or_default().is_empty() {
                let why =
                    if field == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                errors.push(FieldError::invalid(
                    format!("metadata.ownerReferences.{field}"),
                    &"".into(),
                    why,
                ));
            }
        }
        controllers += usize::from(owner["controller"] == true);
    }
    if controllers > 1 {
        let why = "Only one reference can have Controller set to true.";
        errors.push(FieldError::invalid(
            "metadata.ownerReferences",
            &object["metadata"]["ownerReferences"],
            why,
        ));
    }
}

fn containers(pod: &Value, errors: &mut Vec<FieldError>) {
    let containers = pod["spec"]["containers"].as_array().map_or(&[][..], Vec::as_slice);
    if containers.is_empty() {
        errors.push(FieldError::required("spec.containers", ""));
    }
    for (index, container) in containers.iter().enumerate() {
        for field in ["name", "image"] {
            if container[field].as_str().unwrap_or_default().is_empty() {
                errors.push(FieldError::required(format!("spec.containers[{index}].{field}"), ""));
            }
        }
    }
}

/// Of a Pod's spec little may change: images, more tolerations, an earlier deadline, a grace period that was
/// negative.
fn pod_spec(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let (mut allowed, was) = (new["spec"].clone(), &old["spec"]);
    if allowed == *was {
        return;
    }
    for list in ["containers", "initContainers"] {
        let count = |spec: &Value| spec[list].as_array().map_or(0, Vec::len);
        if count(&allowed) != count(was) {
            let why = "pod updates may not add or remove containers";
            errors.push(FieldError::forbidden(format!("spec.{list}"), why));
            return;
        }
        let olds = was[list].as_array().map_or(&[][..], Vec::as_slice);
        let news = allowed.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (container, old) in news.zip(olds) {
            if !old["image"].is_null() {
                container["image"] = old["image"].clone();
            }
        }
    }
    if adds_only(&allowed["tolerations"], &was["tolerations"]) {
        same(&mut allowed, was, "tolerations");
    }
    if earlier(&allowed["activeDeadlineSeconds"], &was["activeDeadlineSeconds"]) {
        same(&mut allowed, was, "activeDeadlineSeconds");
    }
    let grace = "terminationGracePeriodSeconds";
    if was[grace].as_i64().is_some_and(|seconds| seconds < 0) && allowed[grace] == 1 {
        same(&mut allowed, was, grace);
    }
    if allowed != *was {
        let why = "pod updates may not change fields other than `spec.containers[*].image`,\
            `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
            tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        errors.push(FieldError::forbidden("spec", why));
    }
}

fn adds_only(new: &Value, old: &Value) -> bool {
    let items = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let new = items(new);
    items(old).iter().all(|one| new.contains(one))
}

fn earlier(new: &Value, old: &Value) -> bool {
    match (new.as_i64(), old.as_i64()) {
        (Some(new), Some(old)) => new <= old,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn same(spec: &mut Value, as_in: &Value, field: &str) {
    if let Some(fields) = spec.as_object_mut() {
        match as_in.get(field) {
            Some(value) => drop(fields.insert(field.to_owned(), value.clone())),
            None => drop(fields.remove(field)),
        }
    }
}

fn name_error(name: &str) -> Option<String> {
    if name.len() > 253 {
        return Some("must be no more than 253 bytes".to_owned());
    }
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
            && ends.into_iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
    };
    (!name.split('.').all(is_label)).then(|| SUBDOMAIN.to_owned())
}

fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        && [bytes.first(), bytes.last()].into_iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
}

fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, name)) => name_error(domain).is_none() && is_word(name) && name.len() <= 63,
        None => is_word(text) && text.len() <= 63,
    }
}
