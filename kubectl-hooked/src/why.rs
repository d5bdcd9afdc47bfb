//! `kubectl hooked why`: why the containers of a Pod were killed, by the rules that the operator counts by.

mod evidence;
mod explanation;
mod fetch;
mod memory;
mod reasons;
mod story;
#[cfg(test)]
mod tests;
mod text;

use jiff::Timestamp;
use thiserror::Error;

use crate::arguments::WhyOptions;
use crate::connect::Connection;
use crate::end::End;
use crate::print::{PrintError, Screen, document};
use crate::request::RequestError;

/// Why nothing is known of a Pod.
#[derive(Debug, Error)]
pub(crate) enum WhyError {
    /// The API server has not given what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The Pod has no such container.
    #[error("Pod {pod} has no container {container}; it has {known}")]
    NoContainer {
        /// The Pod.
        pod: String,
        /// What was asked for.
        container: String,
        /// Those it has.
        known: String,
    },
    /// It is gone, and nobody remembers it.
    #[error(
        "there is no Pod {pod} in namespace {namespace}, and no HookedWorkload there remembers one: `kubectl get pods -n {namespace}` lists those that are there; spec.hooks.historyLimit says how many runs are remembered"
    )]
    Forgotten {
        /// The Pod.
        pod: String,
        /// The namespace.
        namespace: String,
    },
    /// It was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &WhyOptions,
    screen: &Screen,
) -> Result<End, WhyError> {
    let WhyOptions { pod, container, output, show_output } = options;
    let mut explanation = match fetch::fetch(connection, pod).await {
        Ok(found) => story::explain(&found, *show_output, Timestamp::now()),
        Err(RequestError::NoPod { name, namespace }) => {
            let memories = fetch::remembered(connection, &name).await?;
            if memories.is_empty() {
                return Err(WhyError::Forgotten { pod: name, namespace });
            }
            memory::explain(&namespace, &name, memories, *show_output)
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(container) = container {
        explanation.keep(container).map_err(|known| WhyError::NoContainer {
            pod: pod.clone(),
            container: container.clone(),
            known,
        })?;
    }
    match output {
        Some(format) => document(&explanation, *format)?,
        None => screen.show(&text::lines(&explanation, screen.width))?,
    }
    Ok(End::Done)
}
