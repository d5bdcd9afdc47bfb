//! Requests as HTTP, and what comes of them.

use std::time::Duration;

use hooked_core::pass::call::{Call, Reply, Verb};
use hooked_core::pass::{Failure, Refused};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use kube::{Client, Error};
use serde_json::Value;

/// What a reply is reduced to by the API server where its metadata is all that is read.
const METADATA_ONLY: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json");

/// The same of a list.
const METADATA_LIST: HeaderValue = HeaderValue::from_static(
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
);

/// Sends a request once, and waits for the reply that long.
pub(crate) async fn answer(
    client: &Client,
    request: Request<Vec<u8>>,
    timeout: Duration,
) -> Result<Value, Failure> {
    match tokio::time::timeout(timeout, client.request::<Value>(request)).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(Error::Api(status))) => Err(Failure::Refused(refused(*status))),
        Ok(Err(error)) => Err(Failure::Lost(error.to_string())),
        Err(_) => Err(Failure::Lost(format!("no answer within {} ms", timeout.as_millis()))),
    }
}

/// A call as an HTTP request, which the server too gives up after `timeout`.
pub(crate) fn request(call: &Call, timeout: Duration) -> Result<Request<Vec<u8>>, http::Error> {
    let Call { verb, path, query, body, reply } = call;
    let (method, content) = match verb {
        Verb::Get => (Method::GET, "application/json"),
        Verb::Create => (Method::POST, "application/json"),
        Verb::Replace => (Method::PUT, "application/json"),
        Verb::Delete => (Method::DELETE, "application/json"),
        Verb::JsonPatch => (Method::PATCH, "application/json-patch+json"),
        Verb::Merge => (Method::PATCH, "application/merge-patch+json"),
        Verb::StrategicMerge => (Method::PATCH, "application/strategic-merge-patch+json"),
    };
    let mut uri = form_urlencoded::Serializer::for_suffix(format!("{path}?"), path.len() + 1);
    uri.append_pair("timeout", &format!("{}ms", timeout.as_millis())).extend_pairs(query);
    let mut request = Request::builder().method(method).uri(uri.finish());
    if !body.is_null() {
        request = request.header(CONTENT_TYPE, content);
    }
    let accept = match reply {
        Reply::Metadata => METADATA_ONLY,
        Reply::MetadataList => METADATA_LIST,
        Reply::Whole => HeaderValue::from_static("application/json"),
    };
    request.header(ACCEPT, accept).body(if body.is_null() { Vec::new() } else { bytes(body) })
}

/// A value as the body of a request, with the characters escaped that Go escapes.
///
/// The API server keeps the `data` of a ControllerRevision byte for byte and writes it anew when it is patched, with
/// these characters escaped: it would then take any patch, that of the garbage collector too, for a change of what is
/// immutable. They stand only within JSON's strings, where the escape means the same.
fn bytes(body: &Value) -> Vec<u8> {
    let text = body.to_string();
    let escapes = [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ];
    escapes.into_iter().fold(text, |text, (character, escape)| text.replace(character, escape)).into_bytes()
}

fn refused(status: kube::core::Status) -> Refused {
    let causes = status.details.into_iter().flat_map(|details| details.causes);
    Refused {
        code: status.code,
        reason: status.reason,
        message: status.message,
        causes: causes.map(|cause| (cause.field, cause.message)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_written_as_go_would_write_it() {
        let manifest = serde_json::json!({"command": "a < b && c > d\u{2028}"});
        let body = String::from_utf8(bytes(&manifest)).unwrap();
        assert_eq!(body, r#"{"command":"a \u003c b \u0026\u0026 c \u003e d\u2028"}"#);
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), manifest);
    }

    #[test]
    fn a_query_is_escaped_and_names_the_time_out() {
        let call = Call {
            verb: Verb::Get,
            path: "/api/v1/pods".to_owned(),
            query: vec![("labelSelector", "hooked.dev/workload-uid=u-1".to_owned())],
            body: Value::Null,
            reply: Reply::Whole,
        };
        let request = request(&call, Duration::from_secs(5)).unwrap();
        let expect = "/api/v1/pods?timeout=5000ms&labelSelector=hooked.dev%2Fworkload-uid%3Du-1";
        assert_eq!((request.method(), request.uri().to_string()), (&Method::GET, expect.to_owned()));
        assert!(request.body().is_empty() && !request.headers().contains_key(CONTENT_TYPE));
    }
}
