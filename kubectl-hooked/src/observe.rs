//! `kubectl hooked observe`: has workloads of others watched. Nothing of theirs is changed.

mod error;
mod kinds;
mod plan;
#[cfg(test)]
mod tests;

use hooked_crd::{HookedWorkload, Referent};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PostParams, Preconditions};
use kube::core::ApiResource;

use crate::arguments::ObserveOptions;
use crate::connect::Connection;
use crate::end::End;
use crate::pages;
use crate::print::{Screen, document};
use crate::render::Line;
use crate::request::{Asked, Request};
use crate::workloads::{PAGE, workloads};

pub(crate) use error::ObserveError;
use kinds::{Known, find};
use plan::{Listed, Plan, Step, plan, watching};

/// Objects that one reply holds, of which only metadata is asked for.
const MOST: u32 = 500;

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &ObserveOptions,
    screen: &Screen,
) -> Result<End, ObserveError> {
    let watching = all_watching(connection).await?;
    let plan = match &options.target {
        Some(target) => one(connection, target, options.name.as_deref(), &watching).await?,
        None => all(connection, &watching).await?,
    };
    if let Some(format) = options.output {
        let manifests: Vec<&HookedWorkload> = plan.steps.iter().filter_map(Step::manifest).collect();
        match *manifests {
            [manifest] => document(manifest, format)?,
            _ => document(&manifests, format)?,
        }
        return Ok(End::Done);
    }
    let mut lines = Vec::new();
    let mut failed = false;
    for step in &plan.steps {
        let said = carry_out(connection, step, options.dry_run).await;
        failed |= said.is_err();
        lines.push(said.unwrap_or_else(|error| Line::new().plain(format!("error: {error}"))));
    }
    if lines.is_empty() {
        lines.push(Line::new().plain(format!("nothing to do in namespace {}", connection.namespace)));
    }
    lines.extend(plan.notes.iter().map(|note| Line::new().plain(note.clone())));
    screen.show(&lines)?;
    Ok(if failed { End::Problem } else { End::Done })
}

/// The HookedWorkloads of the namespace.
async fn all_watching(connection: &Connection) -> Result<Vec<HookedWorkload>, ObserveError> {
    let request =
        Request { verb: "list", asked: Asked::Workload, name: "", namespace: &connection.namespace };
    let mut found = Vec::new();
    let parameters = ListParams::default().limit(PAGE);
    pages::each(&workloads(connection), parameters, request, |workload| {
        let status = workload.spec.workload_ref.is_none().then(|| workload.status.clone()).flatten();
        found.push(HookedWorkload { status, ..workload.clone() });
    })
    .await?;
    Ok(found)
}

/// Has the workload that is named watched.
async fn one(
    connection: &Connection,
    target: &str,
    name: Option<&str>,
    known: &[HookedWorkload],
) -> Result<Plan, ObserveError> {
    let (kind, named) = target
        .split_once('/')
        .filter(|(kind, named)| !kind.is_empty() && !named.is_empty())
        .ok_or_else(|| ObserveError::Target(target.to_owned()))?;
    let kind = find(connection, kind).await?;
    let referent = kind.referent(named);
    let found = metadata_of(connection, &kind).get(named).await;
    found.map_err(|error| kind.failed(&error, named, &connection.namespace))?;
    let watched = plan::watched_by(&referent, known);
    let step = match (watched, name.unwrap_or(named)) {
        (Some(name), _) => Step::Keep { name, referent },
        (None, name) if known.iter().any(|other| other.name_any() == name) => {
            return Err(ObserveError::NameTaken { name: name.to_owned(), target: target.to_owned() });
        }
        (None, name) => Step::Create(Box::new(watching(name, referent))),
    };
    Ok(Plan { steps: vec![step], notes: Vec::new() })
}

/// Has all of the namespace watched.
async fn all(connection: &Connection, known: &[HookedWorkload]) -> Result<Plan, ObserveError> {
    let mut listed = Vec::new();
    for kind in kinds::KNOWN {
        let kind = kind.of_all();
        let mut objects = Vec::new();
        let api = metadata_of(connection, &kind);
        let mut parameters = ListParams::default().limit(MOST);
        let outcome = loop {
            match api.list_metadata(&parameters).await {
                Ok(page) => {
                    objects.extend(page.items.iter().map(|object| {
                        let mut owners = object.owner_references().iter();
                        (object.name_any(), owners.any(|owner| owner.controller == Some(true)))
                    }));
                    match page.metadata.continue_.filter(|token| !token.is_empty()) {
                        Some(token) => parameters.continue_token = Some(token),
                        None => break Ok(objects),
                    }
                }
                Err(error) => break Err(kind.failed(&error, "", &connection.namespace)),
            }
        };
        listed.push(Listed { kind, objects: outcome.map_err(|error| error.to_string()) });
    }
    Ok(plan(&listed, known))
}

fn metadata_of(connection: &Connection, kind: &Known) -> Api<DynamicObject> {
    let (group, version) = kind.api_version.split_once('/').unwrap_or(("", &kind.api_version));
    let resource = ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: kind.api_version.to_string(),
        kind: kind.kind.to_string(),
        plural: kind.plural.to_string(),
    };
    Api::namespaced_with(connection.client.clone(), &connection.namespace, &resource)
}

async fn carry_out(connection: &Connection, step: &Step, dry_run: bool) -> Result<Line, ObserveError> {
    let request =
        |verb, name| Request { verb, asked: Asked::Workload, name, namespace: &connection.namespace };
    let tried = if dry_run { " (server dry run)" } else { "" };
    let said = |name: &str, done: &str, Referent { kind, name: named, .. }: &Referent| {
        Line::new().plain(format!("hookedworkload.hooked.dev/{name} {done}{tried}: {kind} {named}"))
    };
    match step {
        Step::Keep { name, referent } => Ok(said(name, "watches already", referent)),
        Step::Create(manifest) => {
            let parameters = PostParams { dry_run, field_manager: Some("kubectl-hooked".to_owned()) };
            let name = manifest.name_any();
            let created = workloads(connection).create(&parameters, manifest).await;
            created.map_err(|error| request("create", &*name).failed(&error))?;
            let referent = manifest.spec.workload_ref.clone().unwrap_or_default();
            Ok(said(&name, "watches from now on", &referent))
        }
        Step::Remove { name, uid, referent } => {
            let parameters = DeleteParams { dry_run, ..DeleteParams::default() };
            let parameters =
                parameters.preconditions(Preconditions { uid: Some(uid.clone()), resource_version: None });
            let deleted = workloads(connection).delete(name, &parameters).await;
            deleted.map_err(|error| request("delete", &**name).failed(&error))?;
            Ok(said(name, "deleted, for what it watched is gone", referent))
        }
    }
}
