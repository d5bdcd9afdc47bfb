//! Metrics over TLS, and an API server that knows three tokens.

use std::convert::Infallible;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use http::{Request, Response};
use kube::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{Reviews, Scrapers, Verdict};
use crate::http::serve_metrics;
use crate::metrics::Metrics;

/// A client of an API server that is asked `asked` times.
fn client(asked: &Arc<AtomicUsize>) -> Client {
    let asked = Arc::clone(asked);
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        asked.fetch_add(1, Ordering::SeqCst);
        async move {
            let (parts, body) = request.into_parts();
            let body: Value = serde_json::from_slice(&body.collect_bytes().await.unwrap()).unwrap();
            let (code, reply) = answer(parts.uri.path(), &body);
            let reply = Response::builder().status(code).body(Body::from(reply.to_string())).unwrap();
            Ok::<_, Infallible>(reply)
        }
    });
    Client::new(service, "default")
}

fn answer(path: &str, body: &Value) -> (u16, Value) {
    let mut reply = body.clone();
    let spec = &body["spec"];
    reply["status"] = match path {
        "/apis/authentication.k8s.io/v1/tokenreviews" => match spec["token"].as_str().unwrap() {
            "ill" => {
                return (500, json!({"kind": "Status", "status": "Failure", "message": "ill", "code": 500}));
            }
            "unknown" => json!({"authenticated": false, "error": "no such token"}),
            name => json!({"authenticated": true, "user": {"username": name, "groups": ["all"]}}),
        },
        "/apis/authorization.k8s.io/v1/subjectaccessreviews" => {
            assert_eq!(spec["nonResourceAttributes"], json!({"path": "/metrics", "verb": "get"}));
            assert_eq!(spec["groups"], json!(["all"]));
            json!({"allowed": spec["user"] == "prometheus"})
        }
        other => panic!("nobody asks for {other}"),
    };
    (201, reply)
}

#[tokio::test]
async fn the_api_server_says_who_may_and_is_believed_for_a_while() {
    let asked = Arc::new(AtomicUsize::new(0));
    let reviews = Reviews::new(client(&asked));
    let now = Instant::now();
    let check = async |token: &str, after: u64, expect: Verdict, questions: usize| {
        let before = asked.load(Ordering::SeqCst);
        assert_eq!(
            reviews.judge_at(token, now + Duration::from_secs(after)).await,
            expect,
            "{token} {after}"
        );
        assert_eq!(asked.load(Ordering::SeqCst) - before, questions, "{token} {after}");
    };
    check("prometheus", 0, Verdict::Allowed, 2).await;
    check("prometheus", 59, Verdict::Allowed, 0).await;
    check("prometheus", 60, Verdict::Allowed, 2).await;
    check("someone", 0, Verdict::Forbidden, 2).await;
    check("someone", 9, Verdict::Forbidden, 0).await;
    check("someone", 10, Verdict::Forbidden, 2).await;
    check("unknown", 0, Verdict::Unauthenticated, 1).await;
    check("unknown", 9, Verdict::Unauthenticated, 0).await;
    check("ill", 0, Verdict::Unknown, 1).await;
    check("ill", 0, Verdict::Unknown, 1).await;
    assert_eq!(reviews.judge(None).await, Verdict::Unauthenticated);
    assert_eq!(reviews.judge(Some("Basic prometheus")).await, Verdict::Unauthenticated);
}

/// A directory with a certificate of its own, which is gone when this is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let place = std::env::temp_dir().join(format!("hooked-{name}-{}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        Self(place)
    }

    /// Writes another certificate, and returns it.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["metrics.test".to_owned()]).unwrap();
        fs::write(self.0.join("tls.crt"), made.cert.pem()).unwrap();
        fs::write(self.0.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
        CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// What the operator answers to who trusts that certificate alone; nothing if the handshake fails.
async fn scrape(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    token: Option<&str>,
) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("metrics.test").unwrap();
    let stream = TcpStream::connect(address).await.ok()?;
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: metrics\r\nConnection: close\r\n{token}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // It may hang up without a word of TLS.
    stream.read_to_string(&mut answer).await.ok();
    Some(answer)
}

#[tokio::test]
async fn metrics_are_for_who_may_read_them_over_a_certificate_that_may_change() {
    let asked = Arc::new(AtomicUsize::new(0));
    let directory = Directory::new("metrics-tls");
    let first = directory.renew();
    let scrapers = Arc::new(Scrapers::new(client(&asked), Some(directory.0.clone())).unwrap());
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let metrics = Arc::new(Metrics::new().unwrap());
    let server = tokio::spawn(serve_metrics(address, metrics, Some(Arc::clone(&scrapers))));
    while TcpStream::connect(address).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let check = async |token, code: &str, words: &str| {
        let answer = scrape(address, &first, token).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")) && answer.contains(words), "{answer}");
    };
    check(Some("prometheus"), "200", "hooked_build_info").await;
    check(Some("someone"), "403", "may not get /metrics").await;
    check(Some("unknown"), "401", "").await;
    check(Some("ill"), "503", "").await;
    check(None, "401", "").await;

    let second = directory.renew();
    scrapers.certificates.look().unwrap();
    assert!(scrape(address, &first, Some("prometheus")).await.is_none());
    let answer = scrape(address, &second, Some("prometheus")).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // Between the writes of two files, say.
    fs::write(directory.0.join("tls.key"), "no key").unwrap();
    assert!(scrapers.certificates.look().is_err());
    assert!(scrape(address, &second, Some("prometheus")).await.is_some(), "the one before stays");
    server.abort();
}

#[test]
fn without_a_directory_the_certificate_is_made_and_a_directory_without_one_is_told() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _entered = runtime.enter();
    let client = || client(&Arc::new(AtomicUsize::new(0)));
    assert!(Scrapers::new(client(), None).is_ok());
    let refused = Scrapers::new(client(), Some(PathBuf::from("/nowhere"))).err().unwrap().to_string();
    assert!(refused.starts_with("--metrics-cert-dir: /nowhere/tls.crt cannot be read"), "{refused}");
}
