//! The port of a pass, carried out over HTTP: the only place from which workloads and their Pods are read and
//! changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hooked_core::lifecycle::LiveEndpoint;
use hooked_core::pass::call::Call;
use hooked_core::pass::{Cluster, Failure, Refused, TIMEOUT};
use hooked_core::status::{LiveService, Notice, Series};
use hooked_core::workload::template::Supply;
use hooked_live::Channel;
use http::HeaderValue;
use http::header::{ACCEPT, CONTENT_TYPE};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube_runtime::events::{Event, EventType, Recorder, Reporter};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::call::{answer, request};
use crate::creates::{Form, Specs};
use crate::fence::Fence;
use crate::metrics::Metrics;
use crate::own_pod::OwnPod;
use crate::runner::RunnerSource;
use crate::wire::PROTOBUF;

/// The most bytes of an answer that is not JSON: etcd keeps no larger object.
const MOST_BYTES: usize = 4 << 20;

/// So many of the requests of which there may be many are under way at most, whatever the number of workloads: each
/// takes a connection, of 25 KB here. Four workloads whose creates wait for a slow webhook leave turns for others.
const TURNS: usize = 160;

/// What every pass acts with.
pub(crate) struct Operator {
    /// A client that sends each request once: whether one is sent again is for a pass to decide.
    pub(crate) client: Client,
    /// The namespace that this process runs in.
    namespace: String,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) runner: Arc<RunnerSource>,
    pub(crate) live: Arc<Channel>,
    /// Whether the injector is served.
    injects: bool,
    fence: Arc<Fence>,
    specs: Specs,
    turns: Semaphore,
    /// Counts Events of one reason about one workload as one.
    recorder: Recorder,
    reporter: Reporter,
    /// Whether a reply has shown what the definition in the cluster keeps of a status.
    knows_definition: AtomicBool,
}

impl Operator {
    pub(crate) fn new(
        client: &Client,
        metrics: Arc<Metrics>,
        runner: Arc<RunnerSource>,
        live: Arc<Channel>,
        injects: bool,
        fence: Arc<Fence>,
        own_pod: OwnPod,
    ) -> Self {
        let controller = hooked_core::names::FIELD_MANAGER.to_owned();
        let reporter = Reporter { controller, instance: Some(own_pod.name) };
        let recorder = Recorder::new(client.clone(), reporter.clone());
        Self {
            client: client.clone(),
            namespace: own_pod.namespace,
            metrics,
            runner,
            live,
            injects,
            fence,
            specs: Specs::default(),
            turns: Semaphore::new(TURNS),
            recorder,
            reporter,
            knows_definition: AtomicBool::new(false),
        }
    }

    /// The port for passes over one workload.
    pub(crate) fn port(self: &Arc<Self>, workload: ObjectReference) -> Port {
        Port { operator: Arc::clone(self), workload }
    }

    /// Sends a request once. A pass believes that nothing is carried out later than [`TIMEOUT`] after it has asked: so
    /// what is to be found out beside a create is asked after it, and a create that is refused as protobuf goes as JSON
    /// only when a pass asks for the next one.
    async fn send(&self, call: Call) -> Result<Value, Failure> {
        match self.specs.form(&call) {
            Form::Json => self.send_body(&call, None).await,
            Form::JsonAndAsk(template) => {
                let done = self.send_body(&call, None).await;
                self.ask_bytes(&call, &template).await;
                done
            }
            Form::Protobuf(body) => {
                let done = self.send_body(&call, Some(body)).await;
                if let Err(Failure::Refused(Refused { code: 400 | 415 | 422, .. })) = done {
                    self.specs.refused(&call);
                }
                done
            }
        }
    }

    /// Asks for the bytes of the spec of Pods, of which there are many. Without an answer they go as JSON.
    async fn ask_bytes(&self, call: &Call, template: &Call) {
        let Ok(stored) = self.send_body(template, None).await else { return };
        let asked = async {
            let passage = self.fence.pass(most_time())?;
            let mut request = request(template, passage.timeout).ok()?.map(Into::into);
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(PROTOBUF));
            let reply = tokio::time::timeout(passage.timeout, self.client.send(request)).await.ok()?.ok()?;
            let is_good = reply.status().is_success();
            axum::body::to_bytes(axum::body::Body::new(reply.into_body()), MOST_BYTES)
                .await
                .ok()
                .filter(|_| is_good)
        };
        if let Some(encoded) = asked.await {
            self.specs.learn(call, &stored, &encoded);
        }
    }

    /// Sends a request once, with that body of protobuf or its own, if the Lease is held for as long as the request may
    /// take.
    async fn send_body(&self, call: &Call, protobuf: Option<Vec<u8>>) -> Result<Value, Failure> {
        let passage = self.fence.pass(most_time()).ok_or(Failure::Deposed)?;
        let timeout = passage.timeout;
        let mut request = request(call, timeout).map_err(|error| Failure::Lost(error.to_string()))?;
        if let Some(body) = protobuf {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
            *request.body_mut() = body;
        }
        answer(&self.client, request, timeout).await
    }
}

/// The port for passes over one workload.
#[derive(Clone)]
pub(crate) struct Port {
    operator: Arc<Operator>,
    workload: ObjectReference,
}

impl Port {
    fn name(&self) -> (&str, &str) {
        let ObjectReference { namespace, name, .. } = &self.workload;
        (namespace.as_deref().unwrap_or_default(), name.as_deref().unwrap_or_default())
    }
}

impl Cluster for Port {
    fn operator(&self) -> &str {
        &self.operator.namespace
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn send(&self, call: Call) -> Result<Value, Failure> {
        self.operator.send(call).await
    }

    fn turn(&self) -> impl Future<Output = impl Send> + Send {
        self.operator.turns.acquire()
    }

    fn endpoint(&self) -> Option<LiveEndpoint> {
        self.operator.live.endpoint()
    }

    fn service(&self) -> Option<LiveService> {
        self.operator.live.service()
    }

    fn injects(&self) -> bool {
        self.operator.injects
    }

    async fn supply(&self) -> Arc<Supply> {
        self.operator.runner.supply(&self.operator.client).await
    }

    fn stop_hooks(&self, pod_uid: &str) {
        self.operator.live.stop(pod_uid);
    }

    fn show_left_to(&self, operator: &str) {
        let (namespace, name) = self.name();
        self.operator.metrics.gone(namespace, name);
        tracing::warn!(namespace, name, "the workload is left to the operator in namespace {operator}");
    }

    fn show(&self, series: Series) {
        let (namespace, name) = self.name();
        self.operator.metrics.publish(namespace, name, series);
    }

    fn show_invalid(&self, failing: bool) {
        let (namespace, name) = self.name();
        self.operator.metrics.publish_invalid(namespace, name, failing);
    }

    /// Of a process the first write tells: whoever brings a newer operator without its definition starts one.
    fn doubts_definition(&self) -> bool {
        !self.operator.knows_definition.load(Ordering::Relaxed)
    }

    fn show_definition(&self, dropped: Option<&str>) {
        // Passes that have asked at the same time have the same answer.
        let is_told = self.operator.knows_definition.swap(true, Ordering::Relaxed);
        if let (false, Some(field)) = (is_told, dropped) {
            tracing::warn!(
                field = format!("status.{field}"),
                "the definition hookedworkloads.hooked.dev is older than this operator and drops what it does not know; \
                 counts are kept; `kubectl apply` the crd.yaml of this operator's release"
            );
        }
    }

    async fn tell(&self, notices: Vec<Notice>) {
        let Operator { client, recorder, reporter, .. } = &*self.operator;
        for Notice { is_warning, reason, action, note, stands_alone } in notices {
            // A recorder that knows of no other Event makes a new one, with these words.
            let recorder =
                if stands_alone { &Recorder::new(client.clone(), reporter.clone()) } else { recorder };
            let event = Event {
                type_: if is_warning { EventType::Warning } else { EventType::Normal },
                reason: reason.as_str().to_owned(),
                note: Some(note),
                action: action.to_owned(),
                secondary: None,
            };
            if let Err(error) = recorder.publish(&event, &self.workload).await {
                tracing::debug!(%error, reason = event.reason, "an Event could not be sent");
            }
        }
    }
}

/// How long a request may take at most.
fn most_time() -> Duration {
    Duration::try_from(TIMEOUT).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use futures::FutureExt;

    use super::*;
    use crate::lease::Leadership;
    use crate::settings::Cli;

    fn operator() -> Operator {
        let nobody = tower::service_fn(|_: http::Request<kube::client::Body>| async {
            Err::<http::Response<axum::body::Body>, _>(std::io::Error::other("nobody answers"))
        });
        let client = Client::new(nobody, "shop");
        let runner = RunnerSource::new(Cli::parse_from(["hooked-controller"]).settings.runner());
        let fence = Fence::new(Arc::new(Leadership::Sole));
        let metrics = Arc::new(Metrics::new().unwrap());
        let own_pod = OwnPod { namespace: "hooked-system".to_owned(), name: "a".to_owned() };
        Operator::new(&client, metrics, Arc::new(runner), Arc::default(), false, Arc::new(fence), own_pod)
    }

    #[tokio::test]
    async fn a_request_waits_where_as_many_are_under_way_as_there_may_be() {
        let port = Arc::new(operator()).port(ObjectReference::default());
        let mut turns = Vec::new();
        for _ in 0..TURNS {
            turns.push(port.turn().await);
        }
        assert!(port.turn().now_or_never().is_none());
        turns.pop();
        assert!(port.turn().now_or_never().is_some());
    }
}
