//! GET: objects and lists.

use std::sync::Arc;

use serde_json::{Value, json};

use super::failure::Failure;
use super::path::Target;
use super::request::{Reply, Request};
use super::watch::Selection;
use super::{ApiServer, ok};

impl ApiServer {
    pub(super) fn get(&self, target: &Target<'_>) -> Result<Reply, Failure> {
        let found = self.store.get(target.resource, &target.key());
        let object = found.ok_or_else(|| Failure::not_found(target.kind(), target.name))?;
        Ok(ok(200, object.clone()))
    }

    /// A list is a snapshot: every page of it is of the version of the first one.
    pub(super) fn list(&self, target: &Target<'_>, request: &Request) -> Result<Reply, Failure> {
        let selection = Selection::of(target, request)?;
        // What is asked for as it was at any time comes from a cache, which knows no pages.
        let is_of_any_time = request.parameter("resourceVersion") == "0";
        let limit = request.parameter("limit").parse().ok().filter(|limit| *limit > 0 && !is_of_any_time);
        let limit = limit.unwrap_or(usize::MAX);
        let (version, after) = self.place(request.parameter("continue"))?;
        let page = if version == self.version() {
            let all = self.store.range(target.resource, target.namespace, after);
            page(all.map(|(key, object)| (&**key, object)), &selection, limit)
        } else {
            let all = self.store.range_at(target.resource, target.namespace, after, version);
            page(all.iter().map(|(key, object)| (&**key, object)), &selection, limit)
        };
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if let Some(Rest { last, count }) = page.rest {
            metadata["continue"] = format!("{version}:{last}").into();
            if selection.is_everything() {
                metadata["remainingItemCount"] = count.into();
            }
        }
        let kind = target.kind();
        let items =
            if kind.traits.custom { page.items } else { page.items.into_iter().map(untyped).collect() };
        let list = json!({
            "kind": format!("{}List", kind.kind),
            "apiVersion": kind.api_version(),
            "metadata": metadata,
            "items": items,
        });
        Ok(ok(200, Arc::new(list)))
    }

    /// The version and the key at which a list goes on.
    fn place<'a>(&self, token: &'a str) -> Result<(u64, &'a str), Failure> {
        if token.is_empty() {
            return Ok((self.version(), ""));
        }
        let read = token.split_once(':').and_then(|(version, after)| Some((version.parse().ok()?, after)));
        let (version, after) = read.ok_or_else(|| Failure::bad_request("continue key is not valid"))?;
        if version < self.store.compacted() {
            return Err(Failure::expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new \
                 list without the continue parameter.",
            ));
        }
        Ok((version, after))
    }
}

/// The items of a list of a built-in kind do not repeat the kind.
fn untyped(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    object
}

struct Page {
    items: Vec<Value>,
    rest: Option<Rest>,
}

/// What the next pages hold.
struct Rest {
    last: String,
    count: usize,
}

fn page<'a>(
    all: impl Iterator<Item = (&'a str, &'a Arc<Value>)>,
    selection: &Selection,
    limit: usize,
) -> Page {
    let mut selected = all.filter(|(_, object)| selection.matches(object));
    let (mut items, mut last) = (Vec::new(), "");
    for (key, object) in selected.by_ref().take(limit) {
        items.push(Value::clone(object));
        last = key;
    }
    let count = selected.count();
    Page { items, rest: (count > 0).then(|| Rest { last: last.to_owned(), count }) }
}
