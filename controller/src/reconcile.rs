//! One pass over one workload: data goes through once, one way.
//!
//! observe → account (infer, fold) → plan → apply → status → commit → publish

use std::sync::Arc;
use std::time::{Duration, Instant};

use hooked_core::accounting::ledger::{Counted, Ledger, LedgerError};
use hooked_core::accounting::{Account, account};
use hooked_core::names::condition;
use hooked_core::status::{
    Basis, Progress, Refusal, ReplicaCounts, is_invalid, newly_invalid, newly_stuck, status,
};
use hooked_core::workload::desired::Desired;
use hooked_core::workload::plan::{BURST, Plan, Rollout, plan};
use hooked_core::workload::snapshot::{Leaving, Snapshot};
use hooked_core::workload::tally::PodSet;
use hooked_core::workload::template::Owner;
use hooked_crd::{Evidence, HookedWorkload, HookedWorkloadStatus, Reason};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use kube_runtime::controller::Action;
use thiserror::Error;

use crate::apply::{ApplyError, Site, apply};
use crate::commit::{Commit, CommitError, Committed, commit, committed};
use crate::confirm::confirm;
use crate::context::{Context, Locked};
use crate::hold::{HoldError, hold, is_held, let_go};
use crate::metrics::WorkloadMetrics;
use crate::observe::Guarded;
use crate::prepare::{Prepared, prepare};
use crate::prune::prune;
use crate::publish::{Publication, publish, publish_farewell};
use crate::reject::{RejectError, Rejected, reject};
use crate::request;
use crate::revise::{ReviseError, Subject};
use crate::vet::VetError;

/// Why a pass failed. Every failure is made up for by a later pass.
#[derive(Debug, Error)]
pub(crate) enum ReconcileError {
    #[error(transparent)]
    Revise(#[from] ReviseError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Vet(#[from] VetError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Hold(#[from] HoldError),
    #[error(transparent)]
    Reject(#[from] RejectError),
}

impl ReconcileError {
    /// The label of `hooked_reconcile_errors_total`.
    fn reason(&self) -> &'static str {
        match self {
            Self::Revise(_) => "revise",
            Self::Ledger(_) => "ledger",
            Self::Vet(_) => "vet",
            Self::Apply(_) => "apply",
            Self::Commit(CommitError::Conflict) => "conflict",
            Self::Commit(CommitError::Deposed) => "deposed",
            Self::Commit(_) => "commit",
            Self::Hold(_) => "hold",
            Self::Reject(_) => "reject",
        }
    }
}

/// One pass over one workload. One that cannot be read or carried out is told so, and hurts no other.
pub(crate) async fn reconcile(
    guarded: Arc<Guarded>,
    context: Arc<Context>,
) -> Result<Action, ReconcileError> {
    let started = Instant::now();
    let outcome = match &guarded.0 {
        Ok(workload) => match Pass::begin(&context, workload) {
            Ok(pass) => pass.run().await,
            Err(error) => Err(error.into()),
        },
        Err(invalid) => Ok(reject(&context, &Rejected::of_undecodable(invalid)).await?),
    };
    let outcome = match (outcome, &guarded.0) {
        (
            Err(error @ (ReconcileError::Ledger(_) | ReconcileError::Revise(ReviseError::Desired(_)))),
            Ok(workload),
        ) => Ok(reject(&context, &Rejected::of(workload, &error)).await?),
        (outcome, _) => outcome,
    };
    context.metrics.reconcile_seconds.observe(started.elapsed().as_secs_f64());
    if outcome.is_ok() {
        context.failures.lock().remove(&guarded.uid().unwrap_or_default());
    }
    outcome
}

/// Tries again, ever more slowly; a conflict is no failure and is tried again when the watch has caught up.
#[allow(clippy::needless_pass_by_value, reason = "the signature is the runtime's")]
pub(crate) fn on_error(guarded: Arc<Guarded>, error: &ReconcileError, context: Arc<Context>) -> Action {
    context.metrics.reconcile_errors.with_label_values(&[error.reason()]).inc();
    if matches!(error, ReconcileError::Commit(CommitError::Conflict)) {
        return Action::requeue(Duration::from_millis(200));
    }
    let failed = {
        let mut failures = context.failures.lock();
        let failed = failures.entry(guarded.uid().unwrap_or_default()).or_default();
        *failed += 1;
        *failed
    };
    let (namespace, name) = (guarded.namespace().unwrap_or_default(), guarded.name_any());
    tracing::warn!(%error, namespace, name, failed, "a reconcile failed and will be tried again");
    let rest = Duration::from_millis(500 * (1 << failed.min(7)));
    // What fails need not be the counting: it goes on when it would have.
    let due = context.index.next_due(&namespace, &guarded.uid().unwrap_or_default());
    let until = due.and_then(|at| Duration::try_from(at.duration_since(Timestamp::now())).ok());
    Action::requeue(until.filter(|until| *until > SOON).map_or(rest, |until| rest.min(until)))
}

/// What a pass has come to, before it is told.
struct Outcome<'a> {
    desired: &'a Desired,
    collision_count: Option<i32>,
    plan: &'a Plan,
    refusal: Option<&'a Refusal>,
    ledger: Ledger,
    counted: &'a Counted,
}

/// What a pass tells.
struct Projection {
    status: HookedWorkloadStatus,
    ledger: Ledger,
    metrics: WorkloadMetrics,
    /// When it was so.
    now: Timestamp,
}

/// What a pass works on.
struct Pass<'a> {
    context: &'a Context,
    workload: &'a HookedWorkload,
    namespace: String,
    owner: Owner,
    before: Committed,
    ledger: Ledger,
    leaving: Option<Leaving>,
    pods: Arc<Locked<PodSet>>,
}

impl<'a> Pass<'a> {
    fn begin(context: &'a Context, workload: &'a HookedWorkload) -> Result<Self, LedgerError> {
        let namespace = workload.namespace().unwrap_or_default();
        let owner = Owner { name: workload.name_any(), uid: workload.uid().unwrap_or_default() };
        let before = committed(context, workload);
        let ledger = Ledger::load(before.status.ledger.as_ref())?;
        let leaving = context.leaving(&workload.metadata);
        let pods = context.index.pods(&namespace, &owner);
        Ok(Self { context, workload, namespace, owner, before, ledger, leaving, pods })
    }

    async fn run(mut self) -> Result<Action, ReconcileError> {
        if !is_held(&self.workload.metadata) {
            return self.begin_to_hold().await;
        }
        self.number_after_others();
        let Prepared { desired, collision_count, refusal, ask_again, mut trouble } =
            prepare(self.context, self.subject(), self.leaving.is_some()).await?;
        let admitted = refusal.is_none();
        let wanted = desired.made_revision(admitted).filter(|_| self.leaving.is_none());
        if let Err(error) = confirm(self.site(), wanted).await {
            trouble.get_or_insert(error.into());
        }
        let (account, plan) = self.decide(&desired, admitted);
        if desired.evidence == Evidence::BestEffort {
            self.reserve(&plan).await?;
        }
        if !self.context.leadership.holds() {
            return Err(CommitError::Deposed.into());
        }
        let applied = apply(self.site(), &desired, &plan).await;
        if let Some(error) = applied.error {
            trouble.get_or_insert(error.into());
        }
        let refusal = refusal.or(applied.refusal);
        let Account { ledger, counted } = account;
        let (desired, plan, counted, why) = (&desired, &plan, &counted, refusal.as_ref());
        let outcome = Outcome { desired, collision_count, plan, refusal: why, ledger, counted };
        let Projection { status, ledger, metrics, now } = self.project(outcome)?;
        let committed = self.commit(status, &ledger).await?;
        let (before, workload) = (&self.before.status, self.workload);
        let stuck = newly_stuck(before, &committed.status);
        let invalid = newly_invalid(&before.conditions, &committed.status.conditions);
        publish(self.context, Publication { workload, counted, stuck, invalid, metrics }).await;

        if let Some(error) = trouble {
            return Err(error);
        }
        if plan.let_go && counted.is_empty() {
            return self.leave(&committed).await;
        }
        if plan.rollout == Rollout::Done {
            self.prune(desired).await;
        }
        Ok(self.wait(desired, plan, &ledger, why, now, ask_again))
    }

    /// Our finalizer is on the workload before anything is done for it. Without it others hold one that is deleted, and
    /// our part is done.
    async fn begin_to_hold(&self) -> Result<Action, ReconcileError> {
        if self.leaving.is_none() {
            // Nobody has made Pods of a workload that nobody holds.
            self.pods.lock().begin_numbering(0);
            self.greet().await?;
            hold(self.context, self.workload).await?;
        }
        Ok(Action::await_change())
    }

    /// Leaves the ordinals alone that an operator before this one may be using at this moment.
    fn number_after_others(&self) {
        let mut pods = self.pods.lock();
        let used = self.ledger.high_water.max(pods.highest_ordinal());
        pods.begin_numbering(used.saturating_add(BURST as u64));
    }

    fn subject(&self) -> Subject<'_> {
        let Self { workload, namespace, owner, before, .. } = self;
        let generation = workload.metadata.generation.unwrap_or_default();
        Subject { namespace, owner, generation, spec: &workload.spec, status: &before.status }
    }

    /// Says of a new workload that the operator is at work on it: one without conditions passes for one that is done.
    async fn greet(&self) -> Result<(), CommitError> {
        if !self.before.status.conditions.is_empty() {
            return Ok(());
        }
        let conditions = vec![Condition {
            type_: condition::RECONCILING.to_owned(),
            status: "True".to_owned(),
            reason: Reason::New.as_str().to_owned(),
            message: "the operator has begun with the workload".to_owned(),
            last_transition_time: Time(Timestamp::now()),
            observed_generation: self.workload.metadata.generation,
        }];
        // Nothing of its spec is acted upon yet, so the generation is not told.
        let status = HookedWorkloadStatus { conditions, ..self.before.status.clone() };
        self.commit(status, &self.ledger).await.map(drop)
    }

    /// What is to be committed, from Pods and ledger as they are after the plan was carried out.
    fn project(&self, outcome: Outcome<'_>) -> Result<Projection, LedgerError> {
        let Outcome { desired, collision_count, plan, refusal, mut ledger, counted } = outcome;
        let (now, previous) = (Timestamp::now(), &self.before.status);
        let generation = self.workload.metadata.generation.unwrap_or_default();
        let (rollout, revision) = (&plan.rollout, &*desired.revision);
        let pods = &*self.pods.lock();
        let counts = ReplicaCounts::of(desired, pods, now);
        ledger.high_water = ledger.high_water.max(self.ledger.high_water).max(pods.highest_ordinal());
        let before = ledger.progressed_at;
        ledger.progressed_at =
            counts.progressed_at(&Progress { rollout, revision, previous, generation, before, now });
        let status = status(&Basis {
            previous,
            generation,
            collision_count,
            desired,
            pods,
            ledger: &ledger,
            counted,
            rollout,
            refusal,
            live: self.context.live.service().as_ref(),
            now,
        })?;
        let metrics = WorkloadMetrics::of(counts, &ledger, desired, pods, is_invalid(&status.conditions));
        Ok(Projection { status, ledger, metrics, now })
    }

    /// Everything that is decided, on what is known at this moment.
    fn decide(&self, desired: &Desired, admitted: bool) -> (Account, Plan) {
        let now = Timestamp::now();
        let mut pods = self.pods.lock();
        let account = account(&mut pods, &self.ledger, now);
        let (owner, committed, leaving) = (&self.owner, &self.ledger, self.leaving);
        let (pods, endpoint) = (&*pods, self.context.live.endpoint());
        let live = endpoint.as_ref();
        let plan = plan(&Snapshot { owner, desired, pods, committed, admitted, leaving, live, now });
        (account, plan)
    }

    /// Without a finalizer a Pod can vanish unseen, so its ordinal is marked as used before it is created.
    async fn reserve(&mut self, plan: &Plan) -> Result<(), ReconcileError> {
        let highest = plan.create.iter().map(|pod| pod.ordinal).max().unwrap_or(0);
        if highest <= self.ledger.high_water {
            return Ok(());
        }
        let mut reserved = self.ledger.clone();
        reserved.high_water = highest;
        let mut status = self.before.status.clone();
        status.ledger = Some(reserved.store()?);
        self.before = self.commit(status, &reserved).await?;
        self.ledger = reserved;
        Ok(())
    }

    fn site(&self) -> Site<'_> {
        let Self { context, namespace, owner, pods, .. } = self;
        Site { client: &context.client, namespace, owner, pods, live: &context.live }
    }

    async fn commit(&self, status: HookedWorkloadStatus, ledger: &Ledger) -> Result<Committed, CommitError> {
        let Self { context, namespace, owner, before, ledger: before_ledger, .. } = self;
        commit(
            context,
            Commit { namespace, name: &owner.name, uid: &owner.uid, before, before_ledger, status, ledger },
        )
        .await
    }

    /// Nothing is left to count: the totals are told a last time, and the workload goes.
    async fn leave(&self, committed: &Committed) -> Result<Action, ReconcileError> {
        if let_go(self.context, &self.workload.metadata, &committed.version).await? {
            publish_farewell(self.context, self.workload, &committed.status.hook_totals).await;
        }
        Ok(Action::await_change())
    }

    async fn prune(&self, desired: &Desired) {
        let Self { context, namespace, owner, pods, .. } = self;
        let has_pods = |revision: &str| pods.lock().revision(revision).all() > 0;
        if let Err(error) = prune(context, namespace, owner, desired, has_pods).await {
            tracing::warn!(
                error = request::brief(&error),
                namespace,
                name = owner.name,
                "old revisions could not be removed"
            );
        }
    }

    /// When to look again though nothing new has come. `told_at` is the time at which the status was made: a deadline
    /// that has passed since is not in it.
    fn wait(
        &self,
        desired: &Desired,
        plan: &Plan,
        ledger: &Ledger,
        refusal: Option<&Refusal>,
        told_at: Timestamp,
        ask_again: Option<Timestamp>,
    ) -> Action {
        let deadline = ledger.progressed_at.and_then(|since| {
            since.checked_add(jiff::SignedDuration::from_secs(desired.progress_deadline_seconds)).ok()
        });
        let deadline = deadline.filter(|at| *at > told_at);
        let retry = refusal.and_then(|_| told_at.checked_add(REFUSED_RETRY).ok());
        let (due, overdue) = {
            let pods = self.pods.lock();
            (pods.next_due(), pods.running().next_overdue(told_at))
        };
        match [plan.wake, due, overdue, deadline, retry, ask_again].into_iter().flatten().min() {
            Some(at) => {
                let wait = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
                Action::requeue(wait.max(SOON))
            }
            None => Action::await_change(),
        }
    }
}

/// How long a write that the server refused rests: a quota, a webhook or a policy may be changed meanwhile.
const REFUSED_RETRY: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);
/// The least time between two passes that nothing new has caused.
const SOON: Duration = Duration::from_millis(100);
