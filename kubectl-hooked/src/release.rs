//! `kubectl hooked release`: the Pods of a HookedWorkload become those of a Deployment as they run, by the rights of
//! who asks alone.
//!
//! The Deployment is made first, and paused: so it makes nothing, and keeps what must be known once the workload is
//! gone. Then the workload is deleted without its Pods, a ReplicaSet takes these over by their hash, and the Deployment
//! is resumed. A command that ends early is run again.

mod error;
mod finalizers;
mod found;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use serde_json::Value;

use crate::arguments::ReleaseOptions;
use crate::connect::Connection;
use crate::end::End;
use crate::ownership::scalers::scalers;
use crate::ownership::{DEPLOYMENT, Mode, Objects, WORKLOAD};
use crate::print::Screen;

pub(crate) use error::ReleaseError;
use found::{Found, is_releasing, obstacles};
use steps::Steps;

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &ReleaseOptions,
    screen: &Screen,
) -> Result<End, ReleaseError> {
    let place = if options.all_namespaces { "" } else { &*connection.namespace };
    let all = Objects::within(connection, place);
    if options.finalizers_only {
        if !options.force {
            finalizers::check_nobody_leads(connection, &all, &options.operator_namespace).await?;
        }
        let mode = if options.dry_run { Mode::Try } else { Mode::Do };
        finalizers::remove(connection, &all, mode, screen).await?;
        return Ok(End::Done);
    }
    match &options.name {
        Some(name) => release(&all, name, options, screen).await?,
        None => release_all(connection, &all, options, screen).await?,
    }
    Ok(End::Done)
}

/// Workloads that are released at a time.
const AT_ONCE: usize = 8;

async fn release_all(
    connection: &Connection,
    all: &Objects,
    options: &ReleaseOptions,
    screen: &Screen,
) -> Result<(), ReleaseError> {
    let mut objects = all.list(WORKLOAD, "").await?;
    // Those that watch the Pods of others have none to give, and hold nothing.
    objects.retain(|workload| workload["spec"]["workloadRef"].is_null());
    // Of those that were left halfway the workload may be gone.
    objects.extend(all.list(DEPLOYMENT, "").await?.into_iter().filter(is_releasing));
    let names: BTreeSet<(String, String)> = objects.iter().map(identity).collect();
    let released = names.iter().map(async |(namespace, name)| {
        let objects = Objects::within(connection, namespace);
        release(&objects, name, options, screen).await.inspect_err(|error| eprintln!("error: {error}"))
    });
    // One that cannot be released keeps none of the others.
    let released: Vec<_> = stream::iter(released).buffer_unordered(AT_ONCE).collect().await;
    let failed = released.iter().filter(|released| released.is_err()).count();
    if failed > 0 { Err(ReleaseError::Several { failed, all: names.len() }) } else { Ok(()) }
}

/// Namespace and name.
fn identity(object: &Value) -> (String, String) {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

async fn release(
    objects: &Objects,
    name: &str,
    options: &ReleaseOptions,
    screen: &Screen,
) -> Result<(), ReleaseError> {
    let found = Found::look(objects, name).await?;
    let scalers = scalers(objects, WORKLOAD, name).await?;
    let steps = Steps { objects, name, patience: options.timeout, screen };
    let mut reasons = obstacles(&found, options.force);
    reasons.extend(steps.rehearse(&found, &scalers).await);
    if !reasons.is_empty() {
        return Err(ReleaseError::InTheWay { name: name.to_owned(), reasons });
    }
    if options.dry_run {
        screen.say(format!("the Pods of HookedWorkload {name} would go to Deployment {name} as they run"))?;
        for scaler in &scalers {
            screen.say(format!("{scaler} would be pointed to the Deployment"))?;
        }
        screen.say("nothing was changed (server dry run)")?;
        return Ok(());
    }
    steps.take(found, &scalers).await
}
