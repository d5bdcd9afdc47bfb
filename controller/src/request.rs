//! Requests whose replies are not read beyond their metadata: decoding whole Pods costs a third of the create rate.

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
    Request::new(format!("/apis/hooked.dev/v1alpha1/namespaces/{namespace}/hookedworkloads"))
}

/// The collection of `ControllerRevision`s of a namespace.
pub(crate) fn revisions(namespace: &str) -> Request {
    Request::new(format!("/apis/apps/v1/namespaces/{namespace}/controllerrevisions"))
}

/// A manifest as the body of a request.
pub(crate) fn body(manifest: &Value) -> Vec<u8> {
    manifest.to_string().into_bytes()
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
