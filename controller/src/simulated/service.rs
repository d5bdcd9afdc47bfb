//! HTTP before the API server in memory: what the client sends comes in, what the server says goes out.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{Error, ErrorKind};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures::{Stream, stream};
use hooked_simulation::{ContentType, Method, Request, WatchSpec};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request as HttpRequest, Response};
use kube::Client;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::cluster::{Cluster, Shared};
use super::fate::Fate;
use crate::wire::compact;

/// A client of the cluster; what it asks for is logged under that name.
pub(super) fn client(cluster: &Cluster, name: &str) -> Client {
    let (shared, name) = (Arc::clone(&cluster.shared), Arc::<str>::from(name));
    let service = tower::service_fn(move |request| {
        let (shared, name) = (Arc::clone(&shared), Arc::clone(&name));
        async move { answer(shared, &name, request).await }
    });
    Client::new(compact(service), "shop")
}

async fn answer(
    shared: Arc<Shared>,
    by: &str,
    request: HttpRequest<kube::client::Body>,
) -> Result<Response<Body>, Error> {
    let request = read(request).await?;
    if request.query.get("watch").is_some_and(|watch| watch != "false") {
        return Ok(watch(shared, &request));
    }
    let (reply, fate) = shared.serve(by, &request);
    match fate {
        Fate::ReplyLost => return Err(Error::new(ErrorKind::ConnectionReset, "the test loses the reply")),
        Fate::Held => {
            let _held = Held(&shared);
            shared.released.subscribe().wait_for(|released| *released).await.ok();
        }
        Fate::Answered | Fate::Refused(_) => {}
    }
    Ok(respond(reply.code, Body::from(reply.body.to_string())))
}

/// A reply that is held back, until it is let go or nobody waits for it any more.
struct Held<'a>(&'a Shared);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut world = self.0.world.lock();
        world.held_until = world.log.len();
    }
}

fn respond(code: u16, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap();
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

async fn read(request: HttpRequest<kube::client::Body>) -> Result<Request, Error> {
    let (parts, body) = request.into_parts();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let method = match parts.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        other => return Err(Error::other(format!("no server knows {other}"))),
    };
    let query = parts.uri.query().unwrap_or_default();
    let query: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let content_type = ContentType::from_header(header(CONTENT_TYPE));
    let metadata_only = header(ACCEPT).contains("as=PartialObjectMetadata");
    let bytes = body.collect_bytes().await.map_err(Error::other)?;
    let body = if bytes.is_empty() { None } else { Some(serde_json::from_slice(&bytes)?) };
    Ok(Request {
        method,
        path: parts.uri.path().to_owned(),
        query,
        content_type: content_type.ok_or_else(|| Error::other("an unknown content type"))?,
        metadata_only,
        body,
    })
}

/// A watch that is open.
struct Open {
    shared: Arc<Shared>,
    spec: WatchSpec,
    version: u64,
    changes: watch::Receiver<()>,
    cut: watch::Receiver<()>,
    has_ended: bool,
}

fn watch(shared: Arc<Shared>, request: &Request) -> Response<Body> {
    if shared.world.lock().refuses_watches {
        return respond(503, Body::from(json!({"kind": "Status", "code": 503}).to_string()));
    }
    let spec = match WatchSpec::of(request) {
        Ok(spec) => spec,
        Err(status) => return respond(400, Body::from(status.to_string())),
    };
    let version = request.query.get("resourceVersion").and_then(|version| version.parse().ok());
    let (changes, cut) = (shared.changed.subscribe(), shared.cut.subscribe());
    let open = Open { shared, spec, version: version.unwrap_or(0), changes, cut, has_ended: false };
    respond(200, Body::from_stream(events(open)))
}

/// The lines of a watch, for as long as it is open.
fn events(open: Open) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(open, |mut open| async move {
        while !open.has_ended {
            if let Some(lines) = open.next() {
                return Some((Ok(lines), open));
            }
            tokio::select! {
                _ = open.changes.changed() => {}
                _ = open.cut.changed() => open.has_ended = true,
            }
        }
        None
    })
}

impl Open {
    /// What has happened since it was last asked.
    fn next(&mut self) -> Option<Bytes> {
        let world = self.shared.world.lock();
        match world.server.events_since(&self.spec, self.version) {
            Ok(events) => {
                self.version = world.server.version();
                let lines: String = events.iter().map(|event| line(&event.to_json())).collect();
                (!lines.is_empty()).then(|| lines.into())
            }
            Err(expired) => {
                self.has_ended = true;
                Some(line(&json!({"type": "ERROR", "object": expired.status})).into())
            }
        }
    }
}

fn line(event: &Value) -> String {
    format!("{event}\n")
}
