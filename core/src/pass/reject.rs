//! A workload that cannot be carried out: one bad object must be seen, and must not hurt another. One that is
//! deleted goes all the same, and no Pod waits for counts that can be written down nowhere.

use hooked_crd::HookedWorkload;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::act::{ActError, delete_all, note, orphan_all, release_all, remove_finalizer, stop_hung_hooks};
use super::confirm::confirm;
use super::leave::{is_needed_by_none, leave};
use super::memory::Acts;
use super::subject::Site;
use super::{Cluster, Failure, Locked, Memory, Watching, call};
use crate::lifecycle::has_finalizer;
use crate::lifecycle::infer::SILENCE;
use crate::status::{Notice, failed, farewell_unread, invalid, newly_stalled, refused};
use crate::workload::fill::PodRef;
use crate::workload::replicas::{Life, PodFact};
use crate::workload::target::Leaving;

/// How long to wait before Pods of a workload that cannot be read are looked at again.
const RETRY: SignedDuration = SignedDuration::from_secs(5);

/// Why a workload that cannot be carried out could not be taken through its pass.
#[derive(Debug, Error)]
pub enum RejectError {
    /// The workload could not be read.
    #[error("a workload that cannot be carried out could not be read: {0}")]
    Read(Failure),
    /// A write whose reply was lost could not be looked up.
    #[error("a write whose reply was lost could not be looked up: {0}")]
    Confirm(Failure),
    /// A Pod could not be let go or stopped.
    #[error(transparent)]
    Act(#[from] ActError),
    /// The finalizer could not be taken off the workload.
    #[error("the finalizer of the workload could not be removed: {0}")]
    Leave(Failure),
    /// The reason could not be written into the conditions.
    #[error("a workload could not be told that it cannot be carried out: {0}")]
    Write(Failure),
}

/// Takes a workload that cannot be carried out, for the reason in `message`, through one pass. Returns when
/// to look at it again though nothing new has come.
pub(super) async fn reject<C: Cluster>(
    cluster: &C,
    metadata: &ObjectMeta,
    message: &str,
    memory: &Locked<Memory>,
) -> Result<Option<Timestamp>, RejectError> {
    let site = Site::of(metadata);
    confirm(cluster, &site, memory).await.map_err(RejectError::Confirm)?;
    let (leaving, makes_pods) = {
        let mut memory = memory.lock();
        (memory.leaving(metadata), memory.watching.is_none())
    };
    let mut errors = Vec::new();
    if makes_pods {
        stop_hung_hooks(cluster, memory);
    }
    // What holds Pods of others for another workload is that one's to take off.
    if makes_pods || has_finalizer(metadata) {
        errors.extend(release_ended(cluster, &site, memory).await.err());
    }
    if let Some(leaving) = leaving.filter(|_| has_finalizer(metadata)) {
        let left = if makes_pods {
            evacuate(cluster, &site, leaving, memory).await
        } else {
            release_all(cluster, &site, memory).await
        };
        errors.extend(left.err());
    }
    note(&errors, memory, cluster.now());
    if leaving.is_none() {
        cluster.show_invalid(!errors.is_empty());
    }
    if leaving.is_none() || !errors.is_empty() {
        say(cluster, &site, message, memory).await?;
    }
    let is_refused = !errors.is_empty();
    if let Some(error) = errors.into_iter().find(|error| !error.is_refusal()) {
        return Err(error.into());
    }
    match leaving {
        _ if is_refused => Ok(Some(later(cluster))),
        Some(_) if !has_finalizer(metadata) => Ok(None),
        Some(leaving) => depart(cluster, metadata, leaving, message, memory).await,
        None => {
            let has_terminating = memory.lock().replicas.terminating() > 0;
            Ok(has_terminating.then(|| later(cluster)))
        }
    }
}

/// Takes our finalizer off a Pod that no workload accounts for. One that was nobody's in that `version` may be
/// somebody's by now: if the Pod has changed, a watch shows what it is. Webhooks may say the same of one that has not.
pub async fn remove_stray_finalizer<C: Cluster>(
    cluster: &C,
    namespace: &str,
    (name, uid): (&str, &str),
    version: Option<&str>,
) -> Result<(), ActError> {
    let pod = PodRef { number: 0, name: name.into(), uid: uid.into() };
    let call = match version {
        Some(version) => call::remove_finalizer_of_version(namespace, name, uid, version),
        None => call::remove_pod_finalizer(namespace, name, uid, false),
    };
    match super::act::change(cluster, namespace, &pod, call).await {
        Err(ActError::Change(_, failure))
            if failure.is_conflict() && has_changed(cluster, namespace, name, version).await =>
        {
            Ok(())
        }
        changed => changed.map(drop),
    }
}

/// Whether a Pod is known to be another than in that version.
async fn has_changed<C: Cluster>(cluster: &C, namespace: &str, name: &str, version: Option<&str>) -> bool {
    let Some(version) = version else { return false };
    let found = cluster.send(call::find_pod(namespace, name)).await;
    found.is_ok_and(|pod| pod["metadata"]["resourceVersion"] != *version)
}

fn later<C: Cluster>(cluster: &C) -> Timestamp {
    cluster.now().checked_add(RETRY).unwrap_or(Timestamp::MAX)
}

/// Pods that are to go and in which nothing runs any more are let go: what their hooks did can be written
/// down nowhere.
async fn release_ended<C: Cluster>(
    cluster: &C,
    site: &Site,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    let ended: Vec<PodRef> = {
        let (memory, now) = (memory.lock(), cluster.now());
        let held = memory.pods().filter(|fact| fact.has_finalizer && fact.life == Life::Terminating);
        held.filter(|fact| has_ended(&memory, fact, now)).filter_map(PodRef::of).collect()
    };
    for pod in ended {
        remove_finalizer(cluster, site, &pod, memory).await?;
    }
    Ok(())
}

/// Whether nothing runs in the Pod any more, or its kubelet was silent for too long to be waited for.
fn has_ended(memory: &Memory, fact: &PodFact, now: Timestamp) -> bool {
    let never_ran = fact.seen && !fact.bound;
    let stop = memory.tracker.evidence(fact.number).and_then(|evidence| evidence.stop);
    let silent =
        stop.is_some_and(|stop| stop.deadline().saturating_add(SILENCE.as_secs()) <= now.as_second());
    fact.over || never_ran || silent || memory.tracker.is_accounted(fact.number)
}

/// Every Pod is stopped, or orphaned.
async fn evacuate<C: Cluster>(
    cluster: &C,
    site: &Site,
    leaving: Leaving,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    match leaving {
        Leaving::WithPods => {
            let alive: Vec<PodRef> = {
                let memory = memory.lock();
                let facts = memory.pods();
                let alive = facts.filter(|fact| !fact.is_to_go());
                alive.filter_map(PodRef::of).collect()
            };
            delete_all(cluster, site, alive, memory).await
        }
        Leaving::WithoutPods => orphan_all(cluster, site, memory).await,
    }
}

/// The workload goes when no Pod needs it.
async fn depart<C: Cluster>(
    cluster: &C,
    metadata: &ObjectMeta,
    leaving: Leaving,
    message: &str,
    memory: &Locked<Memory>,
) -> Result<Option<Timestamp>, RejectError> {
    // What their hooks did is written down nowhere: Pods that nothing of ours holds are done with. Those that others
    // make live on, once all are known and have been let go.
    let is_done = {
        let memory = memory.lock();
        let made_by_others = memory.watching.as_ref().map(Watching::is_listed);
        made_by_others.unwrap_or_else(|| is_needed_by_none(leaving, &memory, |_| true))
    };
    if !is_done {
        return Ok(Some(later(cluster)));
    }
    let version = metadata.resource_version.as_deref().unwrap_or_default();
    if leave(cluster, metadata, version).await.map_err(RejectError::Leave)? {
        cluster.tell(vec![farewell_unread(message)]).await;
    }
    Ok(None)
}

/// Reads the workload as it is, whatever stands in it; none if it is gone.
pub(super) async fn read<C: Cluster>(cluster: &C, site: &Site) -> Result<Option<Value>, RejectError> {
    match cluster.send(call::read_workload(&site.namespace, &site.owner.name)).await {
        Ok(current) => Ok(Some(current).filter(|current| current["metadata"]["uid"] == *site.owner.uid)),
        Err(failure) if failure.is_not_found() => Ok(None),
        Err(failure) => Err(RejectError::Read(failure)),
    }
}

/// Writes the reason into the conditions, and what keeps Pods from being let go. The rest of the status, what is
/// counted above all, stays as it is.
async fn say<C: Cluster>(
    cluster: &C,
    site: &Site,
    message: &str,
    memory: &Locked<Memory>,
) -> Result<(), RejectError> {
    let Some(current) = read(cluster, site).await? else { return Ok(()) };
    let message = unreadable_field(&current).unwrap_or_else(|| message.to_owned());
    let acts = memory.lock().acts.clone();
    let Some(Said { status, news }) = said(&current, &message, &acts, cluster.now()) else { return Ok(()) };
    let version = current["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    match cluster.send(call::write_status(&site.namespace, &site.owner, version, &status)).await {
        Ok(_) => {
            memory.lock().overlay = None;
            if !news.is_empty() {
                cluster.tell(news).await;
            }
            Ok(())
        }
        Err(failure) if failure.is_not_found() => Ok(()),
        Err(failure) => Err(RejectError::Write(failure)),
    }
}

/// Which field cannot be read, and why; none if all can.
fn unreadable_field(object: &Value) -> Option<String> {
    let error = serde_path_to_error::deserialize::<_, HookedWorkload>(object.clone()).err()?;
    Some(format!("{} cannot be read: {}; correct it and apply the object again", error.path(), error.inner()))
}

/// What a workload that cannot be carried out is told.
struct Said {
    status: Value,
    /// What was not said before, as Events.
    news: Vec<Notice>,
}

/// The status with the reason in its conditions; none if it is there.
fn said(current: &Value, message: &str, acts: &Acts, now: Timestamp) -> Option<Said> {
    let mut status = current.get("status").cloned().unwrap_or_else(|| json!({}));
    let known = status.get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    // One that cannot be read is somebody else's, and is kept as it is.
    let (previous, unread): (Vec<_>, Vec<_>) = known
        .into_iter()
        .map(|known| Condition::deserialize(&known).map_err(|_| known))
        .partition(Result::is_ok);
    let previous: Vec<Condition> = previous.into_iter().flatten().collect();
    let generation = current["metadata"]["generation"].as_i64().unwrap_or_default();
    let conditions = invalid(&previous, generation, message, acts.failure(&previous).as_ref(), now);
    let mut news = failed(&previous, &conditions);
    news.extend(newly_stalled(&previous, &conditions).map(refused));
    let written = conditions.into_iter().map(|known| json!(known));
    let conditions: Value = written.chain(unread.into_iter().filter_map(Result::err)).collect();
    if status.get("conditions") == Some(&conditions)
        && status.get("observedGeneration") == Some(&json!(generation))
    {
        return None;
    }
    if let Value::Object(fields) = &mut status {
        fields.insert("conditions".to_owned(), conditions);
        fields.insert("observedGeneration".to_owned(), json!(generation));
    }
    Some(Said { status, news })
}

#[cfg(test)]
mod tests {
    use hooked_crd::Reason;

    use super::super::Refused;
    use super::*;

    fn workload(generation: i64, status: &Value) -> Value {
        json!({"metadata": {"name": "web", "generation": generation}, "status": status})
    }

    #[test]
    fn a_workload_that_cannot_be_read_is_told_so_when_it_is_news() {
        let said = |workload: &Value| said(workload, "a field is wrong", &Acts::Done, Timestamp::UNIX_EPOCH);
        let first = said(&workload(1, &json!({"ledger": {"version": 99}}))).unwrap();
        assert_eq!(first.status["ledger"], json!({"version": 99}));
        let told: Vec<&str> = first.news.iter().map(|told| &*told.note).collect();
        assert_eq!(told, ["a field is wrong"]);
        assert!(said(&workload(1, &first.status)).is_none());
        let changed = said(&workload(2, &first.status)).unwrap();
        assert_eq!(changed.status["observedGeneration"], 2);
        assert!(changed.news.is_empty(), "{:?}", changed.news);
    }

    #[test]
    fn a_pod_that_cannot_be_let_go_is_told_while_it_is_so() {
        fn check(before: &Value, acts: &Acts, expect: Option<&str>, events: &[Reason]) -> Value {
            let workload = workload(1, before);
            let said = said(&workload, "a field is wrong", acts, Timestamp::UNIX_EPOCH);
            let (status, news) = said.map_or((before.clone(), Vec::new()), |said| (said.status, said.news));
            let mut conditions = status["conditions"].as_array().unwrap().iter();
            let failure = conditions.find(|known| known["type"] == "ReplicaFailure");
            let failure = failure.map(|known| known["message"].as_str().unwrap());
            assert_eq!(failure, expect, "{acts:?}");
            assert_eq!(news.iter().map(|told| told.reason).collect::<Vec<_>>(), events, "{acts:?}");
            status
        }
        let memory = Locked::new(Memory::default());
        let refused = Refused { code: 403, message: "a policy forbids it".to_owned(), ..Refused::default() };
        let error = ActError::Change("web-1".into(), Failure::Refused(refused));
        note(&[error], &memory, Timestamp::UNIX_EPOCH);
        let held = memory.lock().acts.clone();
        let words = Some("Pod web-1 could not be changed: a policy forbids it");
        let told = check(&json!({}), &held, words, &[Reason::FailedUpdate, Reason::Invalid]);
        check(&told, &held, words, &[]);
        // A process that has not tried yet takes back nothing.
        check(&told, &Acts::Untried, words, &[]);
        check(&told, &Acts::Done, None, &[]);
    }

    #[test]
    fn conditions_of_others_stay_also_where_they_cannot_be_read() {
        let foreign =
            json!({"type": "example.com/Checked", "status": "True", "lastTransitionTime": "yesterday"});
        let before = workload(1, &json!({"conditions": [foreign]}));
        let told = said(&before, "a field is wrong", &Acts::Done, Timestamp::UNIX_EPOCH).unwrap().status;
        let conditions = told["conditions"].as_array().unwrap();
        assert!(conditions.contains(&foreign), "{conditions:?}");
        assert!(conditions.iter().any(|known| known["type"] == "Stalled"), "{conditions:?}");
        assert!(said(&workload(1, &told), "a field is wrong", &Acts::Done, Timestamp::UNIX_EPOCH).is_none());
    }

    /// Whether a terminating Pod with the change is let go at that second after a stop that began at second 100.
    fn check(change: impl FnOnce(&mut PodFact), second: i64, expect: bool) {
        use crate::lifecycle::evidence::{PodEvidence, Stop};
        let mut fact = PodFact::unseen(1, "web-1", "u-1", "rev", true);
        (fact.seen, fact.bound, fact.life) = (true, true, Life::Terminating);
        change(&mut fact);
        let stop = Some(Stop { began: 100, grace: 30, forced: false, exact: true, shortened: false });
        let mut memory = Memory::default();
        memory.tracker.observe(1, PodEvidence { stop, ..PodEvidence::default() }, Timestamp::UNIX_EPOCH);
        let now = Timestamp::from_second(second).unwrap();
        assert_eq!(has_ended(&memory, &fact, now), expect, "{fact:?} at {second}");
    }

    #[test]
    fn a_pod_is_let_go_only_when_it_has_ended_or_its_kubelet_is_silent() {
        check(|_| {}, 189, false);
        check(|_| {}, 190, true);
        check(|fact| fact.over = true, 0, true);
        check(|fact| fact.bound = false, 0, true);
    }
}
