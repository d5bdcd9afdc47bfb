//! `kubectl hooked adopt`: the Pods of a Deployment become those of a HookedWorkload as they run, by the rights of who
//! asks alone.
//!
//! The workload is made first and waits (`hooked.dev/adopt-from`). Only when the operator says that it waits, and knows
//! all revisions, the Deployment and then its `ReplicaSets` are deleted without what they control. At each moment one
//! controller at most is at work, and a command that ends early is run again.

mod error;
mod found;
mod steps;
#[cfg(test)]
mod tests;

use crate::arguments::AdoptOptions;
use crate::connect::Connection;
use crate::end::End;
use crate::ownership::scalers::{Scaler, scalers};
use crate::ownership::{DEPLOYMENT, Objects};
use crate::print::Screen;

pub(crate) use error::AdoptError;
use found::{Found, obstacles};
use steps::Steps;

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &AdoptOptions,
    screen: &Screen,
) -> Result<End, AdoptError> {
    let name = deployment(&options.target)?;
    let objects = Objects::of(connection);
    let found = Found::look(&objects, name).await?;
    let scalers = scalers(&objects, DEPLOYMENT, name).await?;
    let steps = Steps { objects: &objects, name, patience: options.timeout, screen };
    let mut reasons = obstacles(&found, options.force);
    reasons.extend(steps.rehearse(&found, &scalers).await);
    if !reasons.is_empty() {
        return Err(AdoptError::InTheWay { name: name.to_owned(), reasons });
    }
    if options.dry_run {
        for step in plan(&found, &scalers) {
            screen.say(step)?;
        }
        return Ok(End::Done);
    }
    steps.take(found, &scalers).await?;
    Ok(End::Done)
}

/// The name in `deployment/NAME`, in each form that kubectl takes.
fn deployment(target: &str) -> Result<&str, AdoptError> {
    let named = target.split_once('/').filter(|(kind, name)| {
        let kinds = ["deployment", "deployments", "deploy", "deployment.apps", "deployments.apps"];
        kinds.contains(&kind.to_ascii_lowercase().as_str()) && !name.is_empty() && !name.contains('/')
    });
    named.map(|(_, name)| name).ok_or_else(|| AdoptError::Target(target.to_owned()))
}

/// What would be done, a step a line.
fn plan(found: &Found, scalers: &[Scaler]) -> Vec<String> {
    let name = &found.name;
    let mut plan = Vec::new();
    if found.workload.is_none() {
        plan.push(format!("HookedWorkload {name} would be created, and wait"));
    }
    if found.deployment.is_some() {
        plan.push(format!("Deployment {name} would be deleted, and leave its ReplicaSets behind"));
    }
    for set in &found.replica_sets {
        let set = set["metadata"]["name"].as_str().unwrap_or_default();
        plan.push(format!(
            "ReplicaSet {set} would be deleted, and leave its Pods behind; its revision is kept"
        ));
    }
    plan.push(format!("HookedWorkload {name} would take the Pods over as they run"));
    plan.extend(scalers.iter().map(|scaler| format!("{scaler} would be pointed to the HookedWorkload")));
    plan.push("nothing was changed (server dry run)".to_owned());
    plan
}
