//! What every reconcile of a scope shares.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hooked_core::names;
use hooked_core::workload::revision::Stored;
use hooked_core::workload::snapshot::Leaving;
use hooked_live::Channel;
use kube::Client;
use kube::core::ObjectMeta;
use kube_runtime::events::{Recorder, Reporter};

use crate::commit::Overlay;
use crate::lead::Leadership;
use crate::metrics::Metrics;
use crate::observe::Index;
use crate::runner::RunnerSource;
use crate::verdict::Verdict;

/// The name under which the operator writes and sends Events.
pub(crate) const FIELD_MANAGER: &str = "hooked-controller";

/// What every reconcile of a scope shares.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) index: Arc<Index>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) runner: Arc<RunnerSource>,
    pub(crate) live: Arc<Channel>,
    pub(crate) recorder: Recorder,
    /// Whether this operator is the one that counts.
    pub(crate) leadership: Arc<Leadership>,
    /// Own status writes that the watch has not shown yet, by workload UID.
    pub(crate) overlays: Locked<HashMap<String, Overlay>>,
    /// Revisions (workload UID, revision) that are known to be stored.
    pub(crate) stored: Locked<HashSet<(String, String)>>,
    /// All revisions that are known to be stored of a workload, by its UID; none while that must be looked up.
    pub(crate) histories: Locked<HashMap<String, Vec<Stored>>>,
    /// Revisions (workload UID, revision) of which the API server takes Pods, and how they are made.
    pub(crate) vetted: Locked<HashMap<(String, String), Verdict>>,
    /// Deleted workloads that were seen to leave their Pods behind, by UID.
    orphaning: Locked<HashSet<String>>,
    /// How often in a row the reconcile of a workload has failed, by workload UID.
    pub(crate) failures: Locked<HashMap<String, u32>>,
}

impl Context {
    pub(crate) fn new(
        client: Client,
        index: Arc<Index>,
        metrics: Arc<Metrics>,
        runner: Arc<RunnerSource>,
        leadership: Arc<Leadership>,
        live: Arc<Channel>,
        pod_name: String,
    ) -> Self {
        let reporter = Reporter { controller: FIELD_MANAGER.to_owned(), instance: Some(pod_name) };
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            index,
            metrics,
            runner,
            leadership,
            live,
            overlays: Locked::default(),
            stored: Locked::default(),
            histories: Locked::default(),
            vetted: Locked::default(),
            orphaning: Locked::default(),
            failures: Locked::default(),
        }
    }

    /// Whether a workload is being deleted, and how. That its Pods are to live on is remembered, since the finalizer
    /// that says so goes before ours.
    pub(crate) fn leaving(&self, workload: &ObjectMeta) -> Option<Leaving> {
        workload.deletion_timestamp.as_ref()?;
        let uid = workload.uid.clone().unwrap_or_default();
        let mut orphaning = self.orphaning.lock();
        if workload.finalizers.iter().flatten().any(|finalizer| finalizer == names::ORPHAN_FINALIZER) {
            orphaning.insert(uid.clone());
        }
        Some(if orphaning.contains(&uid) { Leaving::WithoutPods } else { Leaving::WithPods })
    }

    /// Forgets a workload that is gone.
    pub(crate) fn forget(&self, namespace: &str, uid: &str) {
        self.index.disown(namespace, uid);
        self.orphaning.lock().remove(uid);
        self.overlays.lock().remove(uid);
        self.failures.lock().remove(uid);
        self.histories.lock().remove(uid);
        self.stored.lock().retain(|(workload, _)| workload != uid);
        self.vetted.lock().retain(|(workload, _), _| workload != uid);
    }
}

/// A value behind a lock that is never held across an await. A panic elsewhere does not make it unusable.
#[derive(Debug, Default)]
pub(crate) struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Eq + Hash> Locked<HashSet<T>> {
    /// Whether `value` is in the set.
    pub(crate) fn has(&self, value: &T) -> bool {
        self.lock().contains(value)
    }
}
