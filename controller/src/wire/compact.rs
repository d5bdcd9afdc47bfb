//! The client that asks for protobuf and answers in JSON.

use axum::BoxError;
use axum::body::Body;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request, Response};
use kube::Client;

use super::accept::{Content, content, with_protobuf};
use super::envelope::to_json;
use super::frames::lines;
use super::plain::Plain;

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

async fn ask(
    client: Client,
    plain: Plain,
    mut request: Request<kube::client::Body>,
) -> Result<Response<Body>, BoxError> {
    // Who asks for protobuf is answered in protobuf.
    let accept = with_protobuf(&request).filter(|_| !plain.is_set());
    let Some(accept) = accept else { return Ok(client.send(request).await?.map(Body::new)) };
    request.headers_mut().insert(ACCEPT, accept);
    let (mut head, body) = client.send(request).await?.into_parts();
    let media_type = head.headers.get(CONTENT_TYPE).and_then(|content| content.to_str().ok());
    let body = match content(media_type.unwrap_or_default()) {
        Content::Other => return Ok(Response::from_parts(head, Body::new(body))),
        Content::Object => {
            let json = to_json(&body.collect_bytes().await?).map_err(|error| plain.after(error))?;
            Body::from(json)
        }
        Content::Watch => Body::from_stream(lines(body, plain)),
    };
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Response::from_parts(head, body))
}
