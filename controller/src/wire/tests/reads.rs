//! Which fields a type reads: what it asks a deserializer for that has an answer to everything.

use std::collections::BTreeSet;

use serde::de::value::{BorrowedStrDeserializer, Error, MapAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// Names by which a field that has another one is known as well: `reportingComponent` of an Event in `events.k8s.io`.
const SECOND_NAMES: [&str; 1] = ["reportingController"];

/// The paths of the fields that `T` reads, such as `spec.containers[].name`.
pub(super) fn reads<T: for<'de> Deserialize<'de>>() -> BTreeSet<String> {
    let mut read = BTreeSet::new();
    T::deserialize(Ask { path: String::new(), read: &mut read }).unwrap();
    read
}

/// A value that is whatever it is asked to be.
struct Ask<'a> {
    path: String,
    read: &'a mut BTreeSet<String>,
}

impl Ask<'_> {
    fn note(self) {
        self.read.insert(self.path);
    }
}

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = Error;

    /// A type that takes anything looks into it by itself: a list of no words is what such types of ours want.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note();
        visitor.visit_unit()
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note();
        visitor.visit_borrowed_str("2026-11-22T10:00:00Z")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note();
        visitor.visit_bool(true)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note();
        visitor.visit_i64(1)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(One(Some(Ask { path: format!("{}[]", self.path), read: self.read })))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note();
        visitor.visit_map(Fields { ask: None, names: Vec::new() })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let names = names.iter().copied().filter(|name| !SECOND_NAMES.contains(name)).collect();
        MapAccessDeserializer::new(Fields { ask: Some(self), names }).deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct enum
        identifier ignored_any
    }
}

/// A list of one.
struct One<'a>(Option<Ask<'a>>);

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.take().map(|ask| seed.deserialize(ask)).transpose()
    }
}

/// An object with every field that is known.
struct Fields<'a> {
    ask: Option<Ask<'a>>,
    names: Vec<&'static str>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.names.first().map(|name| seed.deserialize(BorrowedStrDeserializer::new(name))).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let name = self.names.remove(0);
        let ask = self.ask.as_mut().unwrap();
        let path = if ask.path.is_empty() { name.to_owned() } else { format!("{}.{name}", ask.path) };
        seed.deserialize(Ask { path, read: ask.read })
    }
}

#[test]
fn the_fields_that_a_type_reads_are_found_with_their_paths() {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Outer {
        inner_list: Vec<Inner>,
        labels: Option<std::collections::BTreeMap<String, String>>,
        time: Option<jiff::Timestamp>,
        anything: Option<serde::de::IgnoredAny>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Inner {
        exit: i32,
    }
    let expect = ["anything", "innerList[].exit", "labels", "time"].map(str::to_owned);
    assert_eq!(reads::<Outer>(), BTreeSet::from(expect));
}
