//! How far the injector has come, and what it shows.

use std::sync::Arc;

use hooked_core::lifecycle::LiveEndpoint;
use hooked_core::pass::Locked;
use hooked_live::CertificateResolver;
use tokio::sync::watch;

/// How far the injector has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serving {
    /// It was not looked for a certificate yet.
    Unknown,
    /// There are no authorities to sign a certificate, or they cannot be read: only the operator that leads makes them,
    /// and one of before the injector never does.
    WithoutCertificate,
    /// It has a certificate, and does not answer.
    Certified,
    /// It answers.
    Answering,
}

/// What the injector shows now.
pub(super) struct Shown {
    /// The certificate.
    pub(super) resolver: Arc<CertificateResolver>,
    /// Where Pods reach the operator that leads.
    pub(super) endpoint: Locked<Option<LiveEndpoint>>,
    /// How far it has come.
    pub(super) serving: watch::Sender<Serving>,
}

impl Shown {
    /// Nothing yet.
    pub(super) fn new(serving: watch::Sender<Serving>) -> Self {
        Self { resolver: Arc::default(), endpoint: Locked::default(), serving }
    }

    /// Waits until there is a certificate.
    pub(super) async fn is_certified(&self) {
        let is_certified = |serving: &Serving| matches!(serving, Serving::Certified | Serving::Answering);
        self.serving.subscribe().wait_for(is_certified).await.ok();
    }

    /// It was looked for a certificate. What there was once is there for ever.
    pub(super) fn looked(&self, came: Serving) {
        self.serving.send_if_modified(|serving| {
            let is_new =
                matches!(serving, Serving::Unknown | Serving::WithoutCertificate) && *serving != came;
            if is_new {
                *serving = came;
            }
            is_new
        });
    }
}
