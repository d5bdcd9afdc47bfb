//! Requests whose replies are not read beyond their metadata: decoding whole Pods costs a third of the create rate.

use hooked_core::names;
use kube::core::{ObjectMeta, Request, Status};
use kube::{Client, Error};
use serde::Deserialize;
use serde_json::Value;

/// What a reply is reduced to by the API server.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct MetadataOnly {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
}

const METADATA_ONLY: http::HeaderValue = http::HeaderValue::from_static(
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
);

/// Sends `request` and reads the metadata of the reply.
pub(crate) async fn send(client: &Client, mut request: http::Request<Vec<u8>>) -> Result<ObjectMeta, Error> {
    request.headers_mut().insert(http::header::ACCEPT, METADATA_ONLY);
    client.request::<MetadataOnly>(request).await.map(|reply| reply.metadata)
}

/// The collection of Pods of a namespace.
pub(crate) fn pods(namespace: &str) -> Request {
    Request::new(format!("/api/v1/namespaces/{namespace}/pods"))
}

/// The collection of HookedWorkloads of a namespace.
pub(crate) fn workloads(namespace: &str) -> Request {
    Request::new(format!("/apis/{}/namespaces/{namespace}/{}", names::API_VERSION, names::PLURAL))
}

/// The collection of `ControllerRevision`s of a namespace.
pub(crate) fn revisions(namespace: &str) -> Request {
    Request::new(format!("/apis/apps/v1/namespaces/{namespace}/controllerrevisions"))
}

/// A manifest as the body of a request, with the characters escaped that Go escapes.
///
/// The API server keeps the `data` of a ControllerRevision byte for byte and writes it anew when it is patched, with
/// these characters escaped: it would then take any patch, that of the garbage collector too, for a change of what is
/// immutable. They stand only within JSON's strings, where the escape means the same.
pub(crate) fn body(manifest: &Value) -> Vec<u8> {
    let text = manifest.to_string();
    let escapes = [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ];
    escapes.into_iter().fold(text, |text, (character, escape)| text.replace(character, escape)).into_bytes()
}

/// The server's refusal, if the error is one: whatever else it is, the request may have been carried out.
pub(crate) fn refusal(error: &Error) -> Option<&Status> {
    match error {
        Error::Api(status)
            if (400..500).contains(&status.code) && status.code != 408 && status.code != 429 =>
        {
            Some(status)
        }
        _ => None,
    }
}

/// The error in a line: a refusal by the server's own words, without the rest of its reply.
pub(crate) fn brief(error: &Error) -> String {
    match error {
        Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Whether the server says that there is no such object.
pub(crate) fn is_not_found(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 404)
}

/// Whether the server says that the object has changed, or that there is one already.
pub(crate) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 409)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_written_as_go_would_write_it() {
        let manifest = serde_json::json!({"command": "a < b && c > d\u{2028}"});
        let body = String::from_utf8(body(&manifest)).unwrap();
        assert_eq!(body, r#"{"command":"a \u003c b \u0026\u0026 c \u003e d\u2028"}"#);
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), manifest);
    }

    #[test]
    fn the_path_of_workloads_is_that_of_their_definition() {
        let list = workloads("shop").list(&kube::api::ListParams::default()).unwrap();
        let path = <hooked_crd::HookedWorkload as kube::Resource>::url_path(&(), Some("shop"));
        assert_eq!(list.uri().path(), path);
    }
}
