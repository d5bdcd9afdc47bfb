//! A connection as a stream of frames.

use std::io;
use std::time::Duration;

use hooked_protocol::{FrameError, Frames, FromOperator};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::refusal::Refusal;

/// How long a runner may take for one step: the TLS handshake, its first frame, or taking in a frame of the
/// operator.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How a session ends before its run does.
#[derive(Debug)]
pub(crate) enum End {
    /// The operator refuses the runner's report.
    Refused(Refusal),
    /// The connection is gone.
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

/// A connection as a stream of frames.
pub(crate) struct Framed<S> {
    stream: S,
    frames: Frames,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Framed<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, frames: Frames::default() }
    }

    /// The next frame; [`End::Lost`] if none comes any more. Dropping the future loses no bytes.
    pub(crate) async fn next(&mut self) -> Result<String, End> {
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

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: &FromOperator) -> Result<(), End> {
        // The operator's frames are short, so each is a line.
        let line = frame.to_line().ok_or(End::Lost)?;
        let sent = timeout(PATIENCE, async {
            self.stream.write_all(line.as_bytes()).await?;
            self.stream.flush().await
        });
        sent.await.map_err(|_| End::Lost)?.map_err(End::from)
    }

    /// Closes the connection, as far as the runner still answers.
    pub(crate) async fn close(mut self) {
        timeout(PATIENCE, self.stream.shutdown()).await.ok();
    }
}
