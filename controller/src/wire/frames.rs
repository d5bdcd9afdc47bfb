//! A watch in protobuf, taken apart: each event comes after its length, in four bytes, the highest first
//! (`lengthDelimitedFramer` of `apimachinery/pkg/runtime/serializer/protobuf/protobuf.go`).

use axum::BoxError;
use axum::body::{Body, BodyDataStream, Bytes};
use futures::{Stream, StreamExt, stream};

use super::envelope::write_event;
use super::fault::WireError;
use super::plain::Plain;

/// The most that an event may take, as Go's clients have it (`runtime/serializer/streaming/streaming.go`): objects are
/// at most a tenth of it.
const MAX_FRAME: usize = 16 << 20;

/// The events of a watch as JSON, a line each. What has come of an event when the watch ends is dropped, as the client
/// does with half a line: the next watch shows the event.
pub(super) fn lines(body: Body, plain: Plain) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    let chunks = body.into_data_stream();
    stream::unfold(Some((chunks, Frames::default())), move |open| {
        let plain = plain.clone();
        async move {
            let (mut chunks, mut frames) = open?;
            match next(&mut chunks, &mut frames).await? {
                Ok(Ok(lines)) => Some((Ok(lines), Some((chunks, frames)))),
                // What follows in the watch cannot be trusted, and the client watches anew from the last event it has.
                Ok(Err(error)) => Some((Err(plain.after(error)), None)),
                Err(error) => Some((Err(error.into()), None)),
            }
        }
    })
}

/// The next lines; nothing where the watch has ended.
async fn next(
    chunks: &mut BodyDataStream,
    frames: &mut Frames,
) -> Option<Result<Result<Bytes, WireError>, axum::Error>> {
    loop {
        match frames.take_lines() {
            Ok(lines) if lines.is_empty() => {}
            lines => return Some(Ok(lines.map(Bytes::from))),
        }
        match chunks.next().await? {
            Ok(chunk) => frames.extend(&chunk),
            Err(error) => return Some(Err(error)),
        }
    }
}

/// What has come of a watch and was not read yet.
#[derive(Default)]
pub(super) struct Frames {
    come: Vec<u8>,
    /// Why nothing more can be read.
    fault: Option<WireError>,
}

impl Frames {
    pub(super) fn extend(&mut self, chunk: &[u8]) {
        self.come.extend_from_slice(chunk);
    }

    /// The events that have come wholly, as lines. Those before one that cannot be read are good.
    pub(super) fn take_lines(&mut self) -> Result<Vec<u8>, WireError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let (mut rest, mut lines) = (&self.come[..], Vec::new());
        loop {
            let good = lines.len();
            match take_frame(&mut rest)
                .and_then(|frame| frame.map(|it| write_event(it, &mut lines)).transpose())
            {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(fault) if good == 0 => return Err(fault),
                Err(fault) => {
                    lines.truncate(good);
                    self.fault = Some(fault);
                    break;
                }
            }
        }
        let read = self.come.len() - rest.len();
        self.come.drain(..read);
        Ok(lines)
    }
}

/// Takes the first frame, if it is there wholly.
fn take_frame<'a>(come: &mut &'a [u8]) -> Result<Option<&'a [u8]>, WireError> {
    let Some((length, rest)) = come.split_first_chunk() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > MAX_FRAME {
        return Err(WireError::TooLong(length));
    }
    let Some((frame, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    *come = rest;
    Ok(Some(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCH: &[u8] = include_bytes!("recorded/event_watch.pb");

    #[test]
    fn a_watch_may_be_cut_anywhere() {
        let mut whole = Frames::default();
        whole.extend(WATCH);
        let expect = whole.take_lines().unwrap();
        assert!(expect.split(|byte| *byte == b'\n').count() > 2);
        for cut in 0..=WATCH.len() {
            let (before, after) = WATCH.split_at(cut);
            let mut frames = Frames::default();
            frames.extend(before);
            let mut lines = frames.take_lines().unwrap();
            frames.extend(after);
            lines.extend(frames.take_lines().unwrap());
            assert_eq!(lines, expect, "cut at {cut}");
            assert!(frames.come.is_empty());
        }
    }

    #[test]
    fn an_event_of_absurd_length_is_an_error_before_there_is_room_for_it() {
        let check = |length: u32| {
            let mut frames = Frames::default();
            frames.extend(&length.to_be_bytes());
            let read = frames.take_lines();
            assert!(frames.come.capacity() < 64);
            read
        };
        assert_eq!(check(u32::MAX), Err(WireError::TooLong(0xffff_ffff)));
        assert_eq!(check((16 << 20) + 1), Err(WireError::TooLong((16 << 20) + 1)));
        assert_eq!(check(16 << 20), Ok(Vec::new()));
    }

    #[test]
    fn events_before_one_that_cannot_be_read_are_not_lost() {
        let mut frames = Frames::default();
        frames.extend(&[WATCH, b"\0\0\0\x03abc"].concat());
        assert!(!frames.take_lines().unwrap().is_empty());
        assert!(frames.take_lines().is_err());
    }
}
