//! Why an answer in protobuf cannot be read.

use thiserror::Error;

/// Why what the API server sent cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum WireError {
    #[error("a protobuf message ends too early")]
    Cut,
    #[error("a protobuf message has a field of a wire type that is not used")]
    WireType,
    #[error("the protobuf field `{0}` has another type")]
    OtherType(&'static str),
    #[error("the protobuf field `{0}` is there twice")]
    Twice(&'static str),
    #[error("what is said to be protobuf does not begin like an object of Kubernetes")]
    NoObject,
    #[error("a watch sends {0} bytes as one event")]
    TooLong(usize),
    #[error("an object of the kind {0:?} was not asked for")]
    OtherKind(String),
}
