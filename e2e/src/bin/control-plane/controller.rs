//! The controllers that are measured, each as a program of this machine whose client nothing limits.

use std::path::PathBuf;

use anyhow::Result;
use hooked_cluster::{ControlPlane, Running};

use crate::contender::Contender;
use crate::install;

/// How the operator is run.
#[derive(Clone, Debug)]
pub(crate) struct OperatorSettings {
    pub(crate) program: PathBuf,
    pub(crate) has_image_volumes: bool,
    /// Where runners reach it, also after a restart, as behind a Service: else every Pod would be told another address.
    pub(crate) live_port: u16,
}

/// The controller manager, with what makes Pods of Deployments alone.
pub(crate) fn start_manager(plane: &ControlPlane) -> Result<Running> {
    plane.controller_manager(&["deployment-controller", "replicaset-controller"])
}

/// Starts the controller of a contender that is measured.
pub(crate) fn start(
    plane: &ControlPlane,
    contender: Contender,
    operator: &OperatorSettings,
) -> Result<Running> {
    if !contender.has_operator() {
        return start_manager(plane);
    }
    let kubeconfig = plane.kubeconfig_of("hooked-controller")?.display().to_string();
    let live = operator.live_port;
    let injection = if operator.has_image_volumes { "ImageVolume" } else { "InitContainer" };
    let args = [
        "--leader-elect=false".to_owned(),
        "--metrics-bind-address=127.0.0.1:0".to_owned(),
        "--health-probe-bind-address=127.0.0.1:0".to_owned(),
        format!("--live-bind-address=127.0.0.1:{live}"),
        format!("--live-advertise-address=127.0.0.1:{live}"),
        "--runner-image=hooked.dev/hooked:dev".to_owned(),
        format!("--injection={injection}"),
    ];
    let variables = [("KUBECONFIG", &*kubeconfig), ("POD_NAMESPACE", install::OPERATOR_NAMESPACE)];
    plane.program("hooked-controller", &operator.program, &args, &variables)
}
