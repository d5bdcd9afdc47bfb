//! Makes the Pods, looks at them until they have shown what they are to show, and removes them.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use tokio::time::{Instant, sleep, timeout};

use super::manifest::{Wanted, manifest};
use super::outcome::{Outcome, Seen, read};
use crate::connect::Connection;

/// How often a Pod is looked at.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long the API server has to remove a Pod: who has pressed Ctrl-C does not wait longer.
const REMOVAL: Duration = Duration::from_secs(10);

/// What each Pod has shown, in the same order, after at most so long. Whether they are done or Ctrl-C was pressed, all
/// of them are removed before this returns.
pub(super) async fn run(
    connection: &Connection,
    patience: Duration,
    wanted: &[Wanted],
    begun: Timestamp,
) -> Vec<(Wanted, Outcome)> {
    // Known before anything is sent: a Pod whose creation got no answer is removed too.
    let names: Vec<String> = (0..wanted.len()).map(|number| format!("{}{number}", prefix(begun))).collect();
    let shows =
        wanted.iter().zip(&names).map(|(wanted, name)| show(connection, patience, wanted, name, begun));
    let outcomes = tokio::select! {
        outcomes = join_all(shows) => outcomes,
        _ = tokio::signal::ctrl_c() => vec![Outcome::Interrupted; wanted.len()],
    };
    join_all(names.iter().map(|name| remove(connection, name))).await;
    wanted.iter().cloned().zip(outcomes).collect()
}

/// How the names of all Pods begin that a check makes; no other check has the same.
pub(super) fn prefix(begun: Timestamp) -> String {
    format!("hooked-check-{:x}-", begun.as_nanosecond())
}

fn pods(connection: &Connection) -> Api<Pod> {
    Api::namespaced(connection.client.clone(), &connection.namespace)
}

async fn show(
    connection: &Connection,
    patience: Duration,
    wanted: &Wanted,
    name: &str,
    begun: Timestamp,
) -> Outcome {
    let deadline = Instant::now() + patience;
    let manifest = manifest(wanted, name, patience, begun).map_err(|error| error.to_string());
    let manifest =
        manifest.and_then(|pod| serde_json::from_value::<Pod>(pod).map_err(|error| error.to_string()));
    let made = match manifest {
        Ok(pod) => pods(connection).create(&PostParams::default(), &pod).await.map_err(|error| brief(&error)),
        Err(words) => Err(words),
    };
    if let Err(words) = made {
        return Outcome::Refused(words);
    }
    // It is looked at once at least, however slow the API server was.
    let waits = loop {
        let waits = match pods(connection).get(name).await.map(|pod| read(&pod)) {
            Ok(Seen::Over(outcome)) => return outcome,
            Ok(Seen::Going(words)) => words,
            // A request that fails is made again until the time is over.
            Err(error) => brief(&error),
        };
        if Instant::now() >= deadline {
            break waits;
        }
        sleep(INTERVAL).await;
    };
    let warning = last_warning(connection, name).await;
    Outcome::Late(warning.map_or_else(|| waits.clone(), |warning| format!("{waits} ({warning})")))
}

/// What the last Event that warns of the Pod says: it may tell what the Pod's status does not.
async fn last_warning(connection: &Connection, name: &str) -> Option<String> {
    let events: Api<Event> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let about = ListParams::default().fields(&format!("involvedObject.name={name},type=Warning"));
    let events = events.list(&about).await.ok()?.items;
    events.into_iter().max_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0))?.message
}

async fn remove(connection: &Connection, name: &str) {
    // What cannot be removed is looked for afterwards, and is told.
    let _ = timeout(REMOVAL, pods(connection).delete(name, &DeleteParams::default())).await;
}

fn brief(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}
