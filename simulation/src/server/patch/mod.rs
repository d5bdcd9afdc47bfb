//! The three kinds of patches.

mod json;
mod merge;
mod strategic;

use serde_json::Value;

use super::failure::Failure;
use super::request::ContentType;
use super::resources::Resource;

const FOR_ALL: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];
const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// The object as a patch makes it.
pub(crate) fn apply(
    of: &Resource,
    object: &Value,
    patch: &Value,
    content_type: ContentType,
) -> Result<Value, Failure> {
    let mut object = object.clone();
    match content_type {
        ContentType::JsonPatch => json::apply(&mut object, patch)?,
        ContentType::MergePatch if patch.is_object() => merge::apply(&mut object, patch),
        ContentType::StrategicMergePatch if !of.traits.custom && patch.is_object() => {
            strategic::apply(&mut object, patch)?;
        }
        ContentType::Json if !of.traits.custom => {
            return Err(Failure::other(415, "UnsupportedMediaType", "415: Unsupported Media Type"));
        }
        ContentType::MergePatch => return Err(Failure::bad_request("error decoding patch: it is no object")),
        _ => {
            let mut accepted = FOR_ALL.to_vec();
            if !of.traits.custom {
                accepted.insert(2, STRATEGIC);
            }
            return Err(Failure::unsupported_media_type(&accepted));
        }
    }
    Ok(object)
}
