//! Protobuf on the wire, JSON for who asks: Pods, Events and metadata alone are asked for as protobuf, and what comes
//! is turned into the JSON that the client library decodes, with just the fields that this operator reads.
//!
//! The API server encodes an object once for all who watch it as protobuf, as kubelets, scheduler and controllers do,
//! but it would encode JSON for this operator alone; and most of an object, `managedFields` above all, is skipped here
//! without a look at it. What answers JSON all the same is passed on as it is.
//!
//! `compact` is the layer that does so, `accept` knows what is asked for so, and `plain` when no more. `shape` says
//! which fields there are, `fields` reads a message, `json` writes it, `envelope` knows what the API server puts around
//! objects, `frames` takes a watch apart, `fault` says why something cannot be read.

mod accept;
mod compact;
mod envelope;
mod fault;
mod fields;
mod frames;
mod json;
mod plain;
mod shape;
#[cfg(test)]
mod tests;

pub(crate) use accept::PROTOBUF;
pub(crate) use compact::compact;
pub(crate) use envelope::{MAGIC, spec_of_template};
