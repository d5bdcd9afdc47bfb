//! What a failed request to the API server came to.

use kube::Error;

/// The error in a line: a refusal by the server's own words, without the rest of its reply.
pub(crate) fn brief(error: &Error) -> String {
    match error {
        Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Whether the server answered that there is no such object.
pub(crate) fn is_not_found(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 404)
}

/// Whether the server answered that the object has changed since it was read.
pub(crate) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 409)
}
