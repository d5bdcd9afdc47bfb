//! What is asked for as protobuf, and what is answered as it.

use http::header::ACCEPT;
use http::{HeaderValue, Method, Request};

/// Objects, as who speaks protobuf sends and reads them.
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const JSON: &str = "application/json";

/// What is to be accepted in place of what the request accepts: the same as protobuf, or else as JSON. Nothing where
/// `shape` does not say all that may be read of the answer. A request that says nothing of it accepts JSON.
pub(super) fn with_protobuf<B>(request: &Request<B>) -> Option<HeaderValue> {
    let accept = request.headers().get(ACCEPT).map_or(Ok(JSON), HeaderValue::to_str).ok()?;
    let first = accept.split(',').next()?.strip_prefix(JSON)?;
    let is_metadata = first.starts_with(";as=PartialObjectMetadata");
    let is_whole = first.is_empty() && request.method() == Method::GET && is_collection(request.uri().path());
    (is_metadata || is_whole).then_some(())?;
    let mut query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let stream =
        if query.any(|(key, value)| key == "watch" && value == "true") { ";stream=watch" } else { "" };
    HeaderValue::try_from(format!("{PROTOBUF}{first}{stream},{accept}")).ok()
}

/// Whether all Pods or Events, or those of a namespace, are read there. Only watches read these whole.
fn is_collection(path: &str) -> bool {
    let Some(path) = path.strip_prefix("/api/v1/") else { return false };
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts[..], ["pods" | "events"] | ["namespaces", _, "pods" | "events"])
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// One object or list as protobuf.
    Object,
    /// A watch as protobuf.
    Watch,
    /// JSON, or words of whoever is in between.
    Other,
}

/// How an answer of this media type is written.
pub(super) fn content(media_type: &str) -> Content {
    let mut parts = media_type.split(';').map(str::trim);
    if parts.next() != Some(PROTOBUF) {
        Content::Other
    } else if parts.any(|part| part == "stream=watch") {
        Content::Watch
    } else {
        Content::Object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

    fn accepted(method: Method, uri: &str, accept: &str) -> Option<String> {
        let mut request = Request::builder().method(method).uri(uri).body(()).unwrap();
        if !accept.is_empty() {
            request.headers_mut().insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
        }
        with_protobuf(&request).map(|accept| accept.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_read_in_part_is_asked_for_as_protobuf_and_else_as_json() {
        let get = |uri: &str, accept: &str| accepted(Method::GET, uri, accept);
        let whole = |stream: &str| Some(format!("{PROTOBUF}{stream},{JSON}"));
        assert_eq!(get("/api/v1/pods?limit=500&labelSelector=a", JSON), whole(""));
        assert_eq!(get("/api/v1/pods?", ""), whole(""));
        assert_eq!(get("/api/v1/namespaces/shop/events?&watch=true", JSON), whole(";stream=watch"));
        let metadata = METADATA.replace(JSON, PROTOBUF);
        assert_eq!(
            accepted(Method::PATCH, "/api/v1/namespaces/shop/pods/web", &format!("{METADATA},{JSON}")),
            Some(format!("{metadata},{METADATA},{JSON}"))
        );
        assert_eq!(
            get("/api/v1/pods?watch=true", METADATA),
            Some(format!("{metadata};stream=watch,{METADATA}"))
        );
    }

    #[test]
    fn what_is_read_whole_is_asked_for_as_json() {
        for (method, uri) in [
            (Method::POST, "/api/v1/namespaces/shop/pods"),
            (Method::GET, "/api/v1/namespaces/shop/pods/web"),
            (Method::GET, "/api/v1/namespaces/pods"),
            (Method::GET, "/apis/hooked.dev/v1alpha1/hookedworkloads"),
        ] {
            assert_eq!(accepted(method, uri, JSON), None, "{uri}");
        }
    }

    #[test]
    fn an_answer_is_what_its_media_type_says() {
        let metadata = METADATA.replace(JSON, PROTOBUF);
        assert_eq!(content(PROTOBUF), Content::Object);
        assert_eq!(content(&metadata), Content::Object);
        assert_eq!(content(&format!("{PROTOBUF};stream=watch")), Content::Watch);
        assert_eq!(content(&format!("{metadata}; stream=watch")), Content::Watch);
        assert_eq!(content("application/json;stream=watch"), Content::Other);
        assert_eq!(content(""), Content::Other);
    }
}
