//! A protobuf message as the JSON that the API server would have written, with the fields of a shape alone.

use jiff::Timestamp;

use super::fault::WireError;
use super::fields::{Fields, Value};
use super::shape::{Field, Kind, Shape};

/// Appends the fields of a message that `shape` has, each with a comma behind it.
pub(super) fn write_fields(message: &[u8], shape: Shape, out: &mut Vec<u8>) -> Result<(), WireError> {
    // A bit for each field: those of Kubernetes that are read have numbers below 64.
    let (mut seen, mut open) = (0_u64, None::<&Field>);
    for field in Fields(message) {
        let (number, value) = field?;
        let Some(field) = shape.iter().find(|field| field.0 == number) else { continue };
        if open.is_none_or(|open| open.0 != number) {
            close_parts(open.take(), out);
            // Go writes the parts of a list one after the other. What came again would have to be brought together.
            if seen & (1 << number) != 0 {
                return Err(WireError::Twice(field.1));
            }
            seen |= 1 << number;
            open = open_parts(field, out);
        }
        write_value(field, value, out)?;
    }
    close_parts(open, out);
    for &(number, name, kind) in shape {
        if matches!(kind, Kind::Items(_)) && seen & (1 << number) == 0 {
            write_key(name, out);
            out.extend_from_slice(b"[],");
        }
    }
    Ok(())
}

/// Appends a text as JSON. Bytes that are no text are told as Go tells them: one such termination message must not keep
/// a list from being read.
pub(super) fn write_text(text: &[u8], out: &mut Vec<u8>) {
    // Most texts are names and numbers, which JSON escapes nothing of.
    if text.iter().all(|byte| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~')) {
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
        return;
    }
    // Nothing but the writer can fail here, and a vector takes everything.
    serde_json::to_writer(out, &String::from_utf8_lossy(text)).ok();
}

/// Appends `"name":`. Names of fields have nothing that JSON escapes.
pub(super) fn write_key(name: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Puts the end of an object or a list where the comma of its last part is.
pub(super) fn close(end: u8, out: &mut Vec<u8>) {
    match out.last_mut() {
        Some(last) if *last == b',' => *last = end,
        _ => out.push(end),
    }
}

/// Begins what comes in several parts, and says that it is open.
fn open_parts<'a>(field: &'a Field, out: &mut Vec<u8>) -> Option<&'a Field> {
    let begin = match field.2 {
        Kind::Texts | Kind::Objects(_) | Kind::Items(_) => b'[',
        Kind::Map => b'{',
        _ => return None,
    };
    write_key(field.1, out);
    out.push(begin);
    Some(field)
}

fn close_parts(open: Option<&Field>, out: &mut Vec<u8>) {
    if let Some((_, _, kind)) = open {
        close(if matches!(kind, Kind::Map) { b'}' } else { b']' }, out);
        out.push(b',');
    }
}

fn write_value(&(_, name, kind): &Field, value: Value<'_>, out: &mut Vec<u8>) -> Result<(), WireError> {
    match (kind, value) {
        (Kind::Text, Value::Bytes(b"")) | (Kind::IntUnlessZero, Value::Number(0)) => return Ok(()),
        (Kind::Time | Kind::MicroTime, Value::Bytes(message)) => {
            let Some(time) = time(message, matches!(kind, Kind::MicroTime))? else { return Ok(()) };
            write_key(name, out);
            // Nothing but the writer can fail here.
            serde_json::to_writer(&mut *out, &time).ok();
        }
        (Kind::Splice(shape), Value::Bytes(message)) => return write_fields(message, shape, out),
        (Kind::Text, Value::Bytes(text)) => {
            write_key(name, out);
            write_text(text, out);
        }
        (Kind::Int | Kind::IntUnlessZero, Value::Number(number)) => {
            write_key(name, out);
            // Numbers below zero are written as the 64 bits that they are.
            serde_json::to_writer(&mut *out, &number.cast_signed()).ok();
        }
        (Kind::Bool, Value::Number(number)) => {
            write_key(name, out);
            out.extend_from_slice(if number == 0 { b"false" } else { b"true" });
        }
        (Kind::Object(shape), Value::Bytes(message)) => {
            write_key(name, out);
            write_object(message, shape, out)?;
        }
        (Kind::Texts, Value::Bytes(text)) => write_text(text, out),
        (Kind::Objects(shape) | Kind::Items(shape), Value::Bytes(message)) => {
            write_object(message, shape, out)?;
        }
        (Kind::Map, Value::Bytes(entry)) => write_entry(entry, out)?,
        _ => return Err(WireError::OtherType(name)),
    }
    out.push(b',');
    Ok(())
}

fn write_object(message: &[u8], shape: Shape, out: &mut Vec<u8>) -> Result<(), WireError> {
    out.push(b'{');
    write_fields(message, shape, out)?;
    close(b'}', out);
    Ok(())
}

/// An entry of a map is a message of key and value.
fn write_entry(entry: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let (mut key, mut text) = (&b""[..], &b""[..]);
    for field in Fields(entry) {
        match field? {
            (1, Value::Bytes(bytes)) => key = bytes,
            (2, Value::Bytes(bytes)) => text = bytes,
            _ => {}
        }
    }
    write_text(key, out);
    out.push(b':');
    write_text(text, out);
    Ok(())
}

/// A time, if there is one. What is out of reach of a clock is the first or the last that is not.
fn time(message: &[u8], is_micro: bool) -> Result<Option<Timestamp>, WireError> {
    let (mut seconds, mut nanos) = (None, 0);
    for field in Fields(message) {
        match field? {
            (1, Value::Number(number)) => seconds = Some(number.cast_signed()),
            (2, Value::Number(number)) if is_micro => nanos = i32::try_from(number).unwrap_or(0),
            _ => {}
        }
    }
    let Some(seconds) = seconds else { return Ok(None) };
    let end = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Ok(Some(Timestamp::new(seconds, nanos).unwrap_or(end)))
}

#[cfg(test)]
mod tests {
    use super::Kind::{
        Int, IntUnlessZero, Items, Map, MicroTime, Object, Objects, Splice, Text, Texts, Time,
    };
    use super::*;

    const INNER: Shape = &[(1, "a", Text), (2, "n", Int)];
    const SHAPE: Shape = &[
        (1, "text", Text),
        (2, "int", Int),
        (3, "zero", IntUnlessZero),
        (4, "time", Time),
        (5, "micro", MicroTime),
        (6, "object", Object(INNER)),
        (7, "splice", Splice(INNER)),
        (8, "texts", Texts),
        (9, "objects", Objects(INNER)),
        (10, "map", Map),
    ];

    fn json(message: &[u8], shape: Shape) -> Result<String, WireError> {
        let mut out = Vec::new();
        write_object(message, shape, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_field_is_written_as_the_api_server_writes_it() {
        for (message, expect) in [
            (&b""[..], "{}"),
            (b"\x0a\x00\x10\x00\x18\x00", r#"{"int":0}"#),
            (b"\x0a\x02\"\n\x18\x01", r#"{"text":"\"\n","zero":1}"#),
            (b"\x0a\x03a\xffb", "{\"text\":\"a\u{fffd}b\"}"),
            (b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", r#"{"int":-1}"#),
            (b"\x22\x00\x2a\x00", "{}"),
            (b"\x22\x04\x08\x00\x10\x09", r#"{"time":"1970-01-01T00:00:00Z"}"#),
            (b"\x2a\x06\x08\x01\x10\xe8\xfb\x03", r#"{"micro":"1970-01-01T00:00:01.000065Z"}"#),
            (b"\x22\x07\x08\xff\xff\xff\xff\xff\x7f", r#"{"time":"9999-12-30T22:00:00.999999999Z"}"#),
            (b"\x32\x00\x3a\x03\x0a\x01x\x42\x00\x42\x01y", r#"{"object":{},"a":"x","texts":["","y"]}"#),
            (
                b"\x4a\x00\x7a\x01?\x4a\x03\x0a\x01x\x52\x06\x0a\x01k\x12\x01v\x52\x03\x0a\x01l",
                r#"{"objects":[{},{"a":"x"}],"map":{"k":"v","l":""}}"#,
            ),
        ] {
            assert_eq!(json(message, SHAPE).as_deref(), Ok(expect));
        }
    }

    #[test]
    fn a_list_has_items_even_where_there_are_none() {
        let list: Shape = &[(1, "name", Text), (2, "items", Items(INNER))];
        assert_eq!(json(b"\x0a\x01x", list).as_deref(), Ok(r#"{"name":"x","items":[]}"#));
        assert_eq!(json(b"\x12\x02\x10\x01", list).as_deref(), Ok(r#"{"items":[{"n":1}]}"#));
    }

    #[test]
    fn what_would_have_to_be_brought_together_or_has_another_type_is_an_error() {
        assert_eq!(json(b"\x42\x01a\x10\x01\x42\x01b", SHAPE), Err(WireError::Twice("texts")));
        assert_eq!(json(b"\x10\x01\x10\x02", SHAPE), Err(WireError::Twice("int")));
        assert_eq!(json(b"\x12\x01a", SHAPE), Err(WireError::OtherType("int")));
        assert_eq!(json(b"\x32\x02\x0a\x05", SHAPE), Err(WireError::Cut));
    }

    #[test]
    fn every_field_that_is_read_has_a_bit() {
        fn numbers(shape: Shape) -> Vec<u64> {
            let below = shape.iter().flat_map(|&(number, _, kind)| match kind {
                Object(shape) | Splice(shape) | Objects(shape) | Items(shape) => {
                    let mut all = numbers(shape);
                    all.push(number);
                    all
                }
                _ => vec![number],
            });
            below.collect()
        }
        let kinds = [&b"PodList"[..], b"EventList", b"PartialObjectMetadataList", b"Status"];
        let shapes = kinds.map(|kind| super::super::shape::of_kind(kind).unwrap());
        assert!(shapes.into_iter().flat_map(numbers).all(|number| number < 64));
    }
}
