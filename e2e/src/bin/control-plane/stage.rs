//! Where one contender runs: a control plane of its own, with its controller alone, and a namespace.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use hooked_cluster::{ControlPlane, Progress, Running};
use hooked_e2e::{Nodes, Usage};
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::contender::{Contender, template, template_of};
use crate::controller::{self, OperatorSettings};
use crate::finalizers::Remover;
use crate::store::Store;
use crate::{install, warm_up};

/// Where all is measured.
pub(crate) const NAMESPACE: &str = "bench";
/// How often Pods are counted.
const LOOK: Duration = Duration::from_millis(50);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// A stretch of so many such samples without work is rest.
const SAMPLE: Duration = Duration::from_millis(500);
const QUIET_SAMPLES: u32 = 4;
/// The most that is not taken for work, in processors: an idle API server has its own chores.
const IDLE: f64 = 0.08;

/// What the three programs have used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) controller: Usage,
    pub(crate) api_server: Usage,
    pub(crate) etcd: Usage,
}

/// A control plane with one contender's controller.
pub(crate) struct Stage {
    pub(crate) contender: Contender,
    pub(crate) client: Client,
    pub(crate) store: Store,
    /// What Pods are made from.
    pub(crate) template: Value,
    operator: OperatorSettings,
    /// Dropped before the control plane, as all that speaks to it.
    controller: Running,
    _running: (Option<Remover>, [Option<Running>; 2], Option<Nodes>),
    plane: ControlPlane,
}

impl Stage {
    /// Starts all that the contender needs, and lets its controller make some Pods, so that what is done once is done.
    /// With `nodes` there are so many, and Pods come to them; without, Pods wait for ever.
    pub(crate) async fn prepare(
        contender: Contender,
        operator: &OperatorSettings,
        nodes: Option<usize>,
    ) -> Result<Self> {
        let progress = Progress::new(|line| eprintln!("{line}"));
        let plane = tokio::task::block_in_place(|| ControlPlane::start(&progress))?;
        let client = connect(&plane.kubeconfig()).await?;
        let store = Store::at(&plane.store())?;
        install::everything(&client).await?;
        for namespace in [warm_up::NAMESPACE, NAMESPACE] {
            install::namespace(&client, namespace).await?;
        }
        if operator.has_image_volumes && nodes.is_none() {
            install::nodes(&client, 2).await?;
        }
        let mut template = template();
        let nodes = match nodes {
            Some(count) => Some(join(&client, count, &mut template).await?),
            None => None,
        };
        if contender == Contender::SamePods {
            let _ours = controller::start(&plane, Contender::Hooked, operator)?;
            let images = operator.has_image_volumes;
            let pod = warm_up::warm_up(&client, &store, Contender::Hooked, &template, images).await?;
            template = template_of(&pod, &template);
        }
        let controller = controller::start(&plane, contender, operator)?;
        let makes_pods = contender == Contender::Watched;
        let manager = makes_pods.then(|| controller::start_manager(&plane)).transpose()?;
        let remover = (contender == Contender::SamePods).then(|| Remover::start(&client, NAMESPACE));
        warm_up::warm_up(&client, &store, contender, &template, operator.has_image_volumes).await?;
        let scheduler = nodes.is_some().then(|| plane.scheduler()).transpose()?;
        let mut stage = Self {
            contender,
            client,
            store,
            template,
            controller,
            operator: operator.clone(),
            _running: (remover, [scheduler, manager], nodes),
            plane,
        };
        stage.until_rest().await?;
        Ok(stage)
    }

    /// Kills the controller without a word of warning.
    pub(crate) fn kill_controller(&mut self) {
        self.controller.kill();
    }

    /// Starts the controller again.
    pub(crate) fn start_controller(&mut self) -> Result<()> {
        self.controller = controller::start(&self.plane, self.contender, &self.operator)?;
        Ok(())
    }

    /// Makes so many workloads of so many Pods.
    pub(crate) async fn create(&self, workloads: u32, pods: u32) -> Result<()> {
        let objects = self.objects(NAMESPACE);
        let watchers = Api::namespaced_with(self.client.clone(), NAMESPACE, &Contender::Hooked.resource());
        let create = |number: u32| {
            let manifest = self.contender.manifest(&workload(number), pods, &self.template);
            let watcher = self.contender.watcher(&workload(number));
            let (objects, watchers) = (objects.clone(), watchers.clone());
            async move {
                if let Some(watcher) = watcher {
                    let watcher: DynamicObject = serde_json::from_value(watcher)?;
                    watchers
                        .create(&PostParams::default(), &watcher)
                        .await
                        .context("a watcher is refused")?;
                }
                objects
                    .create(&PostParams::default(), &serde_json::from_value(manifest)?)
                    .await
                    .map(drop)
                    .context("a workload is refused")
            }
        };
        stream::iter(0..workloads).map(create).buffer_unordered(20).try_collect().await
    }

    /// Changes the spec of so many workloads.
    pub(crate) async fn change(&self, workloads: u32, spec: &Value) -> Result<()> {
        let objects = self.objects(NAMESPACE);
        let change = |number: u32| {
            let (objects, patch) = (objects.clone(), json!({"spec": spec}));
            async move {
                objects
                    .patch(&workload(number), &PatchParams::default(), &Patch::Merge(patch))
                    .await
                    .map(drop)
            }
        };
        Ok(stream::iter(0..workloads).map(change).buffer_unordered(20).try_collect().await?)
    }

    /// The contender's objects of a namespace.
    pub(crate) fn objects(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &self.contender.resource())
    }

    /// Waits until there are exactly so many Pods.
    pub(crate) async fn until_pods(&mut self, count: u64) -> Result<()> {
        let began = Instant::now();
        loop {
            let now = self.store.pods(NAMESPACE).await?;
            if now == count {
                return Ok(());
            }
            self.controller.check()?;
            ensure!(began.elapsed() < PATIENCE, "there are {now} Pods where there should be {count}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until nobody works any more. Returns what had been used when the rest began.
    pub(crate) async fn until_rest(&mut self) -> Result<Used> {
        let began = Instant::now();
        let (mut since, mut quiet) = (self.used()?, 0);
        let mut last = since;
        loop {
            tokio::time::sleep(SAMPLE).await;
            let now = self.used()?;
            let work = now.controller.processor_seconds + now.api_server.processor_seconds
                - last.controller.processor_seconds
                - last.api_server.processor_seconds;
            if work > IDLE * SAMPLE.as_secs_f64() {
                (since, quiet) = (now, 0);
            } else {
                quiet += 1;
            }
            last = now;
            // One that never rests is measured all the same.
            if quiet >= QUIET_SAMPLES || began.elapsed() > Duration::from_secs(60) {
                return Ok(since);
            }
        }
    }

    /// What has been used until now.
    pub(crate) fn used(&self) -> Result<Used> {
        Ok(Used {
            controller: Usage::of_process(self.controller.id())?,
            api_server: Usage::of_process(self.plane.api_server.id())?,
            etcd: Usage::of_process(self.plane.etcd.id())?,
        })
    }
}

/// The name of a workload.
pub(crate) fn workload(number: u32) -> String {
    format!("web-{number}")
}

async fn connect(kubeconfig: &Path) -> Result<Client> {
    let known = Kubeconfig::read_from(kubeconfig)?;
    let mut config = Config::from_custom_kubeconfig(known, &KubeConfigOptions::default()).await?;
    // A watch is quiet while nothing happens.
    config.read_timeout = None;
    Ok(Client::try_from(config)?)
}

/// Nodes that the Pods of the template go to. The runner is for their architecture, and no controller looks after them.
async fn join(client: &Client, count: usize, template: &mut Value) -> Result<Nodes> {
    let nodes = Nodes::join(client.clone(), count).await?;
    let objects: Api<Node> = Api::all(client.clone());
    for name in nodes.names().await {
        nodes.label(&name, "kubernetes.io/arch", install::architecture()).await?;
        nodes.label(&name, "kubernetes.io/os", "linux").await?;
        // Each is made with a taint that the node lifecycle controller takes off once the node is ready.
        let ready = Patch::Merge(json!({"spec": {"taints": null}}));
        objects.patch(&name, &PatchParams::default(), &ready).await?;
    }
    nodes.attract(&mut template["spec"]);
    Ok(nodes)
}
