//! A Pod as protobuf, of metadata that is encoded here and a spec whose bytes the API server has given.
//!
//! The numbers of fields are those of `k8s.io/api/core/v1/generated.proto`, of `apimachinery/pkg/apis/meta/v1` and of
//! `apimachinery/pkg/runtime`, where none ever changes its meaning.

use serde_json::{Map, Value};

use crate::wire::MAGIC;

/// The wire type of bytes with their length in front.
const BYTES: u64 = 2;

/// The Pod of that metadata and that spec; none if the metadata has a field that is not known here.
pub(super) fn pod(metadata: &Value, spec: &[u8]) -> Option<Vec<u8>> {
    let mut meta = Vec::new();
    for (field, value) in metadata.as_object()? {
        match field.as_str() {
            "name" => put(&mut meta, 1, value.as_str()?.as_bytes()),
            "labels" => put_map(&mut meta, 11, value.as_object()?)?,
            "annotations" => put_map(&mut meta, 12, value.as_object()?)?,
            "ownerReferences" => {
                for owner in value.as_array()? {
                    put(&mut meta, 13, &reference(owner)?);
                }
            }
            "finalizers" => {
                for finalizer in value.as_array()? {
                    put(&mut meta, 14, finalizer.as_str()?.as_bytes());
                }
            }
            _ => return None,
        }
    }
    let (mut kind, mut pod, mut unknown) = (Vec::new(), Vec::new(), MAGIC.to_vec());
    put(&mut kind, 1, b"v1");
    put(&mut kind, 2, b"Pod");
    put(&mut pod, 1, &meta);
    put(&mut pod, 2, spec);
    put(&mut unknown, 1, &kind);
    put(&mut unknown, 2, &pod);
    Some(unknown)
}

fn reference(owner: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (field, value) in owner.as_object()? {
        let number = match field.as_str() {
            "kind" => 1,
            "name" => 3,
            "uid" => 4,
            "apiVersion" => 5,
            "controller" => {
                // A number of the wire type 0.
                put_number(&mut bytes, 6 << 3);
                put_number(&mut bytes, u64::from(value.as_bool()?));
                continue;
            }
            _ => return None,
        };
        put(&mut bytes, number, value.as_str()?.as_bytes());
    }
    Some(bytes)
}

fn put_map(bytes: &mut Vec<u8>, number: u64, map: &Map<String, Value>) -> Option<()> {
    for (key, value) in map {
        let mut entry = Vec::new();
        put(&mut entry, 1, key.as_bytes());
        put(&mut entry, 2, value.as_str()?.as_bytes());
        put(bytes, number, &entry);
    }
    Some(())
}

fn put(bytes: &mut Vec<u8>, number: u64, value: &[u8]) {
    put_number(bytes, number << 3 | BYTES);
    put_number(bytes, value.len() as u64);
    bytes.extend_from_slice(value);
}

fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7f) as u8);
}
