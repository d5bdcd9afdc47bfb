//! What the API server puts around objects in protobuf: four bytes that say so and a `runtime.Unknown` around each, and
//! a `metav1.WatchEvent` around that in a watch. Their field numbers are those of
//! `staging/src/k8s.io/apimachinery/pkg/runtime/generated.proto` and `pkg/apis/meta/v1/generated.proto`.

use super::fault::WireError;
use super::fields::{Fields, Value};
use super::json::{close, write_fields, write_key, write_text};
use super::shape;

/// With these bytes everything begins that `runtime/serializer/protobuf/protobuf.go` writes.
pub(crate) const MAGIC: &[u8] = b"k8s\0";

/// An object or a list as JSON.
pub(super) fn to_json(object: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::new();
    write_object(object, &mut out)?;
    Ok(out)
}

/// Appends an event of a watch as JSON, on a line of its own. Its type comes first, as the client needs it.
pub(super) fn write_event(event: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let [kind, extension] = texts(event, [1, 2])?;
    let [object] = texts(extension, [1])?;
    out.push(b'{');
    write_key("type", out);
    write_text(kind, out);
    out.push(b',');
    write_key("object", out);
    write_object(object, out)?;
    out.extend(b"}\n");
    Ok(())
}

fn write_object(object: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let unknown = object.strip_prefix(MAGIC).ok_or(WireError::NoObject)?;
    let [types, message, encoding] = texts(unknown, [1, 2, 3])?;
    let [version, kind] = texts(types, [1, 2])?;
    let shape = shape::of_kind(kind).filter(|_| encoding.is_empty());
    let shape = shape.ok_or_else(|| WireError::OtherKind(String::from_utf8_lossy(kind).into_owned()))?;
    out.push(b'{');
    for (name, text) in [("kind", kind), ("apiVersion", version)] {
        write_key(name, out);
        write_text(text, out);
        out.push(b',');
    }
    write_fields(message, shape, out)?;
    close(b'}', out);
    Ok(())
}

/// The bytes of the spec in the template of a `PodTemplate`; none if that is not what the object is.
pub(crate) fn spec_of_template(object: &[u8]) -> Option<&[u8]> {
    let mut bytes = object.strip_prefix(MAGIC)?;
    // The object in its envelope, the template in the object, the spec in the template: the field 2 of each.
    for _ in 0..3 {
        [bytes] = texts(bytes, [2]).ok()?;
    }
    Some(bytes).filter(|spec| !spec.is_empty())
}

/// The fields with these numbers, empty where there is none.
fn texts<const N: usize>(message: &[u8], numbers: [u64; N]) -> Result<[&[u8]; N], WireError> {
    let mut found = [&b""[..]; N];
    for field in Fields(message) {
        if let (number, Value::Bytes(bytes)) = field?
            && let Some(place) = numbers.iter().position(|known| *known == number)
        {
            found[place] = bytes;
        }
    }
    Ok(found)
}
