//! Protobuf on the wire, JSON for who asks: Pods, Events and metadata alone are asked for as protobuf, and what comes
//! is turned into the JSON that the client library decodes, with just the fields that this operator reads.
//!
//! The API server encodes an object once for all who watch it as protobuf, as kubelets, scheduler and controllers do,
//! but it would encode JSON for this operator alone; and most of an object, `managedFields` above all, is skipped here
//! without a look at it. What answers JSON all the same is passed on as it is.
//!
//! `shape` says which fields there are, `fields` reads a message, `json` writes it, `envelope` knows what the API
//! server puts around objects, `frames` takes a watch apart.

mod accept;
mod envelope;
mod fields;
mod frames;
mod json;
mod shape;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::BoxError;
use axum::body::Body;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request, Response};
use kube::Client;
use thiserror::Error;

/// Why what the API server sent cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
enum WireError {
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

/// A client that asks through this one, as protobuf where it can.
///
/// What cannot be read is an error once: from then on JSON is asked for, so that a fault in here ends nothing for
/// longer than a retry takes.
pub(crate) fn compact(client: &Client) -> Client {
    let (namespace, valid_until) = (client.default_namespace().to_owned(), *client.valid_until());
    let (client, plain) = (client.clone(), Plain::default());
    let service = tower::service_fn(move |request| ask(client.clone(), plain.clone(), request));
    Client::new(service, namespace).with_valid_until(valid_until)
}

/// Whether JSON alone is asked for.
#[derive(Clone, Default)]
struct Plain(Arc<AtomicBool>);

impl Plain {
    /// The error, from which on JSON is asked for.
    fn after(&self, error: WireError) -> BoxError {
        tracing::error!(%error, "an answer in protobuf cannot be read: JSON is asked for from now on");
        self.0.store(true, Ordering::Relaxed);
        error.into()
    }
}

async fn ask(
    client: Client,
    plain: Plain,
    mut request: Request<kube::client::Body>,
) -> Result<Response<Body>, BoxError> {
    let accept = accept::with_protobuf(&request).filter(|_| !plain.0.load(Ordering::Relaxed));
    let Some(accept) = accept else { return Ok(client.send(request).await?.map(Body::new)) };
    request.headers_mut().insert(ACCEPT, accept);
    let (mut head, body) = client.send(request).await?.into_parts();
    let content = head.headers.get(CONTENT_TYPE).and_then(|content| content.to_str().ok());
    let body = match accept::content(content.unwrap_or_default()) {
        accept::Content::Other => return Ok(Response::from_parts(head, Body::new(body))),
        accept::Content::Object => {
            let json = envelope::to_json(&body.collect_bytes().await?).map_err(|error| plain.after(error))?;
            Body::from(json)
        }
        accept::Content::Watch => Body::from_stream(frames::lines(body, plain)),
    };
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Response::from_parts(head, body))
}
