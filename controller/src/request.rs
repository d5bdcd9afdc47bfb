//! Errors of requests, in few words.

use kube::Error;

/// The error in a line: a refusal by the server's own words, without the rest of its reply.
pub(crate) fn brief(error: &Error) -> String {
    match error {
        Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Whether the server says that the object has changed, or that there is one already.
pub(crate) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 409)
}
