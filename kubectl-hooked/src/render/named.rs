//! Names as the API writes them, which are not always those in the code.

use serde::Serialize;
use serde_json::json;

/// A value of an enumeration by the name that it has in the API: `OOMKilled`, `HTTPGet`.
pub(crate) fn named<T: Serialize>(value: T) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use hooked_crd::{HandlerKind, KillReason};

    use super::*;

    #[test]
    fn a_name_is_that_of_the_api() {
        assert_eq!(named(KillReason::OomKilled), "OOMKilled");
        assert_eq!(named(HandlerKind::HttpGet), "HTTPGet");
    }
}
