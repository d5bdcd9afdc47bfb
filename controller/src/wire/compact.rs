//! Below the client: asks for protobuf, and answers in JSON.

use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request, Response};
use tower::Service;

use super::accept::{Content, content, with_protobuf};
use super::envelope::to_json;
use super::frames::lines;
use super::plain::Plain;

/// Asks the service below, as protobuf where it can.
///
/// What cannot be read is an error once: from then on JSON is asked for, so that a fault in here ends nothing for
/// longer than a retry takes.
#[derive(Clone)]
pub(crate) struct Compact<S> {
    below: S,
    plain: Plain,
}

/// Asks that service as protobuf where it can.
pub(crate) fn compact<S>(below: S) -> Compact<S> {
    Compact { below, plain: Plain::default() }
}

impl<S, B> Service<Request<kube::client::Body>> for Compact<S>
where
    S: Service<Request<kube::client::Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError> + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.below.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<kube::client::Body>) -> Self::Future {
        // Who asks for protobuf is answered in protobuf.
        let accept = with_protobuf(&request).filter(|_| !self.plain.is_set());
        let plain = accept.is_some().then(|| self.plain.clone());
        if let Some(accept) = accept {
            request.headers_mut().insert(ACCEPT, accept);
        }
        let reply = self.below.call(request);
        async move {
            let reply = reply.await.map_err(Into::into)?.map(Body::new);
            match plain {
                Some(plain) => read(reply, plain).await,
                None => Ok(reply),
            }
        }
        .boxed()
    }
}

/// The answer in JSON.
async fn read(reply: Response<Body>, plain: Plain) -> Result<Response<Body>, BoxError> {
    let (mut head, body) = reply.into_parts();
    let media_type = head.headers.get(CONTENT_TYPE).and_then(|content| content.to_str().ok());
    let body = match content(media_type.unwrap_or_default()) {
        Content::Other => return Ok(Response::from_parts(head, body)),
        Content::Object => {
            let object = axum::body::to_bytes(body, usize::MAX).await?;
            Body::from(to_json(&object).map_err(|error| plain.after(error))?)
        }
        Content::Watch => Body::from_stream(lines(body, plain)),
    };
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Response::from_parts(head, body))
}
