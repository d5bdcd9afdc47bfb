//! `vet` before an API server that forbids the runner, and then takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use axum::Router;
use axum::http::StatusCode;
use hooked_crd::HookedWorkloadSpec;
use kube::{Client, Config};
use serde_json::json;

use super::*;
use crate::lead::Leadership;
use crate::metrics::Metrics;
use crate::runner::RunnerSource;
use crate::settings::Injection;

/// An API server that takes Pods, those with the runner only if it is allowed, or answers nothing well.
#[derive(Default)]
struct Server {
    allows_runner: AtomicBool,
    is_down: AtomicBool,
    asked: AtomicUsize,
}

impl Server {
    fn answer(&self, pod: String) -> (StatusCode, String) {
        self.asked.fetch_add(1, SeqCst);
        let status =
            |code: u16| json!({"status": "Failure", "message": "a policy", "code": code}).to_string();
        if self.is_down.load(SeqCst) {
            (StatusCode::INTERNAL_SERVER_ERROR, status(500))
        } else if pod.contains("hooked-records") && !self.allows_runner.load(SeqCst) {
            (StatusCode::FORBIDDEN, status(403))
        } else {
            (StatusCode::CREATED, pod)
        }
    }
}

async fn serve(server: &Arc<Server>) -> Context {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Arc::clone(server);
    let router = Router::new().fallback(move |pod: String| async move { server.answer(pod) });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
    let runner = Arc::new(RunnerSource::new("hooked".to_owned(), Injection::InitContainer));
    let (metrics, leadership) = (Arc::new(Metrics::new().unwrap()), Arc::new(Leadership::Sole));
    Context::new(client, Arc::default(), metrics, runner, leadership, Arc::default(), "operator".to_owned())
}

/// Vets the same revision: how hooks are measured, and of how many Pods the server was asked.
async fn check(context: &Context, server: &Server, expect: &Measuring, requests: usize) -> Option<Timestamp> {
    let hooks = json!({"preStop": {"exec": {"command": ["true"]}}});
    let container = json!({"name": "web", "image": "web", "lifecycle": hooks});
    let spec: HookedWorkloadSpec =
        serde_json::from_value(json!({"selector": {}, "template": {"spec": {"containers": [container]}}}))
            .unwrap();
    let owner = Owner { name: "web".to_owned(), uid: "u".to_owned() };
    let before = server.asked.load(SeqCst);
    let admission = vet(context, "shop", &owner, Desired::from_spec(&spec, 0).unwrap()).await.unwrap();
    assert_eq!(&admission.desired.measuring, expect);
    assert_eq!(server.asked.load(SeqCst) - before, requests);
    admission.ask_again
}

fn let_ten_minutes_pass(context: &Context) {
    for verdict in context.vetted.lock().values_mut() {
        verdict.until = verdict.until.map(|_| Timestamp::now());
    }
}

#[tokio::test]
async fn a_runner_that_a_policy_forbids_is_asked_for_again_after_a_while_and_not_before() {
    let server = Arc::new(Server::default());
    let context = serve(&server).await;
    let forbidden = Measuring::Unavailable("a policy".to_owned());
    assert!(check(&context, &server, &forbidden, 2).await.is_some());
    server.allows_runner.store(true, SeqCst);
    assert!(check(&context, &server, &forbidden, 0).await.is_some());
    let_ten_minutes_pass(&context);
    assert_eq!(check(&context, &server, &Measuring::Runner, 1).await, None);
    let_ten_minutes_pass(&context);
    assert_eq!(check(&context, &server, &Measuring::Runner, 0).await, None);
}

#[tokio::test]
async fn while_the_server_cannot_be_asked_again_pods_are_made_as_before() {
    let server = Arc::new(Server::default());
    let context = serve(&server).await;
    let forbidden = Measuring::Unavailable("a policy".to_owned());
    check(&context, &server, &forbidden, 2).await;
    server.is_down.store(true, SeqCst);
    let_ten_minutes_pass(&context);
    assert!(check(&context, &server, &forbidden, 1).await.is_some_and(|again| again > Timestamp::now()));
    check(&context, &server, &forbidden, 0).await;
}
