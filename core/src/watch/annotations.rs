//! The annotations of a Pod, decoded without those that nobody reads.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::lifecycle::LiveEndpoint;
use crate::names;

/// The annotations that decisions read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LeanAnnotations {
    pub(super) live_address: Option<String>,
    pub(super) live_ca: Option<String>,
    pub(super) deletion_cost: Option<String>,
    pub(super) ordinal: Option<String>,
    pub(super) is_injected: bool,
    /// The numbers that workloads have given which watch the Pod, by the annotation's name.
    pub(super) watched_ordinals: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for LeanAnnotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(AnnotationsVisitor)
    }
}

struct AnnotationsVisitor;

impl<'de> Visitor<'de> for AnnotationsVisitor {
    type Value = LeanAnnotations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("annotations, or null")
    }

    fn visit_unit<E>(self) -> Result<LeanAnnotations, E> {
        Ok(LeanAnnotations::default())
    }

    fn visit_none<E>(self) -> Result<LeanAnnotations, E> {
        Ok(LeanAnnotations::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<LeanAnnotations, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LeanAnnotations, A::Error> {
        let mut read = LeanAnnotations::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                names::LIVE_ADDRESS_ANNOTATION => read.live_address = map.next_value()?,
                names::LIVE_CA_ANNOTATION => read.live_ca = map.next_value()?,
                names::DELETION_COST_ANNOTATION => read.deletion_cost = map.next_value()?,
                names::ORDINAL => read.ordinal = map.next_value()?,
                names::INJECTED_ANNOTATION => {
                    map.next_value::<IgnoredAny>()?;
                    read.is_injected = true;
                }
                key if key.starts_with(names::WATCHED_ORDINAL) => {
                    read.watched_ordinals.insert(key.to_owned(), map.next_value()?);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(read)
    }
}

impl LeanAnnotations {
    /// Where the Pod's runners reach the operator.
    pub(super) fn endpoint(&mut self) -> Option<LiveEndpoint> {
        let endpoint = self.live_address.take().zip(self.live_ca.take());
        endpoint.map(|(address, ca)| LiveEndpoint { address, ca })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_annotations_those_are_read_that_decisions_need() {
        let annotations = serde_json::json!({
            names::LIVE_ADDRESS_ANNOTATION: "10.0.0.9:8443",
            names::LIVE_CA_ANNOTATION: "PEM",
            names::DELETION_COST_ANNOTATION: "7",
            names::ORDINAL: "4.hash",
            names::INJECTED_ANNOTATION: "true",
            "hooked.dev/ordinal-abc": "5.abc",
            "example.org/other": "text",
        });
        let mut read = serde_json::from_value::<LeanAnnotations>(annotations).unwrap();
        let endpoint = LiveEndpoint { address: "10.0.0.9:8443".to_owned(), ca: "PEM".to_owned() };
        assert_eq!(read.endpoint(), Some(endpoint));
        assert_eq!((read.ordinal.as_deref(), read.deletion_cost.as_deref()), (Some("4.hash"), Some("7")));
        assert!(read.is_injected);
        let watched = read.watched_ordinals.into_iter().collect::<Vec<_>>();
        assert_eq!(watched, [("hooked.dev/ordinal-abc".to_owned(), "5.abc".to_owned())]);
        let none = serde_json::from_value::<LeanAnnotations>(serde_json::Value::Null).unwrap();
        assert_eq!(none, LeanAnnotations::default());
    }
}
