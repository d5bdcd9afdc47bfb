//! A client of a Service, which nothing may befall.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Service;
use kube::api::Api;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::space::Space;
use crate::wait::wait_for;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon the next connection follows.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks a Service for something all the time, with a connection each, and counts what is not answered.
pub struct Client {
    ends: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    refused: JoinHandle<Vec<String>>,
}

impl Client {
    /// Starts once the Service `web`, which this makes of the Pods of the workload `web`, answers.
    pub async fn start(space: &Space) -> Result<Self> {
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
        });
        space.apply_manifest(&service).await?;
        let services: Api<Service> = Api::namespaced(space.cluster.client.clone(), &space.name);
        let address =
            services.get("web").await?.spec.and_then(|spec| spec.cluster_ip).context("no address")?;
        wait_for("the Service is reached", async || {
            Ok(ask(&address).await.map_err(|error| error.to_string()))
        })
        .await?;
        let (ends, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (until, count) = (Arc::clone(&ends), Arc::clone(&asked));
        let refused = tokio::spawn(async move {
            let mut refused = Vec::new();
            while !until.load(Ordering::Relaxed) {
                if let Err(error) = ask(&address).await {
                    refused.push(format!("{error:#}"));
                }
                count.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
            }
            refused
        });
        Ok(Self { ends, asked, refused })
    }

    /// Ends, and fails if anything was not answered.
    pub async fn end(self) -> Result<()> {
        self.ends.store(true, Ordering::Relaxed);
        let refused = self.refused.await?;
        let asked = self.asked.load(Ordering::Relaxed);
        ensure!(refused.is_empty(), "{} of {asked} connections had no answer: {refused:?}", refused.len());
        ensure!(asked > 100, "asked {asked} times");
        Ok(())
    }
}

async fn ask(address: &str) -> Result<()> {
    let asked = async {
        let mut stream = TcpStream::connect((address, 80)).await.context("connect")?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.context("write")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.context("read")?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
        Ok(())
    };
    tokio::time::timeout(PATIENCE, asked).await.context("no answer in time")?
}
