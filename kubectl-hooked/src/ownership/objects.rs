//! Reading, making, changing and deleting objects of any kind, and saying in words what went wrong.

use std::time::{Duration, Instant};

use hooked_core::names;
use hooked_core::workload::desired::selector_text;
use http::Request;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Client;
use kube::core::Status;
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::kinds::Kind;
use crate::connect::Connection;

/// How often is looked whether something has become so.
const PAUSE: Duration = Duration::from_millis(500);
/// Objects that one reply holds.
const PAGE: u32 = 500;

/// Why a step was not taken.
#[derive(Debug, Error)]
pub(crate) enum StepError {
    /// The user may not.
    #[error("you may not {verb} {resource} in namespace {namespace}: ask for a role that allows it")]
    Forbidden { verb: &'static str, resource: String, namespace: String },
    /// The cluster does not know the kind.
    #[error("this cluster knows no {0}")]
    UnknownKind(String),
    /// Anything else that the server says, with its code.
    #[error("the API server refuses to {verb} {what}: {message}")]
    Refused { verb: &'static str, what: String, message: String, code: u16 },
    /// No answer, or one that cannot be read.
    #[error("cannot {verb} {what}: {message}")]
    Unanswered { verb: &'static str, what: String, message: String },
    /// Nobody knows whether it was carried out: the reply was lost.
    #[error("cannot tell whether {what} is being deleted, which may be carried out yet: {message}")]
    Unsure { what: String, message: String },
    /// What was waited for did not come in time.
    #[error("{0}")]
    TimedOut(String),
}

impl StepError {
    /// Whether somebody has changed the object meanwhile, or there is one already.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { code: 409, .. })
    }

    /// Whether the request may have been carried out, or may be yet.
    pub(crate) fn is_unsure(&self) -> bool {
        matches!(self, Self::Unsure { .. })
    }
}

/// Whether a request is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Try,
    Do,
}

/// The objects of a namespace, or of all.
pub(crate) struct Objects {
    client: Client,
    namespace: String,
}

impl Objects {
    /// Those of the namespace of the connection.
    pub(crate) fn of(connection: &Connection) -> Self {
        Self::within(connection, &connection.namespace)
    }

    /// Those of a namespace; of all, which can be listed, for an empty one.
    pub(crate) fn within(connection: &Connection, namespace: &str) -> Self {
        Self { client: connection.client.clone(), namespace: namespace.to_owned() }
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether the cluster knows the kind, which anybody may ask.
    pub(crate) async fn knows(&self, kind: Kind) -> Result<bool, StepError> {
        let (verb, what) = ("discover", kind.resource());
        let unanswered = |message: String| StepError::Unanswered { verb, what: what.clone(), message };
        let request = Request::get(kind.discovery()).body(Vec::new());
        let request = request.map_err(|error| unanswered(error.to_string()))?;
        match self.client.request::<Value>(request).await {
            Ok(found) => {
                let mut resources = found["resources"].as_array().into_iter().flatten();
                Ok(resources.any(|resource| resource["name"] == *kind.plural))
            }
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(error) => Err(unanswered(error.to_string())),
        }
    }

    /// The object of that name, if there is one.
    pub(crate) async fn find(&self, kind: Kind, name: &str) -> Result<Option<Value>, StepError> {
        match self.send("GET", "get", kind, name, &[], None).await {
            Ok(found) => Ok(Some(found)),
            Err(StepError::Refused { code: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The objects that a selector matches; all for an empty one.
    pub(crate) async fn list(&self, kind: Kind, selector: &str) -> Result<Vec<Value>, StepError> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let mut query = vec![("limit", PAGE.to_string()), ("labelSelector", selector.to_owned())];
            query.push(("continue", token.clone()));
            query.retain(|(_, value)| !value.is_empty());
            let mut page = self.send("GET", "list", kind, "", &query, None).await?;
            all.extend(page["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
            page["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut token);
            if token.is_empty() {
                return Ok(all);
            }
        }
    }

    /// Makes an object.
    pub(crate) async fn create(&self, kind: Kind, object: &Value, mode: Mode) -> Result<Value, StepError> {
        let mut object = object.clone();
        object["apiVersion"] = kind.api.into();
        object["kind"] = kind.name.into();
        self.send("POST", "create", kind, "", &written(mode), Some((JSON, &object))).await
    }

    /// Changes an object by a merge patch.
    pub(crate) async fn merge(
        &self,
        kind: Kind,
        name: &str,
        change: &Value,
        mode: Mode,
    ) -> Result<Value, StepError> {
        self.send("PATCH", "patch", kind, name, &written(mode), Some((MERGE, change))).await
    }

    /// Replaces an object that is still of the version that it was read in.
    pub(crate) async fn replace(&self, kind: Kind, name: &str, object: &Value) -> Result<Value, StepError> {
        self.send("PUT", "update", kind, name, &written(Mode::Do), Some((JSON, object))).await
    }

    /// Deletes just this object, at just that version if one is named, and leaves behind what it controls.
    pub(crate) async fn leave_behind(
        &self,
        kind: Kind,
        object: &Value,
        version: Option<&str>,
        mode: Mode,
    ) -> Result<(), StepError> {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default();
        let mut options = json!({
            "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan",
            "preconditions": {"uid": metadata["uid"]},
        });
        if let Some(version) = version {
            options["preconditions"]["resourceVersion"] = version.into();
        }
        if mode == Mode::Try {
            options["dryRun"] = json!(["All"]);
        }
        match self.send("DELETE", "delete", kind, name, &[], Some((JSON, &options))).await {
            Ok(_) | Err(StepError::Refused { code: 404, .. }) => Ok(()),
            Err(lost @ (StepError::Unanswered { .. } | StepError::Refused { code: 500.., .. }))
                if mode == Mode::Do =>
            {
                self.look_for_deleted(kind, object, lost).await
            }
            Err(error) => Err(error),
        }
    }

    /// Whether an object is gone or going though the reply to its deletion was lost. One that is there as before may
    /// be deleted yet, by a request that is still on its way.
    async fn look_for_deleted(&self, kind: Kind, object: &Value, lost: StepError) -> Result<(), StepError> {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default();
        let message = match self.find(kind, name).await {
            Ok(None) => return Ok(()),
            Ok(Some(found)) => {
                let found = &found["metadata"];
                if found["uid"] != metadata["uid"] || found["deletionTimestamp"].is_string() {
                    return Ok(());
                }
                lost.to_string()
            }
            Err(error) => format!("{lost}; {error}"),
        };
        Err(StepError::Unsure { what: format!("{} {name}", kind.name), message })
    }

    /// Waits until this very object is gone.
    pub(crate) async fn until_gone(
        &self,
        kind: Kind,
        object: &Value,
        patience: Duration,
    ) -> Result<(), StepError> {
        let (name, uid) =
            (object["metadata"]["name"].as_str().unwrap_or_default(), &object["metadata"]["uid"]);
        self.until(patience, &format!("{} {name} is not gone yet", kind.name), async || {
            let found = self.find(kind, name).await?;
            Ok(found.is_none_or(|found| found["metadata"]["uid"] != *uid).then_some(()))
        })
        .await
    }

    /// Waits until something is found. `not_yet` says what is so if it is not in time.
    pub(crate) async fn until<T, E: From<StepError>>(
        &self,
        patience: Duration,
        not_yet: &str,
        look: impl AsyncFn() -> Result<Option<T>, E>,
    ) -> Result<T, E> {
        let begun = Instant::now();
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if begun.elapsed() > patience {
                let seconds = patience.as_secs();
                return Err(StepError::TimedOut(format!("{not_yet} after {seconds} s")).into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send(
        &self,
        method: &'static str,
        verb: &'static str,
        kind: Kind,
        name: &str,
        query: &[(&str, String)],
        body: Option<(&'static str, &Value)>,
    ) -> Result<Value, StepError> {
        let named = if name.is_empty() { String::new() } else { format!("/{name}") };
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let path = format!("{}{named}?{query}", kind.path(self.namespace()));
        let mut request = Request::builder().method(method).uri(path);
        if let Some((content, _)) = body {
            request = request.header("Content-Type", content);
        }
        let body = body.map(|(_, body)| body.to_string().into_bytes()).unwrap_or_default();
        let what = if name.is_empty() { kind.resource() } else { format!("{} {name}", kind.name) };
        let unanswered = |message: String| StepError::Unanswered { verb, what: what.clone(), message };
        let request = request.body(body).map_err(|error| unanswered(error.to_string()))?;
        let answer = self.client.request::<Value>(request).await;
        answer.map_err(|error| match error {
            kube::Error::Api(status) => self.refused(verb, kind, what.clone(), &status),
            error => unanswered(error.to_string()),
        })
    }

    fn refused(&self, verb: &'static str, kind: Kind, what: String, status: &Status) -> StepError {
        let is_of_kind = status.details.as_ref().is_some_and(|details| !details.kind.is_empty());
        match status.code {
            // Of a kind that it does not know the server names none.
            404 if !is_of_kind => StepError::UnknownKind(kind.resource()),
            // A policy, a quota or a webhook has words of its own.
            403 if status.message.contains(" cannot ") => StepError::Forbidden {
                verb,
                resource: kind.resource(),
                namespace: self.namespace().to_owned(),
            },
            code => StepError::Refused { verb, what, message: status.message.clone(), code },
        }
    }
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";

fn written(mode: Mode) -> Vec<(&'static str, String)> {
    let mut query = vec![("fieldManager", "kubectl-hooked".to_owned())];
    if mode == Mode::Try {
        query.push(("dryRun", "All".to_owned()));
    }
    query
}

/// The hash of the template that an object was made from or stands for.
pub(crate) fn hash_of(object: &Value) -> Option<&str> {
    object["metadata"]["labels"][names::TEMPLATE_HASH_LABEL].as_str()
}

/// Who controls an object, if anybody does.
pub(crate) fn owner_of(object: &Value) -> Option<&Value> {
    let mut owners = object["metadata"]["ownerReferences"].as_array()?.iter();
    owners.find(|owner| owner["controller"] == true)
}

/// The condition of that type.
pub(crate) fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|known| known["type"] == *type_)
}

/// The selector of an object that has one, as a query has it.
pub(crate) fn selector(object: &Value) -> String {
    let selector = LabelSelector::deserialize(&object["spec"]["selector"]);
    selector.map(|known| selector_text(&known)).unwrap_or_default()
}

/// Whether the operator's finalizer is on an object.
pub(crate) fn is_held(object: &Value) -> bool {
    let mut finalizers = object["metadata"]["finalizers"].as_array().into_iter().flatten();
    finalizers.any(|finalizer| finalizer == names::ACCOUNTING_FINALIZER)
}
