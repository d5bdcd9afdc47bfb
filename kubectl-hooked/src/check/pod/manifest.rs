//! A Pod that is made to look: what it is to show, and its manifest.

use std::time::Duration;

use hooked_core::names::{CHECK_LABEL, CHECK_UNTIL_ANNOTATION};
use hooked_core::workload::template::{Delivery, InjectError};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::check::template;

/// How much longer than this program waits for it a Pod may live: nobody may be left to remove it.
const GRACE: Duration = Duration::from_secs(30);

/// What a Pod is to show.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) delivery: Delivery,
    /// On a node of this processor; on any if none.
    pub(super) architecture: Option<String>,
    pub(super) image: String,
    /// The Secrets that it names; those of its `ServiceAccount` if none.
    pub(super) pull_secrets: Vec<String>,
    /// Where it is to connect to.
    pub(super) address: Option<String>,
    /// Whether the operator brings the runner in this way.
    pub(super) is_decisive: bool,
}

/// The Pod of that name, which may take so long from `now` on.
pub(super) fn manifest(
    wanted: &Wanted,
    name: &str,
    timeout: Duration,
    now: Timestamp,
) -> Result<Value, InjectError> {
    let lives = timeout.saturating_add(GRACE);
    let mut pod = template::pod(&template::with_runner(&wanted.image, wanted.delivery, false)?, name);
    pod["metadata"]["labels"] = json!({CHECK_LABEL: "true"});
    let until = now.checked_add(lives).unwrap_or(now);
    pod["metadata"]["annotations"][CHECK_UNTIL_ANNOTATION] = json!(until.to_string());
    pod["spec"]["activeDeadlineSeconds"] = json!(lives.as_secs());
    if !wanted.pull_secrets.is_empty() {
        pod["spec"]["imagePullSecrets"] =
            wanted.pull_secrets.iter().map(|name| json!({"name": name})).collect();
    }
    let mut command = vec![template::program(), "check".to_owned()];
    command.extend(wanted.address.clone());
    pod["spec"]["containers"][0]["command"] = json!(command);
    let architecture = wanted.architecture.iter().map(|name| ("kubernetes.io/arch", name.as_str()));
    let system = std::iter::once(("kubernetes.io/os", "linux"));
    pod["spec"]["nodeSelector"] =
        system.chain(architecture).map(|(label, value)| (label.to_owned(), json!(value))).collect();
    Ok(pod)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::now;

    #[test]
    fn a_pod_that_is_left_over_ends_by_itself_and_is_known() {
        let wanted = Wanted {
            delivery: Delivery::InitContainer,
            architecture: Some("arm64".to_owned()),
            image: "hooked:1".to_owned(),
            pull_secrets: vec!["mine".to_owned(), "registry".to_owned()],
            address: Some("10.0.0.9:8443".to_owned()),
            is_decisive: true,
        };
        let pod = manifest(&wanted, "hooked-check-1", Duration::from_secs(60), now()).unwrap();
        assert_eq!(pod["metadata"]["labels"], json!({"hooked.dev/check": "true"}));
        assert_eq!(pod["metadata"]["annotations"]["hooked.dev/check-until"], "2026-11-22T10:06:30Z");
        assert_eq!(pod["spec"]["activeDeadlineSeconds"], 90);
        assert_eq!(
            pod["spec"]["nodeSelector"],
            json!({"kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64"})
        );
        assert_eq!(pod["spec"]["imagePullSecrets"], json!([{"name": "mine"}, {"name": "registry"}]));
        let command = &pod["spec"]["containers"][0]["command"];
        assert_eq!(*command, json!(["/.hooked/runner/hook-runner", "check", "10.0.0.9:8443"]));
        // A workload's Pods have that label, and this one is nobody's.
        assert!(!pod["metadata"].to_string().contains("hooked.dev/revision"), "{pod:#}");
    }
}
