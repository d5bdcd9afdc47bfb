//! What is to be changed in a manifest: Deployments or HookedWorkloads, and what names them by kind.

use std::collections::BTreeSet;

use hooked_core::names;

use super::edit::{Edit, insert_before, remove, replace};
use super::error::ConvertError;
use super::syntax::{Node, Value};

/// Metadata that the server has set and that would be wrong or refused in a new object.
const SERVERS_METADATA: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];
/// Annotations that speak of the object as it was and not of what it is to be.
const SERVERS_ANNOTATIONS: [&str; 2] =
    ["deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"];

/// What scales something and names it by its kind: the group of its API, its kind, the field of its spec, and what it
/// does.
const SCALERS: [(&str, &str, &str, &str); 3] = [
    ("autoscaling", "HorizontalPodAutoscaler", "scaleTargetRef", "scales"),
    ("keda.sh", "ScaledObject", "scaleTargetRef", "scales"),
    ("autoscaling.k8s.io", "VerticalPodAutoscaler", "targetRef", "sizes the Pods of"),
];

/// What becomes of what: API version and kind of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    from: (&'static str, &'static str),
    to: (&'static str, &'static str),
}

const OF_DEPLOYMENTS: (&str, &str) = ("apps/v1", "Deployment");
const OF_WORKLOADS: (&str, &str) = (names::API_VERSION, names::KIND);

impl Way {
    pub(super) const IN: Self = Self { from: OF_DEPLOYMENTS, to: OF_WORKLOADS };
    pub(super) const OUT: Self = Self { from: OF_WORKLOADS, to: OF_DEPLOYMENTS };

    /// What hands over the Pods of one that runs already.
    fn command(self, name: &str) -> String {
        if self == Self::IN { format!("adopt deployment/{name}") } else { format!("release {name}") }
    }
}

/// All that is to be changed.
pub(super) struct Changes {
    pub(super) edits: Vec<Edit>,
    /// What was done, and what was left.
    pub(super) notes: Vec<String>,
}

/// An object of a manifest.
struct Object<'a> {
    /// Such as `document 2, item 1`.
    place: String,
    node: &'a Node,
    api_version: &'a Node,
    kind: &'a Node,
    way: Way,
}

/// Namespace and name: what makes two objects of a kind the same.
type Identity<'a> = (Option<&'a str>, &'a str);

/// What is to be changed in these documents.
pub(super) fn changes(text: &str, documents: &[Option<Node>], way: Way) -> Result<Changes, ConvertError> {
    let mut objects = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        if let Some(document) = document {
            gather(document, format!("document {}", index + 1), way, &mut objects)?;
        }
    }
    let ((_, was), (_, becomes)) = (way.from, way.to);
    let mut converted = BTreeSet::new();
    for object in &objects {
        if object.is_converted()? {
            converted.insert(object.identity());
        }
    }
    let mut changes = Changes { edits: Vec::new(), notes: Vec::new() };
    for object in &objects {
        let name = object.identity().1;
        let (place, kind) = (&object.place, object.kind());
        let (edits, note) = if object.is_converted()? {
            let command = way.command(name);
            let note = format!(
                "{place}: {was} {name} becomes a {becomes}; if a {was} {name} runs already, `kubectl hooked {command}` \
                 hands its Pods over"
            );
            (object.become_another(text), note)
        } else if let Some(Scaled { does, reference, of }) = object.scaled() {
            let scaled = of.1;
            if converted.contains(&of) {
                let edits = retarget(text, reference, way.to).into_iter();
                let edits = edits.chain(object.forget_server(text)).collect();
                (edits, format!("{place}: {kind} {name} {does} the {becomes} {scaled} from now on"))
            } else {
                let note = format!(
                    "{place}: {kind} {name} passes through unchanged: it {does} the {was} {scaled}, which is not in this \
                     input; if that becomes a {becomes}, convert both together"
                );
                (Vec::new(), note)
            }
        } else {
            (Vec::new(), format!("{place}: {kind} {name} passes through unchanged"))
        };
        changes.edits.extend(edits);
        changes.notes.push(note);
    }
    Ok(changes)
}

/// Finds the objects of a document; a list holds several.
fn gather<'a>(
    node: &'a Node,
    place: String,
    way: Way,
    objects: &mut Vec<Object<'a>>,
) -> Result<(), ConvertError> {
    let wrong = |problem| ConvertError::Object { place: place.clone(), problem };
    if !matches!(node.value, Value::Mapping { .. }) {
        return Err(wrong("is no object: every document has apiVersion, kind and metadata"));
    }
    let text = |key| node.get(key).filter(|value| value.text().is_some());
    let kind = text("kind").ok_or_else(|| wrong("has no kind: write what it is"))?;
    let api_version =
        text("apiVersion").ok_or_else(|| wrong("has no apiVersion: write which API it is of"))?;
    if let (Some("List"), Some(Value::Sequence(items))) =
        (kind.text(), node.get("items").map(|items| &items.value))
    {
        for (index, item) in items.iter().enumerate() {
            gather(item, format!("{place}, item {}", index + 1), way, objects)?;
        }
        return Ok(());
    }
    objects.push(Object { place, node, api_version, kind, way });
    Ok(())
}

impl<'a> Object<'a> {
    fn kind(&self) -> &'a str {
        self.kind.text().unwrap_or_default()
    }

    fn identity(&self) -> Identity<'a> {
        let metadata =
            |key| self.node.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Node::text);
        (metadata("namespace"), metadata("name").or_else(|| metadata("generateName")).unwrap_or_default())
    }

    fn is_converted(&self) -> Result<bool, ConvertError> {
        let wrong = |problem| Err(ConvertError::Object { place: self.place.clone(), problem });
        let (api_version, kind) = (self.api_version.text().unwrap_or_default(), self.kind());
        match (kind, api_version) {
            _ if (api_version, kind) == self.way.from => Ok(true),
            ("Deployment", "extensions/v1beta1" | "apps/v1beta1" | "apps/v1beta2") => wrong(
                "is a Deployment of an API that is gone since Kubernetes 1.16: write it for apps/v1 first",
            ),
            _ => Ok(false),
        }
    }

    fn become_another(&self, text: &str) -> Vec<Edit> {
        let (api_version, kind) = self.way.to;
        let mut edits = vec![replace(self.api_version, api_version), replace(self.kind, kind)];
        edits.extend(self.forget_server(text));
        // What a Deployment does not have; of a workload that becomes one alone.
        if let Some(spec) = self.node.get("spec").filter(|_| self.way == Way::OUT) {
            edits.extend(remove(text, spec, |key| key == "hooks"));
        }
        edits
    }

    /// Drops what the server has set. What is changed is a new wish: a version that it was changed from would
    /// only make the server refuse it.
    fn forget_server(&self, text: &str) -> Vec<Edit> {
        let mut edits = remove(text, self.node, |key| key == "status");
        if let Some(metadata) = self.node.get("metadata") {
            let annotations = metadata.get("annotations");
            let goes = |key: &str| {
                let is_ours = self.way == Way::OUT && key.starts_with("hooked.dev/");
                SERVERS_ANNOTATIONS.contains(&key) || is_ours
            };
            let no_annotation_stays = annotations.is_some_and(|annotations| all_go(annotations, goes));
            edits.extend(remove(text, metadata, |key| {
                SERVERS_METADATA.contains(&key) || (key == "annotations" && no_annotation_stays)
            }));
            if let Some(annotations) = annotations.filter(|_| !no_annotation_stays) {
                edits.extend(remove(text, annotations, goes));
            }
        }
        edits
    }

    /// What it scales, if that is of the kind that is converted.
    fn scaled(&self) -> Option<Scaled<'a>> {
        let group = self.api_version.text()?.split_once('/')?.0;
        let known = SCALERS.iter().find(|(of, kind, ..)| (*of, *kind) == (group, self.kind()));
        let (_, _, field, does) = *known?;
        let reference = self.node.get("spec")?.get(field)?;
        // KEDA takes a Deployment of apps/v1 for granted; the others want the kind to be said.
        let says = |key, default| reference.get(key).map_or(Some(default), Node::text);
        let (api_version, kind) = self.way.from;
        let is_of_kind = (says("apiVersion", OF_DEPLOYMENTS.0), says("kind", OF_DEPLOYMENTS.1))
            == (Some(api_version), Some(kind));
        let of = (self.identity().0, reference.get("name")?.text()?);
        is_of_kind.then_some(Scaled { does, reference, of })
    }
}

/// What an object scales: where that is named, and in words what is done to it.
struct Scaled<'a> {
    does: &'static str,
    reference: &'a Node,
    of: Identity<'a>,
}

/// Whether none of a mapping's entries stays.
fn all_go(annotations: &Node, goes: impl Fn(&str) -> bool) -> bool {
    let Value::Mapping { entries, .. } = &annotations.value else { return false };
    !entries.is_empty() && entries.iter().all(|(key, _)| key.text().is_some_and(&goes))
}

/// Makes a reference one to an object of that API version and kind.
fn retarget(text: &str, target: &Node, (api_version, kind): (&str, &str)) -> Vec<Edit> {
    let Value::Mapping { entries, .. } = &target.value else { return Vec::new() };
    let named = |name: &str| entries.iter().find(|(key, _)| key.text() == Some(name));
    // What is not said is written before what is: another kind is meant than was.
    let Some((first, _)) = named("kind").or_else(|| named("name")) else { return Vec::new() };
    let says = |name: &str, value: &str| match named(name) {
        Some((_, known)) => replace(known, value),
        None => insert_before(text, target, first, (name, value)),
    };
    vec![says("apiVersion", api_version), says("kind", kind)]
}
