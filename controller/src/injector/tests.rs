//! The injector as the API server meets it: two operators serve it, one of which leads.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use clap::Parser;
use hooked_core::pass::Locked;
use http::{Method, Request, Response};
use json_patch::Patch;
use k8s_openapi::ByteString;
use kube::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{Serving, serve_injector};
use crate::clients::Clients;
use crate::fence::Fence;
use crate::lease::{Leadership, Standing};
use crate::runner::RunnerSource;
use crate::settings::Cli;
use crate::tls_listener::CONNECTIONS;
use crate::watch::Scope;

/// The review of a Pod of a Deployment.
const CREATE: &str = include_str!("recorded/create.json");
const SECRET: &str = "/api/v1/namespaces/hooked-system/secrets/hooked-controller-injector";
const CONFIGURATION: &str =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/hooked-injector";

/// An API server.
#[derive(Default)]
struct Server {
    secret: Locked<Option<Value>>,
    bundle: Locked<Option<String>>,
    /// What it was asked to change, by whom.
    written: Locked<Vec<String>>,
}

impl Server {
    fn clients(self: &Arc<Self>, name: &'static str) -> Clients {
        let server = Arc::clone(self);
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let server = Arc::clone(&server);
            async move {
                let (parts, body) = request.into_parts();
                let query = parts.uri.query().unwrap_or_default();
                if query.contains("watch=") {
                    return Ok::<_, Infallible>(Response::new(Body::from_stream(
                        futures::stream::pending::<Result<Vec<u8>, Infallible>>(),
                    )));
                }
                let body = body.collect_bytes().await.unwrap();
                let body = serde_json::from_slice(&body).unwrap_or_default();
                if parts.method != Method::GET && !query.contains("dryRun") {
                    server.written.lock().push(format!("{name} {} {}", parts.method, parts.uri.path()));
                }
                let (code, reply) = server.answer(&parts.method, parts.uri.path(), body);
                Ok(Response::builder().status(code).body(Body::from(reply.to_string())).unwrap())
            }
        });
        let client = Client::new(service, "default");
        Clients { once: client.clone(), client }
    }

    fn answer(&self, method: &Method, path: &str, body: Value) -> (u16, Value) {
        let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d-1", "controller": true});
        let workload = json!({
            "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload",
            "metadata": {"namespace": "shop", "name": "watch", "uid": "w-1"},
            "spec": {
                "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "hooks": {"measurement": "Runner"},
            },
        });
        match (method, path) {
            (&Method::PUT, SECRET) => {
                *self.secret.lock() = Some(body.clone());
                (200, body)
            }
            (_, SECRET) => {
                let empty =
                    json!({"metadata": {"name": "hooked-controller-injector", "resourceVersion": "1"}});
                (200, self.secret.lock().clone().unwrap_or(empty))
            }
            (&Method::PATCH, CONFIGURATION) => {
                let value = body[1]["value"].clone();
                let ByteString(bytes) = serde_json::from_value(value).unwrap();
                *self.bundle.lock() = Some(String::from_utf8(bytes).unwrap());
                (200, json!({"metadata": {"name": "hooked-injector"}}))
            }
            (_, "/apis/hooked.dev/v1alpha1/hookedworkloads") => {
                (200, json!({"metadata": {"resourceVersion": "7"}, "items": [workload]}))
            }
            (_, "/apis/apps/v1/namespaces/shop/replicasets/web-6d4b75cb6d") => (
                200,
                json!({"metadata": {"name": "web-6d4b75cb6d", "uid": "set-1", "ownerReferences": [owner]}}),
            ),
            (&Method::POST, "/api/v1/namespaces/shop/pods") => (201, body),
            _ => (403, json!({"kind": "Status", "status": "Failure", "code": 403, "message": "no"})),
        }
    }
}

/// An operator that serves the injector: where, and how far it has come.
fn operator(
    server: &Arc<Server>,
    name: &'static str,
    standing: Standing,
) -> (SocketAddr, watch::Receiver<Serving>) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bind = format!("--inject-bind-address={address}");
    let words = ["hooked-controller", "--runner-image=hooked:1", "--live-bind-address=", &bind];
    let settings = Cli::parse_from(words).settings;
    let (tell, standing) = watch::channel(standing);
    let fence = Arc::new(Fence::new(Arc::new(Leadership::Sole)));
    let runner = Arc::new(RunnerSource::new(settings.runner()));
    let clients = server.clients(name);
    let (tell_serving, serving) = watch::channel(Serving::Unknown);
    tokio::spawn(async move {
        let _tell = tell;
        let leading = (standing, fence);
        serve_injector(settings.injector(), clients, runner, vec![Scope(None)], leading, tell_serving).await;
    });
    (address, serving)
}

/// A connection of who trusts these authorities alone; none if the operator cannot be reached.
async fn connect(address: SocketAddr, bundle: &str) -> Option<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("hooked-controller-injector.hooked-system.svc").unwrap();
    let stream = TcpStream::connect(address).await.ok()?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()
}

/// Sends what announces a review of that many bytes, and so much of it.
async fn send(stream: &mut TlsStream<TcpStream>, announced: usize, review: &str) {
    let head = format!(
        "POST /pods?timeout=2s HTTP/1.1\r\nHost: injector\r\nConnection: close\r\nContent-Length: {announced}\r\n\r\n"
    );
    stream.write_all(format!("{head}{review}").as_bytes()).await.unwrap();
}

/// What is answered: the first line and the body.
async fn answer(stream: &mut TlsStream<TcpStream>) -> Option<(String, Value)> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.to_owned(), serde_json::from_str(body).unwrap_or_default()))
}

/// What the operator answers to a review from who trusts these authorities alone; none if it cannot be reached.
async fn review(address: SocketAddr, bundle: &str, review: &str) -> Option<(String, Value)> {
    let mut stream = connect(address, bundle).await?;
    send(&mut stream, review.len(), review).await;
    answer(&mut stream).await
}

async fn until<T>(what: &str, mut find: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(found) = find().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

/// The Pod of a review as the answer changes it.
fn patched(asked: &str, answer: &Value) -> Value {
    let asked: Value = serde_json::from_str(asked).unwrap();
    assert_eq!(answer["response"]["uid"], asked["request"]["uid"]);
    assert_eq!((&answer["kind"], &answer["apiVersion"]), (&asked["kind"], &asked["apiVersion"]));
    assert_eq!(answer["response"]["allowed"], true);
    let mut pod = asked["request"]["object"].clone();
    if answer["response"]["patch"].is_null() {
        return pod;
    }
    assert_eq!(answer["response"]["patchType"], "JSONPatch");
    let ByteString(bytes) = serde_json::from_value(answer["response"]["patch"].clone()).unwrap();
    let patch: Patch = serde_json::from_slice(&bytes).unwrap();
    json_patch::patch(&mut pod, &patch).unwrap();
    pod
}

/// An operator that leads and answers: where, and the authorities by which it is known.
async fn answering_leader() -> (SocketAddr, String) {
    let server = Arc::new(Server::default());
    let (leader, _) = operator(&server, "leader", Standing::Leader);
    let bundle = until("the API server knows the authorities", async || server.bundle.lock().clone()).await;
    until("it answers", async || review(leader, &bundle, CREATE).await).await;
    (leader, bundle)
}

#[tokio::test]
async fn every_operator_answers_and_only_the_one_that_leads_writes() {
    let server = Arc::new(Server::default());
    let (standby, mut serving) = operator(&server, "standby", Standing::Standby);
    // A rollout that brings the injector would wait for ever for what only the next leader stores.
    serving.wait_for(|serving| *serving == Serving::WithoutCertificate).await.unwrap();
    let (leader, _) = operator(&server, "leader", Standing::Leader);
    let bundle = until("the API server knows the authorities", async || server.bundle.lock().clone()).await;
    for address in [leader, standby] {
        let (status, answer) = until("it answers", async || review(address, &bundle, CREATE).await).await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        let pod = patched(CREATE, &answer);
        let command = &pod["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"];
        assert_eq!(command[0], hooked_protocol::RUNNER_PATH, "{pod}");
        assert_eq!(pod["spec"]["initContainers"][0]["name"], "hooked-install");
        // What has it once stays as it is, as in a second round of webhooks.
        let mut second: Value = serde_json::from_str(CREATE).unwrap();
        second["request"]["object"] = pod.clone();
        let second = second.to_string();
        let (_, answer) = review(address, &bundle, &second).await.unwrap();
        assert_eq!(patched(&second, &answer), pod);
        let (status, _) = review(address, &bundle, "no review").await.unwrap();
        assert_eq!(status, "HTTP/1.1 400 Bad Request");
    }
    assert_eq!(*serving.borrow(), Serving::Answering);
    let mut written = server.written.lock().clone();
    written.dedup();
    assert_eq!(written, [format!("leader PUT {SECRET}"), format!("leader PATCH {CONFIGURATION}")]);
}

#[tokio::test]
async fn what_is_no_creation_of_a_pod_that_somebody_asks_for_stays_as_it_is() {
    let (leader, bundle) = answering_leader().await;
    for (words, others) in [
        ("\"operation\":\"CREATE\"", "\"operation\":\"UPDATE\""),
        ("\"namespace\":\"shop\"", "\"namespace\":\"test\""),
        ("\"namespace\":\"shop\"", "\"namespace\":\"hooked-system\""),
        ("\"uid\":\"set-1\"", "\"uid\":\"set-2\""),
        ("\"controller\":true", "\"controller\":false"),
        ("\"labels\":{", "\"labels\":{\"hooked.dev/revision\":\"a\","),
    ] {
        assert!(CREATE.contains(words), "{words}");
        let review_of_another = CREATE.replace(words, others);
        let (_, answer) = review(leader, &bundle, &review_of_another).await.unwrap();
        assert!(answer["response"]["patch"].is_null(), "{others}: {answer}");
        assert_eq!(answer["response"]["allowed"], true);
    }
}

#[tokio::test]
async fn reviews_that_are_sent_in_half_keep_no_other_from_being_answered() {
    let (leader, bundle) = answering_leader().await;
    let mut halves = Vec::new();
    for _ in 0..CONNECTIONS / 2 {
        let mut stream = connect(leader, &bundle).await.unwrap();
        send(&mut stream, 4 << 20, &CREATE[..CREATE.len() / 2]).await;
        halves.push(stream);
    }
    let whole = timeout(Duration::from_secs(2), review(leader, &bundle, CREATE)).await.unwrap();
    assert_eq!(whole.unwrap().0, "HTTP/1.1 200 OK");
    for mut stream in halves {
        let refused = timeout(Duration::from_secs(10), answer(&mut stream)).await.unwrap();
        assert_eq!(refused.unwrap().0, "HTTP/1.1 503 Service Unavailable");
    }
}

#[tokio::test]
async fn a_review_that_would_take_much_memory_is_not_read() {
    let (leader, bundle) = answering_leader().await;
    let heavy = format!("[{}0]", r#"{"a":0},"#.repeat(1 << 17));
    let (refused, _) = review(leader, &bundle, &heavy).await.unwrap();
    assert_eq!(refused, "HTTP/1.1 413 Payload Too Large");
}

#[tokio::test]
async fn connections_are_as_many_as_there_may_be() {
    let (leader, bundle) = answering_leader().await;
    let mut open = Vec::new();
    while let Ok(stream) = timeout(Duration::from_secs(2), connect(leader, &bundle)).await {
        open.push(stream.unwrap());
    }
    assert_eq!(open.len(), CONNECTIONS);
    open.pop();
    let (status, _) = until("there is room again", async || review(leader, &bundle, CREATE).await).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
}
