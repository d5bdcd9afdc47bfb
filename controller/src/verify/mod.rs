//! What an installation is asked about itself, once, by whoever installs or removes it: `hooked-controller verify …`.
//!
//! The operator's image has no shell and no kubectl, and so the jobs of a Helm chart run the operator's own program.

mod led;
mod unused;

use std::time::Duration;

use clap::Subcommand;
use kube::Client;
use thiserror::Error;

use crate::find_cluster::find_cluster;

use led::{NotLed, led};
use unused::{InUse, unused};

/// What is asked.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Verify {
    /// Check an installation, and end: nothing else of this program runs.
    #[command(subcommand)]
    Verify(Question),
}

/// The questions.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Question {
    /// Is Hooked at work: is its resource known, and does an operator lead and renew its Lease? Waits until it is so.
    Installed {
        /// The namespace the operator runs in.
        #[arg(long, env = "POD_NAMESPACE", default_value = "hooked-system")]
        operator_namespace: String,
        /// Seconds to wait.
        #[arg(long, default_value_t = 90)]
        timeout_seconds: u32,
    },
    /// May the operator go: is no HookedWorkload left that is not another operator's, and no Pod that waits for this
    /// operator?
    Unused {
        /// The namespace the operator runs in.
        #[arg(long, env = "POD_NAMESPACE", default_value = "hooked-system")]
        operator_namespace: String,
        /// A namespace that the operator works in; may be given several times. All namespaces if absent.
        #[arg(long = "namespace")]
        namespaces: Vec<String>,
    },
}

/// Why the answer is no, or why there is none.
#[derive(Debug, Error)]
pub(crate) enum VerifyError {
    #[error("no cluster: {0}")]
    Client(#[from] kube::Error),
    #[error("no cluster is configured, neither in-cluster nor by KUBECONFIG: {0}")]
    Config(#[from] kube::config::InferConfigError),
    #[error(transparent)]
    NotLed(#[from] NotLed),
    #[error(transparent)]
    InUse(#[from] InUse),
}

/// Answers one question: in a sentence if all is well, else by an error.
pub(crate) async fn verify(Verify::Verify(question): Verify) -> Result<String, VerifyError> {
    let client = Client::try_from(find_cluster().await?)?;
    match question {
        Question::Installed { operator_namespace, timeout_seconds } => {
            Ok(led(&client, &operator_namespace, Duration::from_secs(timeout_seconds.into())).await?)
        }
        Question::Unused { operator_namespace, namespaces } => {
            Ok(unused(&client, &operator_namespace, &namespaces).await?)
        }
    }
}
