//! One session: a runner proves which Pod it is in and reports what runs, stops the hook if it is asked to,
//! and reports how the run ended. A runner comes for each of its reports anew, and again while a postStart goes on.

use std::sync::Arc;
use std::time::Duration;

use hooked_protocol::{FromOperator, Hello, Hook, Record, parse};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};

use crate::auth::{Authenticator, Identity};
use crate::channel::Channel;
use crate::framed::{End, Framed, PATIENCE};
use crate::limits::{Limits, Unauthenticated};
use crate::refusal::{Refusal, ReportResult};
use crate::registry::Entry;
use crate::sink::{Heard, Observer, Reported, Sink};

/// How long a report waits for its Pod: a hook may be faster than the watch that shows the Pod.
const UNSHOWN: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What all sessions share.
pub(crate) struct Shared {
    pub(crate) channel: Arc<Channel>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) authenticator: Authenticator,
    pub(crate) limits: Limits,
}

/// A run that an authenticated runner reports.
struct Run<'a> {
    identity: Identity,
    record: Record,
    entry: Entry<'a>,
}

/// The session of one connection.
struct Session<'a, S> {
    framed: Framed<S>,
    shared: &'a Shared,
}

/// Speaks with a runner until its run has ended, it is refused or it is gone.
pub(crate) async fn serve_session<S>(stream: S, unauthenticated: Unauthenticated<'_>, shared: &Shared)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut session = Session { framed: Framed::new(stream), shared };
    let end = match session.introduce(unauthenticated).await {
        Ok(run) => session.follow_run(run).await,
        Err(end) => Err(end),
    };
    session.close(end).await;
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    /// Has the runner prove its Pod, and takes in the report that its run has begun.
    async fn introduce(&mut self, unauthenticated: Unauthenticated<'_>) -> Result<Run<'a>, End> {
        let shared = self.shared;
        let authenticated = self.authenticate().await;
        if let Err(End::Refused(_)) = authenticated {
            unauthenticated.has_failed();
        }
        let (identity, record) = authenticated?;
        // From here on the limits of the runner's Pod apply, no longer those of its address.
        drop(unauthenticated);
        if !shared.limits.may_report(&identity.pod_uid) {
            return Err(Refusal::RateLimited.into());
        }
        let registry = &shared.channel.registry;
        let entry = registry.enter(&identity.pod_uid, record.hook).ok_or(Refusal::RateLimited)?;
        let reported = shared.report(&identity, &record).await?;
        let proof = shared.authenticator.prove(&identity, &record);
        if reported.terminating && record.hook == Hook::PostStart {
            // Before the welcome, since the runner closes the connection when it has that.
            self.framed.send(&FromOperator::Stop).await?;
        }
        self.framed.send(&FromOperator::Welcome { proof }).await?;
        Ok(Run { identity, record, entry })
    }

    async fn authenticate(&mut self) -> Result<(Identity, Record), End> {
        let hello = timeout(PATIENCE, self.framed.next()).await.map_err(|_| Refusal::Slow)??;
        let Hello { token, proof, record } = Hello::parse(&hello)?;
        let identity = self.shared.authenticator.authenticate(&token, proof, &record).await?;
        Ok((identity, record))
    }

    /// Waits for the run's end, however long it takes, and passes on each request to stop the hook.
    async fn follow_run(&mut self, run: Run<'_>) -> Result<(), End> {
        let Run { identity, record, entry } = run;
        let ended = loop {
            tokio::select! {
                ended = self.framed.next() => break ended?,
                () = entry.stopped() => self.framed.send(&FromOperator::Stop).await?,
            }
        };
        let ended = match <[Record; 1]>::try_from(parse(&ended)) {
            Ok([ended]) if is_its_end(&ended, &record) => ended,
            _ => return Err(Refusal::Malformed.into()),
        };
        if !self.shared.limits.may_report(&identity.pod_uid) {
            return Err(Refusal::RateLimited.into());
        }
        self.shared.report(&identity, &ended).await?;
        self.framed.send(&FromOperator::Taken).await
    }

    /// Tells a runner why it is refused, if it is, and closes its connection.
    async fn close(mut self, end: Result<(), End>) {
        if let Err(End::Refused(refusal)) = end {
            self.shared.count(refusal);
            if refusal.is_passing() {
                // Without the reason: a runner that gets one does not come back, and this report may be
                // accepted later.
                return;
            }
            // A runner that is refused may well be gone.
            self.framed.send(&FromOperator::Refused(refusal.label().to_owned())).await.ok();
        }
        self.framed.close().await;
    }
}

impl Shared {
    /// Counts a report by what has become of it.
    pub(crate) fn count(&self, result: impl Into<ReportResult>) {
        self.observer.report_handled(result.into());
    }

    /// Hands a report on and counts it. The watch may not have shown the report's Pod yet, so it is waited
    /// for.
    async fn report(&self, identity: &Identity, record: &Record) -> Result<Reported, Refusal> {
        let Identity { namespace, pod_uid } = identity;
        let known = async {
            loop {
                match self.sink.report(namespace, pod_uid, record) {
                    Some(reported) => return reported,
                    None => sleep(LOOK_AGAIN).await,
                }
            }
        };
        let reported = timeout(UNSHOWN, known).await.map_err(|_| Refusal::Foreign)?;
        self.count(match reported.heard {
            Heard::News => ReportResult::Taken,
            Heard::Known => ReportResult::Duplicate,
            // The session's end counts the refusal.
            Heard::Foreign => return Err(Refusal::Foreign),
        });
        Ok(reported)
    }
}

/// Whether a record reports the end of the run whose beginning the other one reports.
fn is_its_end(ended: &Record, began: &Record) -> bool {
    let which = |record: &Record| (record.run, record.container.clone(), record.hook, record.start);
    ended.ending.is_some() && which(ended) == which(began)
}

#[cfg(test)]
mod tests;
