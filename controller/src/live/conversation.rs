//! One connection: a runner says who it is and what runs, is told to stop it or not, and says how it ended.

use std::io;
use std::time::Duration;

use hooked_core::workload::tally::Heard;
use hooked_protocol::{FrameError, Frames, FromOperator, Hello, Hook, Record, parse};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::authenticate::{Identity, authenticate};
use super::limits::Stranger;
use super::listen::Door;
use super::refusal::{DUPLICATE, Refusal, TAKEN};
use super::registry::Entry;
use super::{Delivery, Live};

/// How long a runner may take to say who it is, and to take what it is told.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long a Pod that the watch has not shown yet is waited for: its hook may be faster.
const UNSHOWN: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How a connection ends other than by its own will.
#[derive(Debug)]
pub(super) enum End {
    /// It is not to be heard.
    Refused(Refusal),
    /// It is gone.
    Lost,
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        Self::Refused(match error {
            FrameError::Long => Refusal::Oversized,
            FrameError::Form | FrameError::Version | FrameError::Unknown | FrameError::Record => {
                Refusal::Malformed
            }
        })
    }
}

/// A stream of frames.
struct Line<S> {
    stream: S,
    frames: Frames,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// The next frame; [`End::Lost`] if none comes any more. Nothing is lost if this is not awaited to its end.
    async fn next(&mut self) -> Result<String, End> {
        loop {
            if let Some(line) = self.frames.next_line()? {
                return Ok(line);
            }
            let mut bytes = [0; 2048];
            match self.stream.read(&mut bytes).await? {
                0 => return Err(End::Lost),
                read => self.frames.take_in(&bytes[..read]),
            }
        }
    }

    async fn say(&mut self, frame: &FromOperator) -> Result<(), End> {
        // Whatever we say is short.
        let line = frame.to_line().ok_or(End::Lost)?;
        let said = timeout(PATIENCE, async {
            self.stream.write_all(line.as_bytes()).await?;
            self.stream.flush().await
        });
        said.await.map_err(|_| End::Lost)?.map_err(End::from)
    }
}

/// Speaks with a runner until it has said all, is refused or is gone.
pub(super) async fn converse<S>(stream: S, stranger: Stranger<'_>, door: &Door)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = Line { stream, frames: Frames::default() };
    let end = match introduce(&mut line, stranger, door).await {
        Ok(run) => accompany(&mut line, run, door).await,
        Err(end) => Err(end),
    };
    if let Err(End::Refused(refusal)) = end {
        door.count(refusal.label());
        if refusal.is_passing() {
            // Without a word: a runner that is refused does not come back, and this one may be believed later.
            return;
        }
        let why = FromOperator::Refused(refusal.label().to_owned());
        // Who is refused may well be gone.
        line.say(&why).await.ok();
    }
    timeout(PATIENCE, line.stream.shutdown()).await.ok();
}

/// A run that a believed runner tells of.
struct Run<'a> {
    identity: Identity,
    record: Record,
    entry: Entry<'a>,
}

/// The runner says who it is and what runs.
async fn introduce<'a, S>(line: &mut Line<S>, stranger: Stranger<'_>, door: &'a Door) -> Result<Run<'a>, End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let introduced = believe(line, door).await;
    if let Err(End::Refused(_)) = introduced {
        stranger.has_failed();
    }
    let (identity, record) = introduced?;
    // From here on it is its Pod that answers for it.
    drop(stranger);
    if !door.limits.may_report(&identity.pod_uid) {
        return Err(Refusal::RateLimited.into());
    }
    let entry = door.live.registry.enter(&identity.pod_uid, record.hook).ok_or(Refusal::RateLimited)?;
    let delivery = deliver(&door.live, &identity, &record).await?;
    door.count(result_of(delivery.heard));
    line.say(&FromOperator::Welcome { proof: door.prover.prove(&identity.pod_uid, &record) }).await?;
    if delivery.terminating && record.hook == Hook::PostStart {
        entry.stop();
    }
    Ok(Run { identity, record, entry })
}

async fn believe<S>(line: &mut Line<S>, door: &Door) -> Result<(Identity, Record), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let hello = timeout(PATIENCE, line.next()).await.map_err(|_| Refusal::Slow)??;
    let Hello { token, proof, record } = Hello::parse(&hello)?;
    let identity = authenticate(&door.keys, &door.prover, &token, proof, &record).await?;
    Ok((identity, record))
}

/// Takes a report in. Of a Pod that is not known it may just be that the watch has not shown it yet.
async fn deliver(live: &Live, identity: &Identity, record: &Record) -> Result<Delivery, Refusal> {
    let Identity { namespace, pod_uid } = identity;
    let known = async {
        loop {
            match live.deliver(namespace, pod_uid, record) {
                Some(delivery) => return delivery,
                None => sleep(LOOK_AGAIN).await,
            }
        }
    };
    let delivery = timeout(UNSHOWN, known).await.map_err(|_| Refusal::Foreign)?;
    if delivery.heard == Heard::Foreign { Err(Refusal::Foreign) } else { Ok(delivery) }
}

/// Waits for the run's end, however long it takes, and passes on that it is to be stopped.
async fn accompany<S>(line: &mut Line<S>, run: Run<'_>, door: &Door) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Run { identity, record, entry } = run;
    let ended = loop {
        tokio::select! {
            ended = line.next() => break ended?,
            () = entry.stopped() => line.say(&FromOperator::Stop).await?,
        }
    };
    let ended = match <[Record; 1]>::try_from(parse(&ended)) {
        Ok([ended]) if is_its_end(&ended, &record) => ended,
        _ => return Err(Refusal::Malformed.into()),
    };
    if !door.limits.may_report(&identity.pod_uid) {
        return Err(Refusal::RateLimited.into());
    }
    let delivery = deliver(&door.live, &identity, &ended).await?;
    door.count(result_of(delivery.heard));
    line.say(&FromOperator::Taken).await
}

fn result_of(heard: Heard) -> &'static str {
    match heard {
        Heard::News => TAKEN,
        Heard::Known | Heard::Foreign => DUPLICATE,
    }
}

/// Whether a record tells how the run ended whose beginning the other tells of.
fn is_its_end(ended: &Record, began: &Record) -> bool {
    let which = |record: &Record| (record.run, record.container.clone(), record.hook, record.start);
    ended.ending.is_some() && which(ended) == which(began)
}
