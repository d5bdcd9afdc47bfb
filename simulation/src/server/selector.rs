//! Label and field selectors.

use std::collections::BTreeSet;

use serde_json::Value;

use super::failure::Failure;
use super::resources::Resource;

/// A label selector: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operator {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    Absent,
}

impl LabelSelector {
    /// Reads the text of a selector; an empty text selects everything. None if the text is no selector.
    pub fn parse(text: &str) -> Option<Self> {
        split(text)?.into_iter().map(Requirement::parse).collect::<Option<_>>().map(Self)
    }

    /// Whether the object has such labels.
    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|requirement| requirement.matches(object))
    }

    /// Whether the selector selects everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Splits at the commas that stand outside of parentheses.
fn split(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut begin, mut inside) = (Vec::new(), 0, false);
    for (index, character) in text.char_indices() {
        match character {
            '(' if !inside => inside = true,
            ')' if inside => inside = false,
            '(' | ')' => return None,
            ',' if !inside => {
                parts.push(&text[begin..index]);
                begin = index + 1;
            }
            _ => {}
        }
    }
    if !text.trim().is_empty() {
        parts.push(&text[begin..]);
    }
    (!inside).then_some(parts)
}

impl Requirement {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(key) = text.strip_prefix('!') {
            return Self::of(key, Operator::Absent);
        }
        let equality = [("!=", true), ("==", false), ("=", false)];
        if let Some((sign, not)) = equality.into_iter().find(|(sign, _)| text.contains(sign)) {
            let (key, value) = text.split_once(sign)?;
            let one = BTreeSet::from([value.trim().to_owned()]);
            return Self::of(key, if not { Operator::NotIn(one) } else { Operator::In(one) });
        }
        let Some((key, values)) = text.split_once('(') else { return Self::of(text, Operator::Exists) };
        let values = values.strip_suffix(')')?.split(',').map(|value| value.trim().to_owned()).collect();
        match key.split_whitespace().collect::<Vec<_>>().as_slice() {
            [key, "in"] => Self::of(key, Operator::In(values)),
            [key, "notin"] => Self::of(key, Operator::NotIn(values)),
            _ => None,
        }
    }

    fn of(key: &str, operator: Operator) -> Option<Self> {
        let key = key.trim();
        let is_key = !key.is_empty() && !key.contains(char::is_whitespace);
        is_key.then(|| Self { key: key.to_owned(), operator })
    }

    fn matches(&self, object: &Value) -> bool {
        let value = object["metadata"]["labels"][&self.key].as_str();
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.contains(value)),
            Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::Absent => value.is_none(),
        }
    }
}

/// A field selector: `a=b` and `a!=b`, joined by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<FieldRequirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct FieldRequirement {
    pointer: String,
    value: String,
    equal: bool,
}

const ALL: [&str; 2] = ["metadata.name", "metadata.namespace"];
const OF_PODS: [&str; 5] =
    ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase"];
const OF_EVENTS: [&str; 8] = [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.fieldPath",
    "reason",
    "type",
];

impl FieldSelector {
    /// Reads the text of a selector on objects of a resource.
    pub(crate) fn parse(text: &str, of: &Resource) -> Result<Self, Failure> {
        let more: &[&str] = match of.kind {
            "Pod" => &OF_PODS,
            "Event" => &OF_EVENTS,
            _ => &[],
        };
        let parts = text.split(',').filter(|part| !part.is_empty());
        parts.map(|part| FieldRequirement::parse(part, more)).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|requirement| {
            let value = object.pointer(&requirement.pointer).and_then(Value::as_str).unwrap_or_default();
            (value == requirement.value) == requirement.equal
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FieldRequirement {
    fn parse(text: &str, more: &[&str]) -> Result<Self, Failure> {
        let found = ["!=", "==", "="].into_iter().find_map(|sign| Some((sign, text.split_once(sign)?)));
        let Some((sign, (field, value))) = found else {
            let message = format!("invalid selector: '{text}'; can't understand '{text}'");
            return Err(Failure::bad_request(message));
        };
        if !ALL.contains(&field) && !more.contains(&field) {
            return Err(Failure::bad_request(format!("field label not supported: {field}")));
        }
        let pointer = format!("/{}", field.replace('.', "/"));
        Ok(Self { pointer, value: value.to_owned(), equal: sign != "!=" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::resources;
    use serde_json::json;

    #[track_caller]
    fn check(selector: &str, expect: bool) {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "", "a.b/c": "d"}}});
        assert_eq!(LabelSelector::parse(selector).unwrap().matches(&object), expect, "{selector}");
    }

    #[test]
    fn a_label_selector_selects_by_value_set_and_presence() {
        for (selector, expect) in [
            ("", true),
            ("app=web", true),
            ("app==web", true),
            ("app=other", false),
            ("app!=web", false),
            ("absent!=web", true),
            ("absent=", false),
            ("tier=", true),
            ("app in (web, api)", true),
            ("app in (api)", false),
            ("app notin (api,db),tier", true),
            ("absent notin (x)", true),
            ("!absent", true),
            ("!app", false),
            ("a.b/c=d,app in (web),!x", true),
            ("a.b/c", true),
        ] {
            check(selector, expect);
        }
    }

    #[test]
    fn what_is_no_label_selector_is_refused() {
        for text in ["app in web", "app in (web", "=x", "a b", "app of (x)", "a)", ","] {
            assert_eq!(LabelSelector::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_field_selector_knows_the_fields_of_its_resource() {
        let pods = &resources::RESOURCES[resources::find("", "v1", "pods").unwrap()];
        let pod = json!({"metadata": {"name": "a"}, "spec": {"nodeName": "n"}});
        for (selector, expect) in [
            ("metadata.name=a", true),
            ("metadata.name!=a", false),
            ("spec.nodeName==n,status.phase!=Running", true),
            ("spec.nodeName=", false),
        ] {
            assert_eq!(FieldSelector::parse(selector, pods).unwrap().matches(&pod), expect, "{selector}");
        }
        let refused = FieldSelector::parse("spec.colour=red", pods).unwrap_err();
        assert_eq!(refused.message, "field label not supported: spec.colour");
    }
}
