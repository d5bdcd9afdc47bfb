//! `kubectl hooked list`: workloads, those that need attention first.

mod attention;
mod row;
#[cfg(test)]
mod tests;
mod text;

use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use kube::Api;
use kube::api::ListParams;
use thiserror::Error;

use crate::arguments::{ListOptions, TableFormat};
use crate::connect::Connection;
use crate::end::End;
use crate::pages;
use crate::print::{PrintError, Screen, document};
use crate::request::{Asked, Request, RequestError};
use crate::workloads::PAGE;

use row::{Row, sort};
use text::lines;

/// Why there is no list.
#[derive(Debug, Error)]
pub(crate) enum ListError {
    /// The API server has not given what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &ListOptions,
    screen: &Screen,
) -> Result<End, ListError> {
    let ListOptions { all_namespaces, selector, output } = options;
    let namespace = if *all_namespaces { "" } else { &*connection.namespace };
    let mut rows = fetch(connection, namespace, selector.as_deref()).await?;
    sort(&mut rows);
    if let Some(format) = output.and_then(TableFormat::for_programs) {
        document(&rows, format)?;
    } else if rows.is_empty() {
        // Where a script reads a table there is none.
        eprintln!("{}", nothing_to_list(namespace, selector.as_deref()));
    } else {
        let wide = *output == Some(TableFormat::Wide);
        screen.show(&lines(&rows, *all_namespaces, wide, screen.width, Timestamp::now()))?;
    }
    Ok(End::Done)
}

/// That there is nothing to list, and where else to look.
fn nothing_to_list(namespace: &str, selector: Option<&str>) -> String {
    let chosen = selector.map_or_else(String::new, |selector| format!(" that matches {selector}"));
    match namespace {
        "" => format!("there is no HookedWorkload{chosen} in any namespace"),
        _ => format!("there is no HookedWorkload{chosen} in namespace {namespace}; -A lists all namespaces"),
    }
}

/// The workloads of a namespace, or of all if it is empty.
async fn fetch(
    connection: &Connection,
    namespace: &str,
    selector: Option<&str>,
) -> Result<Vec<Row>, RequestError> {
    let request = Request { verb: "list", asked: Asked::Workload, name: "", namespace };
    let client = connection.client.clone();
    let api: Api<HookedWorkload> =
        if namespace.is_empty() { Api::all(client) } else { Api::namespaced(client, namespace) };
    let label_selector = selector.map(str::to_owned);
    let parameters = ListParams { label_selector, ..ListParams::default() }.limit(PAGE);
    let mut rows = Vec::new();
    pages::each(&api, parameters, request, |workload| rows.push(Row::of(workload))).await?;
    Ok(rows)
}
