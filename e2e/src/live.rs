//! Somebody who speaks to the operator's live channel and is no hook-runner.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::ResourceExt;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsConnector, rustls};

use crate::space::Space;

/// How long an answer is waited for, which on a busy machine takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who knows what a Pod of a workload knows of the operator.
#[derive(Clone)]
pub struct Stranger {
    address: String,
    connector: TlsConnector,
}

impl Stranger {
    /// Reads address and certificates from a Pod.
    pub fn like(pod: &Pod) -> Result<Self> {
        let annotations: &BTreeMap<String, String> = pod.annotations();
        let told = |name: &str| annotations.get(name).with_context(|| format!("the Pod has no {name}"));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(told("hooked.dev/live-ca")?.as_bytes()) {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&[&rustls::version::TLS13])?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        let address = told("hooked.dev/live-address")?.clone();
        Ok(Self { address, connector: TlsConnector::from(Arc::new(config)) })
    }

    /// What the operator answers to these bytes, until it hangs up or says no more.
    pub async fn say(&self, bytes: &[u8]) -> Result<String> {
        let spoken = async {
            let stream = TcpStream::connect(&self.address).await?;
            let name = ServerName::try_from("hooked-controller.hooked-system.svc")?;
            let mut stream = self.connector.connect(name, stream).await?;
            // One that refuses may hang up before it has read all.
            stream.write_all(bytes).await.ok();
            stream.flush().await.ok();
            let mut answer = Vec::new();
            let mut piece = [0; 1024];
            while let Ok(read @ 1..) = stream.read(&mut piece).await {
                answer.extend_from_slice(&piece[..read]);
                let said = String::from_utf8_lossy(&answer);
                if said.contains("taken") || said.contains("refused") {
                    break;
                }
            }
            Ok::<_, anyhow::Error>(String::from_utf8_lossy(&answer).into_owned())
        };
        timeout(PATIENCE, spoken).await.context("the operator does not answer")?
    }
}

/// A token of a service account for this audience, bound to this Pod if there is one.
pub async fn token(space: &Space, audience: &str, pod: Option<&Pod>) -> Result<String> {
    let accounts: Api<ServiceAccount> = Api::namespaced(space.cluster.client.clone(), &space.name);
    let bound = pod.map(|pod| BoundObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Pod".to_owned()),
        name: Some(pod.name_any()),
        uid: pod.uid(),
    });
    let spec = TokenRequestSpec {
        audiences: Some(vec![audience.to_owned()]),
        bound_object_ref: bound,
        ..Default::default()
    };
    let request = TokenRequest { spec: Some(spec), ..Default::default() };
    let made = accounts.create_token_request("default", &PostParams::default(), &request).await?;
    made.status.and_then(|status| status.token).context("no token")
}

/// What a runner would say of a postStart run of a container, from its beginning to a failure that never was.
pub fn forged(token: &str, container: &str, run: u64) -> String {
    let record = |more: Value| {
        let start = 1_000_000 * std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        let mut record = json!({
            "run": format!("{run:032x}"), "container": container, "hook": "PostStart", "execution": 1,
            "phase": "started", "start": start, "all": [1, 0, 0, 0, 0],
        });
        if let (Some(record), Value::Object(more)) = (record.as_object_mut(), more) {
            record.extend(more);
        }
        format!("hooked.dev/v1 {record}")
    };
    let hello = json!({"v": 1, "token": token, "record": record(json!({}))});
    let ended = record(json!({"phase": "ended", "took": 77, "outcome": "Failed", "exit": 9, "attempts": 1}));
    format!("{hello}\n{ended}\n")
}
