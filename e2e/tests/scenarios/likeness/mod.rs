//! Whether the API server in memory, on which simulations rely, answers as Kubernetes does: both get the same requests.
//!
//! The custom resource is one of another group here, for nobody shall act upon its objects; likewise no scheduler is
//! named by the Pods. What is compared is all that a client may decide by: codes, reasons, messages, finalizers,
//! deletions, generations, whether there is a new version, and the events of watches.

mod script;

use anyhow::{Context, Result, ensure};
use hooked_e2e::{Security, Space, in_namespace, wait_for};
use hooked_simulation::{ApiServer, ContentType, Method, Reply, Request, WatchSpec};
use jiff::Timestamp;
use kube::client::Body;
use serde_json::{Value, json};

use script::Ask;

/// The group of the custom resource on the real server, and in memory.
const STAND_IN: &str = "likeness.test";
const OURS: &str = "hooked.dev";
const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// One of the two servers, asked one request after the other.
trait Server {
    async fn ask(&mut self, request: &Request) -> Result<Reply>;
    /// The types and names of a watch's events since a version.
    async fn events(&mut self, request: &Request, since: &str) -> Result<Vec<String>>;
}

struct InMemory(ApiServer);

impl Server for InMemory {
    async fn ask(&mut self, request: &Request) -> Result<Reply> {
        Ok(self.0.handle(request, Timestamp::now()))
    }

    async fn events(&mut self, request: &Request, since: &str) -> Result<Vec<String>> {
        let watch = WatchSpec::of(request).map_err(|status| anyhow::anyhow!("{status}"))?;
        let events = self.0.events_since(&watch, since.parse()?);
        let events = events.map_err(|expired| anyhow::anyhow!("{}", expired.status))?;
        Ok(events.iter().map(|event| line(&event.to_json())).collect())
    }
}

struct Real(kube::Client);

impl Real {
    async fn send(&self, request: &Request) -> Result<(u16, String)> {
        let response = self.0.send(to_http(request)?).await?;
        let code = response.status().as_u16();
        let body = response.into_body().collect_bytes().await?;
        Ok((code, String::from_utf8_lossy(&body).replace(STAND_IN, OURS)))
    }
}

impl Server for Real {
    async fn ask(&mut self, request: &Request) -> Result<Reply> {
        let (code, body) = self.send(request).await?;
        let body: Value = serde_json::from_str(&body).with_context(|| format!("{request:?}: {body}"))?;
        Ok(Reply { code, body: body.into() })
    }

    async fn events(&mut self, request: &Request, since: &str) -> Result<Vec<String>> {
        let watch =
            request.clone().with("watch", "true").with("resourceVersion", since).with("timeoutSeconds", "2");
        let (_, body) = self.send(&watch).await?;
        body.lines().map(|event| Ok(line(&serde_json::from_str(event)?))).collect()
    }
}

/// An event's type, and of which object it is.
fn line(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &event["object"];
    format!("{} {} {}", text(&event["type"]), text(&object["metadata"]["name"]), object["metadata"]["labels"])
}

fn to_http(request: &Request) -> Result<http::Request<Body>> {
    let method = match request.method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    };
    let content_type = match request.content_type {
        ContentType::Json => "application/json",
        ContentType::MergePatch => "application/merge-patch+json",
        ContentType::JsonPatch => "application/json-patch+json",
        ContentType::StrategicMergePatch => "application/strategic-merge-patch+json",
        ContentType::ApplyPatch => "application/apply-patch+yaml",
    };
    let accept = match (request.metadata_only, request.path.ends_with("pods")) {
        (false, _) => "application/json",
        (true, false) => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        (true, true) => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    };
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.query).finish();
    let uri = format!("{}?{query}", request.path).replace(OURS, STAND_IN);
    let body = request.body.as_ref().map(Value::to_string).unwrap_or_default().replace(OURS, STAND_IN);
    Ok(http::Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", content_type)
        .header("accept", accept)
        .body(Body::from(body.into_bytes()))?)
}

/// What is known of an object before a request.
struct Known {
    uid: String,
    version: String,
}

impl Known {
    async fn of(server: &mut impl Server, ask: &Ask) -> Result<Self> {
        let object = server.ask(&Request::get(ask.about())).await?.body;
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or("none").to_owned();
        Ok(Self { uid: text("uid"), version: text("resourceVersion") })
    }

    /// The request with `{uid}` and `{version}` filled in.
    fn fill(&self, ask: &Ask) -> Result<Request> {
        let mut request = ask.request.clone();
        if let Some(body) = &mut request.body {
            let text = body.to_string().replace("{uid}", &self.uid).replace("{version}", &self.version);
            *body = serde_json::from_str(&text)?;
        }
        Ok(request)
    }

    /// All of a reply that must be alike.
    fn essence(&self, reply: &Reply) -> Value {
        let body = &reply.body;
        let metadata = &body["metadata"];
        if body["kind"] == "Status" {
            let message = body["message"].as_str().unwrap_or_default();
            // The difference between two specs is told in Go, and what a selector's parser expected is told to people
            // only.
            let message = message.lines().next().unwrap_or_default();
            let message = message.split_inclusive("unable to parse requirement").next().unwrap_or_default();
            // What is told in bytes since Kubernetes 1.36 was told in characters before.
            let message = message.replace(" characters", " bytes");
            let message =
                message.replace(&self.uid, "{uid}").replace(&format!("({})", self.version), "({version})");
            let (kind, name) = (&body["details"]["kind"], &body["details"]["name"]);
            return json!({"code": reply.code, "reason": body["reason"], "message": message, "kind": kind, "name": name});
        }
        if let Some(items) = body["items"].as_array() {
            let names: Vec<_> = items.iter().map(|item| &item["metadata"]["name"]).collect();
            let more = (metadata["continue"].is_string(), &metadata["remainingItemCount"]);
            return json!({"code": reply.code, "kind": body["kind"], "names": names, "more": more});
        }
        let owners = metadata["ownerReferences"].as_array().map(Vec::len);
        json!({
            "code": reply.code,
            "kind": body["kind"],
            "apiVersion": body["apiVersion"],
            "finalizers": metadata["finalizers"],
            "labels": metadata["labels"],
            "annotations": metadata["annotations"],
            "owners": owners,
            "deleted": metadata["deletionTimestamp"].is_string(),
            "grace": metadata["deletionGracePeriodSeconds"],
            "generation": metadata["generation"],
            "is changed": metadata["resourceVersion"] != *self.version,
            "is the same": metadata["uid"] == *self.uid,
            "phase": body["status"]["phase"],
            "replicas": (&body["spec"]["replicas"], &body["status"]["replicas"]),
        })
    }
}

/// The essence of the answer, and the kind of request it answers.
async fn answer(server: &mut impl Server, ask: &Ask) -> Result<Value> {
    let known = Known::of(server, ask).await?;
    let reply = server.ask(&known.fill(ask)?).await?;
    Ok(known.essence(&reply))
}

/// All of `answers` and watches that the two servers do not agree on.
async fn compare(real: &mut Real, memory: &mut InMemory, namespace: &str) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    let watches = script::watches(namespace);
    let mut since = Vec::new();
    for (_, watch) in &watches {
        let list =
            async |reply: Reply| reply.body["metadata"]["resourceVersion"].as_str().unwrap_or("0").to_owned();
        since.push((list(real.ask(watch).await?).await, list(memory.ask(watch).await?).await));
    }
    for (number, ask) in script::asks(namespace).iter().enumerate() {
        let (expect, got) = (answer(real, ask).await?, answer(memory, ask).await?);
        if expect != got {
            differences.push(format!("{number}, {}:\n  Kubernetes: {expect}\n  in memory:  {got}", ask.what));
        }
    }
    for ((what, watch), (of_real, of_memory)) in watches.iter().zip(since) {
        let got = memory.events(watch, &of_memory).await?;
        // A watch of a busy server may end before all was told.
        let expect = wait_for(&format!("the watch of {what} tells as much as in memory"), async || {
            let told = real.events(watch, &of_real).await?;
            let is_all = told.len() >= got.len();
            Ok(if is_all { Ok(told) } else { Err(format!("{told:#?}\n  in memory:  {got:#?}")) })
        })
        .await?;
        if expect != got {
            differences.push(format!("watch of {what}:\n  Kubernetes: {expect:#?}\n  in memory:  {got:#?}"));
        }
    }
    Ok(differences)
}

/// Waits until the stand-in for our resource is served.
async fn define(real: &mut Real, namespace: &str) -> Result<()> {
    real.ask(&Request::create(CRDS, script::definition())).await?;
    let list = Request::get(script::workloads(namespace));
    // Until it is served the answer is a text, and no object.
    wait_for("the stand-in for the custom resource is served", async || {
        let (code, body) = real.send(&list).await?;
        Ok(if code == 200 { Ok(()) } else { Err(format!("{code} {body}")) })
    })
    .await
}

async fn agree_in(space: &Space) -> Result<()> {
    let mut real = Real(space.cluster.client.clone());
    define(&mut real, &space.name).await?;
    let differences = compare(&mut real, &mut InMemory(ApiServer::new()), &space.name).await;
    real.ask(&Request::delete(format!("{CRDS}/hookedworkloads.{OURS}"), None)).await?;
    let differences = differences?;
    ensure!(differences.is_empty(), "{} differences\n{}", differences.len(), differences.join("\n"));
    Ok(())
}

#[tokio::test]
async fn the_server_in_memory_answers_as_kubernetes_does() -> Result<()> {
    in_namespace("likeness", Security::Baseline, agree_in).await
}
