//! The client library on what is made of protobuf: its lists, watches, errors, and what it does about garbage.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use futures::{StreamExt, stream};
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Request, Response};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::core::Status;
use kube::{Api, Client, Error, ResourceExt};
use kube_runtime::watcher::{self, Event, watcher};

use super::recorded;
use crate::wire::compact;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const WATCH: &str = "application/vnd.kubernetes.protobuf;stream=watch";

/// An answer: status, media type and the chunks in which it comes.
type Answer = (u16, &'static str, Vec<Vec<u8>>);

/// A client whose requests get these answers one after the other, and what each of them accepted.
fn serve(answers: impl IntoIterator<Item = Answer>) -> (Client, Arc<Mutex<Vec<String>>>) {
    let accepted = Arc::<Mutex<Vec<String>>>::default();
    let (answers, noted) = (Mutex::new(answers.into_iter().collect::<VecDeque<_>>()), Arc::clone(&accepted));
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        noted
            .lock()
            .unwrap()
            .push(request.headers().get(ACCEPT).map_or("", |it| it.to_str().unwrap()).to_owned());
        let answer = answers.lock().unwrap().pop_front();
        async move {
            // When there is no answer left, the watch stays open.
            let Some((status, media_type, chunks)) = answer else { return std::future::pending().await };
            let length: usize = chunks.iter().map(Vec::len).sum();
            let body = Body::from_stream(stream::iter(
                chunks.into_iter().map(|it| Ok::<_, Infallible>(Bytes::from(it))),
            ));
            let response = Response::builder().status(status).header(CONTENT_TYPE, media_type);
            Ok::<_, Infallible>(response.header(CONTENT_LENGTH, length).body(body).unwrap())
        }
    });
    (Client::new(compact(service), "wire"), accepted)
}

/// What a watcher yields until it has nothing more, in words.
async fn yielded(client: Client, count: usize) -> Vec<String> {
    let events = watcher(Api::<Pod>::namespaced(client, "wire"), watcher::Config::default());
    let words = events.take(count).map(|event| match event {
        Ok(Event::Init) => "init".to_owned(),
        Ok(Event::InitApply(pod)) => format!("listed {}", pod.name_any()),
        Ok(Event::InitDone) => "all listed".to_owned(),
        Ok(Event::Apply(pod)) => format!("shown {}", pod.name_any()),
        Ok(Event::Delete(pod)) => format!("gone {}", pod.name_any()),
        Err(watcher::Error::WatchError(status)) => format!("error {}", status.code),
        Err(error) => format!("error {error}"),
    });
    words.collect().await
}

fn whole(file: &str, media_type: &'static str) -> Answer {
    (200, media_type, vec![recorded(file)])
}

#[tokio::test]
async fn a_watcher_lists_watches_and_lists_anew_when_its_version_has_expired() {
    let (client, accepted) = serve([
        whole("list.pb", PROTOBUF),
        whole("none.pb", PROTOBUF),
        whole("watch.pb", WATCH),
        whole("expired.pb", WATCH),
        whole("none.pb", PROTOBUF),
    ]);
    let expect = [
        "init",
        "listed web",
        "all listed",
        "shown web",
        "shown x-bare",
        "shown x-bare",
        "shown x-bare",
        "gone x-bare",
        "error 410",
        "init",
        "all listed",
    ];
    assert_eq!(yielded(client, expect.len()).await, expect);
    let (list, watch) = (format!("{PROTOBUF},application/json"), format!("{WATCH},application/json"));
    assert_eq!(*accepted.lock().unwrap(), [&list, &list, &watch, &watch, &list].map(String::clone));
}

#[tokio::test]
async fn a_watch_may_come_byte_by_byte() {
    let chunks = recorded("watch.pb").into_iter().map(|byte| vec![byte]).collect();
    let expect =
        ["init", "all listed", "shown web", "shown x-bare", "shown x-bare", "shown x-bare", "gone x-bare"];
    let (client, _) = serve([whole("none.pb", PROTOBUF), (200, WATCH, chunks)]);
    assert_eq!(yielded(client, expect.len()).await, expect);
}

#[tokio::test]
async fn what_has_come_of_an_event_when_a_watch_ends_is_dropped() {
    let mut bytes = recorded("watch.pb");
    let first = u32::from_be_bytes(*bytes.first_chunk().unwrap());
    bytes.truncate(4 + usize::try_from(first).unwrap() + 100);
    let (client, accepted) =
        serve([whole("none.pb", PROTOBUF), (200, WATCH, vec![bytes]), whole("expired.pb", WATCH)]);
    assert_eq!(yielded(client, 4).await, ["init", "all listed", "shown web", "error 410"]);
    assert_eq!(accepted.lock().unwrap()[2], format!("{WATCH},application/json"));
}

#[tokio::test]
async fn garbage_is_an_error_after_which_json_is_asked_for() {
    let expect = "error watch stream failed: ";
    for garbage in [&b"\xff\xff\xff\xff"[..], b"\0\0\0\x03abc", b"\0\0\0\x0b\x0a\x05ADDED\x12\x02\x0a\x00"] {
        let bytes = [&recorded("watch.pb")[..], garbage].concat();
        let (client, accepted) = serve([
            whole("none.pb", PROTOBUF),
            (200, WATCH, vec![bytes]),
            whole("watch.json", "application/json"),
            (200, "application/json", vec![]),
        ]);
        let events = yielded(client, 13).await;
        assert_eq!(events[6], "gone x-bare");
        assert!(events[7].starts_with(expect), "{}", events[7]);
        assert_eq!(events[8..], ["shown web", "shown x-bare", "shown x-bare", "shown x-bare", "gone x-bare"]);
        assert_eq!(accepted.lock().unwrap()[2], "");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_asked_for_again_as_json() {
    let mut bytes = recorded("list.pb");
    bytes.pop();
    let (client, accepted) = serve([(200, PROTOBUF, vec![bytes]), whole("none.json", "application/json")]);
    let events = yielded(client, 4).await;
    assert!(events[1].contains("ends too early"), "{}", events[1]);
    assert_eq!(events[2..], ["init", "all listed"]);
    // The client library says nothing of what it accepts.
    assert_eq!(accepted.lock().unwrap()[1], "");
}

#[tokio::test]
async fn a_refusal_comes_as_it_does_in_json() {
    for (code, name) in [(404, "missing"), (422, "invalid")] {
        let made = refusal(code, PROTOBUF, format!("{name}.pb")).await;
        assert_eq!(made, refusal(code, "application/json", format!("{name}.json")).await);
        assert_eq!(made.code, code);
    }
}

async fn refusal(code: u16, media_type: &'static str, file: String) -> Status {
    let (client, _) = serve([(code, media_type, vec![recorded(&file)])]);
    match Api::<Pod>::namespaced(client, "wire").list(&ListParams::default()).await {
        Err(Error::Api(status)) => *status,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_in_json_is_passed_on_as_it_is() {
    let (client, _) = serve([
        whole("list.json", "application/json"),
        whole("none.json", "application/json"),
        whole("watch.json", "application/json"),
    ]);
    let expect = ["init", "listed web", "all listed", "shown web", "shown x-bare"];
    assert_eq!(yielded(client, expect.len()).await, expect);
}
