//! The certificate that the injector is served with, and what its Pods are told of the live channel, kept up to date.
//!
//! Authorities are stored in a Secret by the operator that leads, which has the API server know them. Each operator
//! signs a certificate of its own with the oldest of them, which the API server knows whichever of them it has read.

use std::sync::Arc;
use std::time::Duration;

use hooked_live::{Authorities, CertificateError, Keeper, LookUpError, Place, SecretError, look_up};
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::shown::{Serving, Shown};
use crate::fence::Fence;
use crate::lease::Standing;
use crate::request;
use crate::settings::InjectorSettings;

/// Where authorities are stored.
const PLACE: Place = Place { secret: "hooked-controller-injector", field: "authorities.json" };
/// What they are named, as the Service is by whose name the API server reaches the injector.
const NAME: &str = "hooked-controller-injector";
/// The webhook in the configuration.
const WEBHOOK: &str = "pods.injector.hooked.dev";
/// How often it is looked whether anything is to change. The configuration is patched each time: a patch that changes
/// nothing is not stored, and whoever applies the configuration anew may have taken the authorities out.
const LOOK: Duration = Duration::from_secs(60);
/// The same while there is no certificate.
const SOON: Duration = Duration::from_secs(3);
/// How long a request may take.
const MOST_TIME: Duration = Duration::from_secs(5);

#[derive(Debug, Error)]
enum UpkeepError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("MutatingWebhookConfiguration {name} could not be patched: {why}; is config/injector installed?", why = request::brief(.error))]
    Configuration { name: String, error: Box<kube::Error> },
    #[error("the live channel is not known: {0}")]
    LookUp(#[from] LookUpError),
    #[error("no answer within {} s", MOST_TIME.as_secs())]
    Slow(#[from] tokio::time::error::Elapsed),
}

/// What is kept up to date, and with what.
pub(super) struct Upkeep {
    settings: InjectorSettings,
    client: Client,
    standing: watch::Receiver<Standing>,
    fence: Arc<Fence>,
    shown: Arc<Shown>,
    /// The authorities of whose oldest the certificate is, and when another is to be made.
    signed: (String, Timestamp),
}

impl Upkeep {
    pub(super) fn new(
        settings: InjectorSettings,
        client: Client,
        standing: watch::Receiver<Standing>,
        fence: Arc<Fence>,
        shown: Arc<Shown>,
    ) -> Self {
        Self { settings, client, standing, fence, shown, signed: (String::new(), Timestamp::UNIX_EPOCH) }
    }

    /// Keeps everything up to date, for ever.
    pub(super) async fn keep_up(mut self) {
        let mut told = String::new();
        loop {
            let looks =
                [timeout(MOST_TIME, self.look()).await, timeout(MOST_TIME, self.look_at_live()).await];
            let errors = looks.into_iter().filter_map(|look| look.map_err(UpkeepError::from).flatten().err());
            let error = errors.map(|error| error.to_string()).collect::<Vec<_>>().join("; ");
            if !error.is_empty() && error != told {
                tracing::warn!(error, "the injector goes on as it is");
            }
            told = error;
            self.rest().await;
        }
    }

    /// Waits until something may be to do: whoever comes to lead has authorities to make.
    async fn rest(&mut self) {
        let until = self.signed.1.duration_since(self.settings.live.now());
        let until = Duration::try_from(until).unwrap_or_default().clamp(SOON, LOOK);
        tokio::select! {
            () = sleep(until) => {}
            Ok(()) = self.standing.changed() => {}
        }
    }

    async fn look(&mut self) -> Result<(), UpkeepError> {
        let live = &self.settings.live;
        let (now, lifetimes) = (live.now(), live.lifetimes());
        let mut keeper =
            Keeper::<Authorities>::read(&self.client, live, PLACE, || Ok(Authorities::default())).await?;
        let leads = *self.standing.borrow_and_update() == Standing::Leader;
        let passage = self.fence.pass(MOST_TIME).filter(|_| leads);
        if passage.is_some() {
            if keeper.kept.renew(NAME, now, lifetimes)? {
                keeper.write().await?;
                tracing::info!("the authorities of the injector were renewed");
            }
        } else {
            keeper.kept.retire(now, lifetimes);
        }
        let bundle = keeper.kept.bundle();
        if bundle.is_empty() {
            self.shown.looked(Serving::WithoutCertificate);
            return Ok(());
        }
        if bundle != self.signed.0 || now >= self.signed.1 {
            let leaf = keeper.kept.leaf(&format!("{NAME}.{}.svc", live.namespace), now, lifetimes)?;
            self.shown.resolver.replace(leaf.certified);
            self.shown.looked(Serving::Certified);
            self.signed = (bundle.clone(), leaf.renew_at.min(keeper.kept.renew_at(lifetimes)));
        }
        if passage.is_some() {
            self.configure(bundle).await?;
        }
        Ok(())
    }

    /// Has the API server know the authorities.
    async fn configure(&self, bundle: String) -> Result<(), UpkeepError> {
        let name = &self.settings.configuration;
        let operations = json!([
            {"op": "test", "path": "/webhooks/0/name", "value": WEBHOOK},
            {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": ByteString(bundle.into_bytes())},
        ]);
        let failed = |error| UpkeepError::Configuration { name: name.clone(), error: Box::new(error) };
        let patch =
            serde_json::from_value(operations).map_err(|error| failed(kube::Error::SerdeError(error)))?;
        let configurations: Api<MutatingWebhookConfiguration> = Api::all(self.client.clone());
        let patch = Patch::<()>::Json(patch);
        configurations.patch_metadata(name, &PatchParams::default(), &patch).await.map_err(failed)?;
        Ok(())
    }

    async fn look_at_live(&self) -> Result<(), UpkeepError> {
        let live = &self.settings.live;
        if live.bind_address.is_some() {
            *self.shown.endpoint.lock() = look_up(&self.client, live).await?;
        }
        Ok(())
    }
}
