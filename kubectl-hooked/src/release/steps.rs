//! The steps, each of which can be taken again.

use std::time::Duration;

use hooked_core::names::{
    CHANGE_CAUSE, RELEASE_FROM_ANNOTATION, REVISION_LABEL, TEMPLATE_HASH_LABEL, WORKLOAD_UID_LABEL,
};
use serde_json::{Value, json};

use super::error::ReleaseError;
use super::found::{Found, From, drifted, releasing, replica_set};
use crate::ownership::scalers::{Scaler, point};
use crate::ownership::{
    DEPLOYMENT, Mode, Objects, POD, REPLICA_SET, REVISION, StepError, WORKLOAD, hash_of, is_held, owner_of,
    selector,
};
use crate::print::Screen;

/// How long Pods are nobody's before their ReplicaSet is made. Its controller goes by what its watch has shown: one
/// that still takes them for another's would make others, and then delete these others again.
const SETTLES: Duration = Duration::from_secs(2);

/// Who takes them.
pub(super) struct Steps<'a> {
    pub(super) objects: &'a Objects,
    pub(super) name: &'a str,
    /// How long each wait may take.
    pub(super) patience: Duration,
    pub(super) screen: &'a Screen,
}

impl Steps<'_> {
    /// Has the API server try what can be tried; returns what it refuses.
    pub(super) async fn rehearse(&self, found: &Found, scalers: &[Scaler]) -> Vec<String> {
        let mut tried = Vec::new();
        if let (Some(workload), None) = (&found.workload, &found.deployment) {
            let deployment = releasing(workload);
            let template = deployment["spec"]["template"].clone();
            let set = replica_set(&deployment, "rehearsal", &template, &json!(0));
            tried.push(self.objects.create(DEPLOYMENT, &deployment, Mode::Try).await.map(drop));
            tried.push(self.objects.create(REPLICA_SET, &set, Mode::Try).await.map(drop));
        }
        if let Some(workload) = &found.workload {
            tried.push(self.objects.leave_behind(WORKLOAD, workload, None, Mode::Try).await);
        }
        for scaler in scalers {
            tried.push(point(self.objects, scaler, DEPLOYMENT, Mode::Try).await);
        }
        tried.into_iter().filter_map(|tried| Some(format!("  {}", tried.err()?))).collect()
    }

    /// Takes all steps that are left.
    pub(super) async fn take(&self, found: Found, scalers: &[Scaler]) -> Result<(), ReleaseError> {
        if let Some(workload) = &found.workload {
            if found.deployment.is_none() {
                self.make(workload).await?;
            }
            self.delete_workload().await?;
        }
        self.hand_over(scalers).await.map_err(|error| match error {
            ReleaseError::Look(source) => self.after(source),
            error => error,
        })
    }

    async fn make(&self, workload: &Value) -> Result<(), ReleaseError> {
        match self.objects.create(DEPLOYMENT, &releasing(workload), Mode::Do).await {
            Ok(_) => Ok(self.screen.say(format!("deployment.apps/{} created, paused", self.name))?),
            // The reply to an earlier request was lost: what is there is looked at before anything is deleted.
            Err(error) if error.is_conflict() => Ok(()),
            Err(source) => Err(self.before(source)),
        }
    }

    /// Deletes the workload as the Deployment knows it, and waits until it has let go of its Pods.
    async fn delete_workload(&self) -> Result<(), ReleaseError> {
        let not_yet = format!("HookedWorkload {} has changed each time before it was deleted", self.name);
        let deleted = self.objects.until(self.patience, &not_yet, || self.try_to_delete()).await;
        deleted.map_err(|error| match error {
            ReleaseError::Look(source) => self.before(source),
            error => error,
        })
    }

    /// Deletes the workload, unless it or the Deployment has changed meanwhile.
    async fn try_to_delete(&self) -> Result<Option<()>, ReleaseError> {
        let found = Found::look(self.objects, self.name).await?;
        let Some(workload) = &found.workload else { return Ok(Some(())) };
        let is_leaving = workload["metadata"]["deletionTimestamp"].is_string();
        let deployment = found.deployment.as_ref().filter(|_| found.from().is_some());
        let deployment = deployment.ok_or_else(|| {
            self.before(StepError::TimedOut(format!("Deployment {} is gone, or another's", self.name)))
        })?;
        if let Some(changed) = drifted(deployment, workload).filter(|_| !is_leaving) {
            return match self.objects.replace(DEPLOYMENT, self.name, &changed).await {
                Err(error) if !error.is_conflict() => Err(error.into()),
                _ => Ok(None),
            };
        }
        if !is_leaving {
            let version = workload["metadata"]["resourceVersion"].as_str();
            match self.objects.leave_behind(WORKLOAD, workload, version, Mode::Do).await {
                Ok(()) => {}
                // Somebody has changed it meanwhile, or the operator its status.
                Err(error) if error.is_conflict() => return Ok(None),
                Err(source) if source.is_unsure() => return Err(self.after(source)),
                Err(source) => return Err(self.before(source)),
            }
        }
        let gone = self.objects.until_gone(WORKLOAD, workload, self.patience).await;
        gone.map_err(|source| self.after(source))?;
        self.screen.say(format!("hookedworkload.hooked.dev/{} deleted; its Pods run on", self.name))?;
        Ok(Some(()))
    }

    /// Gives the Pods, which are nobody's, to `ReplicaSets` of the Deployment.
    async fn hand_over(&self, scalers: &[Scaler]) -> Result<(), ReleaseError> {
        let found = Found::look(self.objects, self.name).await?;
        let (Some(deployment), Some(From { uid, revision })) = (&found.deployment, found.from()) else {
            return Ok(());
        };
        self.mark(deployment, &revision).await?;
        let stored = self.objects.list(REVISION, &format!("{WORKLOAD_UID_LABEL}={uid}")).await?;
        let template = &deployment["spec"]["template"];
        let current = replica_set(deployment, &revision, template, &deployment["spec"]["replicas"]);
        if self.objects.find(REPLICA_SET, &name_of(&current)).await?.is_none() {
            tokio::time::sleep(SETTLES).await;
            let number = stored.iter().find(|known| revision_of(known) == Some(&revision));
            self.make_set(numbered(current.clone(), number)).await?;
        }
        let name = name_of(&current);
        let not_yet = format!("ReplicaSet {name} has not taken all Pods over yet");
        self.objects.until(self.patience, &not_yet, || self.look_for_taken(&name)).await?;
        self.screen.say(format!("replicaset.apps/{name} has taken over the Pods as they run"))?;
        // Not before: a paused Deployment gives all its Pods to the only ReplicaSet that there is.
        for known in stored.iter().filter(|known| revision_of(known) != Some(&revision)) {
            if let Some(old) = revision_of(known) {
                let set = replica_set(deployment, old, &known["data"]["template"], &json!(0));
                self.make_old(deployment, numbered(set, Some(known))).await?;
            }
        }
        for known in &stored {
            match self.objects.leave_behind(REVISION, known, None, Mode::Do).await {
                // What is left is nobody's and does no harm; Kubernetes' edit role does not delete it.
                Ok(()) | Err(StepError::Forbidden { .. }) => {}
                Err(source) => return Err(source.into()),
            }
        }
        let not_yet = "Pods still bear the operator's finalizer (is the operator running? `kubectl hooked release \
                       --finalizers-only` takes it off where it is gone for good)";
        self.objects.until(self.patience, not_yet, || self.look_for_free(deployment)).await?;
        for scaler in scalers {
            point(self.objects, scaler, DEPLOYMENT, Mode::Do).await?;
            self.screen.say(format!("{scaler} points to the Deployment"))?;
        }
        let gone = json!({RELEASE_FROM_ANNOTATION: null, REVISION_LABEL: null});
        let resumed = json!({"metadata": {"annotations": gone}, "spec": {"paused": false}});
        self.objects.merge(DEPLOYMENT, self.name, &resumed, Mode::Do).await?;
        Ok(self.screen.say(format!("deployment.apps/{} resumed: it is as any other", self.name))?)
    }

    /// Has all Pods bear the hash by which the ReplicaSet selects them. Those of an operator of before have none.
    async fn mark(&self, deployment: &Value, revision: &str) -> Result<(), StepError> {
        let pods = self.objects.list(POD, &selector(deployment)).await?;
        let is_free =
            |pod: &&Value| owner_of(pod).is_none() && !pod["metadata"]["deletionTimestamp"].is_string();
        let is_of = |pod: &&Value| pod["metadata"]["labels"][REVISION_LABEL] == *revision;
        for pod in pods.iter().filter(is_free).filter(is_of).filter(|pod| hash_of(pod) != Some(revision)) {
            let metadata = &pod["metadata"];
            let labels = json!({TEMPLATE_HASH_LABEL: revision});
            let change = json!({"metadata": {"uid": metadata["uid"], "labels": labels}});
            self.objects.merge(POD, &name_of(pod), &change, Mode::Do).await?;
        }
        Ok(())
    }

    async fn make_set(&self, set: Value) -> Result<(), StepError> {
        match self.objects.create(REPLICA_SET, &set, Mode::Do).await {
            // It was made before.
            Err(error) if error.is_conflict() => Ok(()),
            made => made.map(drop),
        }
    }

    /// A Pod that lost its owner before its finalizer is let go by the operator a little later.
    async fn look_for_free(&self, deployment: &Value) -> Result<Option<()>, StepError> {
        let pods = self.objects.list(POD, &selector(deployment)).await?;
        Ok((!pods.iter().any(is_held)).then_some(()))
    }

    /// Makes a ReplicaSet without Pods, unless it has the template that the Deployment asks for: two revisions may
    /// differ in `spec.hooks` alone, and of two such the Deployment could take the wrong one for its own.
    async fn make_old(&self, deployment: &Value, set: Value) -> Result<(), StepError> {
        let tried = match self.objects.create(REPLICA_SET, &set, Mode::Try).await {
            Ok(tried) => tried,
            // It was made before.
            Err(error) if error.is_conflict() => return Ok(()),
            Err(error) => return Err(error),
        };
        if is_same_template(&tried["spec"]["template"], &deployment["spec"]["template"]) {
            return Ok(());
        }
        self.make_set(set).await
    }

    async fn look_for_taken(&self, name: &str) -> Result<Option<()>, StepError> {
        let Some(set) = self.objects.find(REPLICA_SET, name).await? else { return Ok(None) };
        let (spec, status) = (&set["spec"], &set["status"]);
        let is_seen = status["observedGeneration"].as_i64() >= set["metadata"]["generation"].as_i64();
        let is_owned = owner_of(&set).is_some_and(|owner| owner["name"] == *self.name);
        let has_all = status["replicas"].as_i64().unwrap_or(0) == spec["replicas"].as_i64().unwrap_or(0);
        Ok((is_seen && is_owned && has_all).then_some(()))
    }

    /// A failure before the workload was deleted.
    fn before(&self, source: StepError) -> ReleaseError {
        let (name, namespace) = (self.name, self.objects.namespace());
        let so_far = format!(
            "HookedWorkload {name} is as it was: `kubectl hooked release {name} -n {namespace}` tries again, and `kubectl \
             delete deployment {name} -n {namespace}` takes back what was done"
        );
        ReleaseError::Step { source, so_far }
    }

    /// A failure after it, or after what may have deleted it.
    fn after(&self, source: StepError) -> ReleaseError {
        let so_far = format!(
            "the HookedWorkload is deleted or may be, and its Pods run: `kubectl hooked release {} -n {}` goes on \
             where this has stopped",
            self.name,
            self.objects.namespace()
        );
        ReleaseError::Step { source, so_far }
    }
}

fn name_of(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

fn revision_of(stored: &Value) -> Option<&str> {
    stored["metadata"]["labels"][REVISION_LABEL].as_str()
}

/// Whether templates are the same but for the hash, as a Deployment's controller compares them.
fn is_same_template(one: &Value, other: &Value) -> bool {
    let without_hash = |template: &Value| {
        let mut template = template.clone();
        if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
            labels.remove(TEMPLATE_HASH_LABEL);
        }
        template
    };
    without_hash(one) == without_hash(other)
}

/// A ReplicaSet with the number and the cause of the revision that it is.
fn numbered(mut set: Value, stored: Option<&Value>) -> Value {
    let Some(stored) = stored else { return set };
    let annotations = &mut set["metadata"]["annotations"];
    annotations["deployment.kubernetes.io/revision"] = stored["revision"].to_string().into();
    let cause = &stored["metadata"]["annotations"][CHANGE_CAUSE];
    if cause.is_string() {
        annotations[CHANGE_CAUSE] = cause.clone();
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_compared_but_for_their_hash() {
        let template = |hash: &str, image: &str| {
            let mut template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"image": image}});
            if !hash.is_empty() {
                template["metadata"]["labels"][TEMPLATE_HASH_LABEL] = hash.into();
            }
            template
        };
        assert!(is_same_template(&template("a", "web:1"), &template("", "web:1")));
        assert!(!is_same_template(&template("a", "web:1"), &template("", "web:2")));
    }
}
