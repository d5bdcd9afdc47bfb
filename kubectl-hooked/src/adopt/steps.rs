//! The steps, each of which can be taken again.

use std::time::Duration;

use hooked_core::names::{REVISION_LABEL, WORKLOAD_UID_LABEL};
use hooked_crd::Reason;
use serde_json::{Value, json};

use super::error::AdoptError;
use super::found::{Found, adopting, drifted, not_stored};
use crate::ownership::scalers::{Scaler, point};
use crate::ownership::{
    DEPLOYMENT, Mode, Objects, POD, REPLICA_SET, REVISION, StepError, WORKLOAD, condition, selector,
};
use crate::print::Screen;

/// Who takes them.
pub(super) struct Steps<'a> {
    pub(super) objects: &'a Objects,
    pub(super) name: &'a str,
    /// How long each wait may take.
    pub(super) patience: Duration,
    pub(super) screen: &'a Screen,
}

impl Steps<'_> {
    /// Has the API server try each step; returns what it refuses.
    pub(super) async fn rehearse(&self, found: &Found, scalers: &[Scaler]) -> Vec<String> {
        let mut tried = Vec::new();
        if let (Some(deployment), None) = (&found.deployment, &found.workload) {
            tried.push(self.objects.create(WORKLOAD, &adopting(deployment), Mode::Try).await.map(drop));
        }
        if let Some(deployment) = &found.deployment {
            tried.push(self.objects.leave_behind(DEPLOYMENT, deployment, None, Mode::Try).await);
            tried.push(self.try_a_pod(deployment).await);
        }
        for set in &found.replica_sets {
            tried.push(self.objects.leave_behind(REPLICA_SET, set, None, Mode::Try).await);
        }
        for scaler in scalers {
            tried.push(point(self.objects, scaler, WORKLOAD, Mode::Try).await);
        }
        let refused: Vec<String> =
            tried.into_iter().filter_map(|tried| Some(format!("  {}", tried.err()?))).collect();
        refused.into_iter().fold(Vec::new(), |mut all, one| {
            if !all.contains(&one) {
                all.push(one);
            }
            all
        })
    }

    /// Whether a policy or a webhook lets Pods be changed as the operator will change them. Who may not change Pods
    /// cannot ask.
    async fn try_a_pod(&self, deployment: &Value) -> Result<(), StepError> {
        let pods = self.objects.list(POD, &selector(deployment)).await?;
        let Some(name) = pods.first().and_then(|pod| pod["metadata"]["name"].as_str()) else { return Ok(()) };
        let change = json!({"metadata": {"labels": {REVISION_LABEL: "rehearsal"}}});
        match self.objects.merge(POD, name, &change, Mode::Try).await {
            Ok(_) | Err(StepError::Forbidden { .. } | StepError::Refused { code: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes all steps that are left.
    pub(super) async fn take(&self, found: Found, scalers: &[Scaler]) -> Result<(), AdoptError> {
        let name = self.name;
        let Found { deployment, mut replica_sets, workload, .. } = found;
        if let Some(deployment) = &deployment {
            if workload.is_none() {
                self.make(deployment).await?;
            }
            replica_sets = self.delete_deployment().await?;
        }
        for set in &replica_sets {
            self.delete_replica_set(set).await?;
        }
        let not_yet = format!("HookedWorkload {name} is not Ready yet");
        let ready = self.objects.until(self.patience, &not_yet, || self.look_for_ready());
        let ready = ready.await.map_err(|source| self.after(source))?;
        for scaler in scalers {
            point(self.objects, scaler, WORKLOAD, Mode::Do).await.map_err(|source| self.after(source))?;
            self.screen.say(format!("{scaler} points to the HookedWorkload"))?;
        }
        let pods = ready["status"]["replicas"].as_i64().unwrap_or(0);
        self.screen
            .say(format!("hookedworkload.hooked.dev/{name} has taken over {pods} Pods as they run"))?;
        let words =
            format!("their hooks are observed; `kubectl hooked restart {name}` has new Pods measured");
        Ok(self.screen.say(words)?)
    }

    async fn make(&self, deployment: &Value) -> Result<(), AdoptError> {
        match self.objects.create(WORKLOAD, &adopting(deployment), Mode::Do).await {
            Ok(_) => {
                Ok(self.screen.say(format!("hookedworkload.hooked.dev/{} created, and waits", self.name))?)
            }
            // The reply to an earlier request was lost: what is there is looked at before anything is deleted.
            Err(error) if error.is_conflict() => Ok(()),
            Err(source) => Err(self.before(source)),
        }
    }

    /// Deletes the Deployment as the workload knows it; returns the `ReplicaSets` that it leaves behind.
    async fn delete_deployment(&self) -> Result<Vec<Value>, AdoptError> {
        let not_yet = format!("Deployment {} has changed each time before it was deleted", self.name);
        let deleted = self.objects.until(self.patience, &not_yet, || self.try_to_delete()).await;
        deleted.map_err(|error| match error {
            AdoptError::Look(source) => self.before(source),
            error => error,
        })?;
        Ok(Found::look(self.objects, self.name).await?.replica_sets)
    }

    /// Deletes the Deployment, unless it or the workload has changed meanwhile.
    async fn try_to_delete(&self) -> Result<Option<()>, AdoptError> {
        let Found { deployment, replica_sets, workload, .. } = Found::look(self.objects, self.name).await?;
        let Some(deployment) = deployment else { return Ok(Some(())) };
        let workload = workload.ok_or_else(|| {
            let gone = format!("HookedWorkload {} is gone: somebody has deleted it", self.name);
            self.before(StepError::TimedOut(gone))
        })?;
        if let Some(spec) = drifted(&workload, &deployment) {
            self.follow(&workload, spec).await?;
            return Ok(None);
        }
        self.until_waiting(&replica_sets).await?;
        let version = deployment["metadata"]["resourceVersion"].as_str();
        match self.objects.leave_behind(DEPLOYMENT, &deployment, version, Mode::Do).await {
            Ok(()) => {}
            // Somebody has changed it meanwhile.
            Err(error) if error.is_conflict() => return Ok(None),
            Err(source) if source.is_unsure() => return Err(self.after(source)),
            Err(source) => return Err(self.before(source)),
        }
        let gone = self.objects.until_gone(DEPLOYMENT, &deployment, self.patience).await;
        gone.map_err(|source| self.after(source))?;
        self.screen.say(format!("deployment.apps/{} deleted; its ReplicaSets go on", self.name))?;
        Ok(Some(()))
    }

    /// Has the workload ask for what the Deployment does by now.
    async fn follow(&self, workload: &Value, spec: Value) -> Result<(), StepError> {
        let mut changed = workload.clone();
        for (field, value) in spec.as_object().into_iter().flatten() {
            changed["spec"][field] = value.clone();
        }
        match self.objects.replace(WORKLOAD, self.name, &changed).await {
            Err(error) if error.is_conflict() => Ok(()),
            replaced => replaced.map(drop),
        }
    }

    /// Waits until the operator says that it waits, and has stored all revisions.
    async fn until_waiting(&self, replica_sets: &[Value]) -> Result<(), AdoptError> {
        let not_yet = "no operator has said that it waits for the Deployment (is it running? `kubectl hooked check` tells)";
        let said = self.objects.until(self.patience, not_yet, || self.look_for_waiting(replica_sets));
        match said.await.map_err(|source| self.before(source))? {
            Ok(()) => Ok(()),
            Err(words) => Err(AdoptError::Operator { words, so_far: self.undone() }),
        }
    }

    /// Whether the operator waits; or its words on why it never will.
    async fn look_for_waiting(
        &self,
        replica_sets: &[Value],
    ) -> Result<Option<Result<(), String>>, StepError> {
        let Some(workload) = self.objects.find(WORKLOAD, self.name).await? else { return Ok(None) };
        let has = |type_: &str, field: &str, value: &str| {
            condition(&workload, type_).filter(|known| known[field] == *value)
        };
        let words = |known: &Value| known["message"].as_str().unwrap_or_default().to_owned();
        let is_seen = workload["status"]["observedGeneration"] == workload["metadata"]["generation"];
        if let Some(stalled) = has("Stalled", "status", "True").filter(|_| is_seen) {
            return Ok(Some(Err(words(stalled))));
        }
        if let Some(unknown) = has("Progressing", "reason", Reason::PredecessorUnknown.as_str()) {
            return Ok(Some(Err(words(unknown))));
        }
        if !is_seen || has("Progressing", "reason", Reason::AwaitingAdoption.as_str()).is_none() {
            return Ok(None);
        }
        let uid = workload["metadata"]["uid"].as_str().unwrap_or_default();
        let revisions = self.objects.list(REVISION, &format!("{WORKLOAD_UID_LABEL}={uid}")).await?;
        Ok(not_stored(replica_sets, &revisions, &workload).is_empty().then_some(Ok(())))
    }

    async fn delete_replica_set(&self, set: &Value) -> Result<(), AdoptError> {
        let deleted = self.objects.leave_behind(REPLICA_SET, set, None, Mode::Do).await;
        deleted.map_err(|source| self.after(source))?;
        let gone = self.objects.until_gone(REPLICA_SET, set, self.patience).await;
        gone.map_err(|source| self.after(source))?;
        let name = set["metadata"]["name"].as_str().unwrap_or_default();
        Ok(self.screen.say(format!("replicaset.apps/{name} deleted; its Pods run on"))?)
    }

    async fn look_for_ready(&self) -> Result<Option<Value>, StepError> {
        let Some(workload) = self.objects.find(WORKLOAD, self.name).await? else { return Ok(None) };
        let is_seen = workload["status"]["observedGeneration"] == workload["metadata"]["generation"];
        let is_ready = condition(&workload, "Ready").is_some_and(|known| known["status"] == "True");
        Ok((is_seen && is_ready).then_some(workload))
    }

    /// A failure before the Deployment was deleted.
    fn before(&self, source: StepError) -> AdoptError {
        AdoptError::Step { source, so_far: self.undone() }
    }

    /// A failure after it, or after what may have deleted it.
    fn after(&self, source: StepError) -> AdoptError {
        let so_far = format!(
            "the Deployment is deleted or may be, and its Pods run: `kubectl hooked adopt deployment/{} -n {}` goes \
             on where this has stopped",
            self.name,
            self.objects.namespace()
        );
        AdoptError::Step { source, so_far }
    }

    fn undone(&self) -> String {
        let (name, namespace) = (self.name, self.objects.namespace());
        format!(
            "Deployment {name} is as it was: `kubectl hooked adopt deployment/{name} -n {namespace}` tries again, and \
             `kubectl delete hookedworkload {name} -n {namespace}` takes back what was done"
        )
    }
}
