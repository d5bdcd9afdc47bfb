//! The port of the injector: it asks, and changes nothing, so that an operator that does not lead may use it.

use std::sync::Arc;
use std::time::Duration;

use hooked_core::lifecycle::LiveEndpoint;
use hooked_core::pass::call::{Call, Verb};
use hooked_core::pass::{Cluster, Failure};
use hooked_core::status::{LiveService, Notice, Series};
use hooked_core::workload::template::Supply;
use jiff::Timestamp;
use kube::Client;
use serde_json::Value;

use super::shown::Shown;
use crate::call::{answer, request};
use crate::runner::RunnerSource;
use crate::settings::InjectorSettings;

/// How long a request may take: whoever creates a Pod waits for it.
const MOST_TIME: Duration = Duration::from_secs(1);

/// What the injector asks with.
pub(crate) struct Reads {
    client: Client,
    namespace: String,
    runner: Arc<RunnerSource>,
    shown: Arc<Shown>,
}

impl Reads {
    pub(super) fn new(
        client: Client,
        settings: &InjectorSettings,
        runner: Arc<RunnerSource>,
        shown: Arc<Shown>,
    ) -> Arc<Self> {
        Arc::new(Self { client, namespace: settings.live.namespace.clone(), runner, shown })
    }
}

impl Cluster for Reads {
    fn operator(&self) -> &str {
        &self.namespace
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Sends what reads and what is a dry run.
    async fn send(&self, call: Call) -> Result<Value, Failure> {
        let changes_nothing = call.verb == Verb::Get || call.query.iter().any(|(name, _)| *name == "dryRun");
        if !changes_nothing {
            return Err(Failure::Deposed);
        }
        let request = request(&call, MOST_TIME).map_err(|error| Failure::Lost(error.to_string()))?;
        answer(&self.client, request, MOST_TIME).await
    }

    fn endpoint(&self) -> Option<LiveEndpoint> {
        self.shown.endpoint.lock().clone()
    }

    fn service(&self) -> Option<LiveService> {
        None
    }

    async fn supply(&self) -> Arc<Supply> {
        self.runner.supply(&self.client).await
    }

    fn stop_hooks(&self, _pod_uid: &str) {}

    fn show_left_to(&self, _operator: &str) {}

    fn show(&self, _series: Series) {}

    fn show_invalid(&self, _failing: bool) {}

    async fn tell(&self, _notices: Vec<Notice>) {}
}
