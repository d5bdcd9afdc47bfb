//! The live channel: what runner and operator send each other about a hook. Lines of text, one frame each, no I/O.
//!
//! ```text
//! runner                                                             operator
//! {"v":1,"token":"…","proof":"…","record":"hooked.dev/v1 {…}"}   →             once, first
//!                                                                ←  {"stop":true}                 if the Pod is to go
//!                                                                ←  {"welcome":true,"proof":"…"}  or  {"refused":"…"}
//! hooked.dev/v1 {…}                                              →             once, when the hook has ended
//!                                                                ←  {"taken":true}
//! ```
//! A runner connects for each report, since a hook can see its connections: to say that a postStart hook has begun, and
//! again from time to time while the hook goes on, it closes after the welcome; to say that a hook has ended, it sends
//! both frames at once. Runners of before stay connected while their hooks run, and hear `stop` at any time.
//!
//! The runner's last frame is a record, read and written as in a termination log: [`crate::Record::to_line`] and
//! [`crate::parse()`]. A frame takes [`MAX_LINE`] bytes at most with its newline. Both sides pass over unknown fields.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hex;
use crate::limits::MAX_LINE;
use crate::line::PREFIX;
use crate::parse::parse;
use crate::record::Record;

/// The version of the frames.
const VERSION: u32 = 1;

/// The name that the operator's certificate has to be for, whatever the address, and whatever namespace the operator is
/// in: who signs the certificate tells one operator from another, and no program looks this name up.
pub const SERVER_NAME: &str = "hooked-controller.hooked-system.svc";
/// The file in a Pod's live volume that holds the service account's token.
pub const TOKEN_FILE: &str = "token";
/// The file in that volume that holds where to connect to: an IP address and a port, as `10.96.12.7:8443` or
/// `[fd00::1]:8443`.
pub const ADDRESS_FILE: &str = "address";
/// The file in that volume that holds the operator's certificate authorities, as PEM.
pub const AUTHORITIES_FILE: &str = "ca";

/// What the operator gives a run whose token it has accepted, and accepts from the same run later, when the Pod's
/// token has expired. A secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof(pub [u8; 32]);

impl Proof {
    /// Reads what [`fmt::Display`] writes: 64 lower-case hexadecimal digits. `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::read(text).map(Self)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

/// Hides the proof.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(…)")
    }
}

/// The runner's first frame: proof of the Pod that the runner is in, and the run.
#[derive(Clone, PartialEq, Eq)]
pub struct Hello {
    /// The service account's token, which is bound to the Pod; any text here. A secret.
    pub token: String,
    /// The proof that the operator gave this run before, if the runner connects again.
    pub proof: Option<Proof>,
    /// The record of the run's beginning, which has no ending.
    pub record: Record,
}

/// Hides token and proof.
impl fmt::Debug for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hello").field("record", &self.record).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct HelloWire {
    v: u32,
    token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
    record: String,
}

impl Hello {
    /// As a line with its newline. `None` if that is longer than [`MAX_LINE`], as with a token of that length.
    pub fn to_line(&self) -> Option<String> {
        let record = self.record.to_line(MAX_LINE)?;
        to_line(&HelloWire {
            v: VERSION,
            token: self.token.clone(),
            proof: self.proof.map(|proof| proof.to_string()),
            record: record.trim_end().to_owned(),
        })
    }

    /// Reads a line, with its newline or without.
    ///
    /// # Errors
    /// A [`FrameError`], which quotes nothing of the line.
    pub fn parse(line: &str) -> Result<Self, FrameError> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let of: Version = from_line(line)?;
        if of.v != VERSION {
            return Err(FrameError::Version);
        }
        let HelloWire { v: _, token, proof, record } = from_line(line)?;
        let proof = proof.map(|proof| Proof::from_hex(&proof).ok_or(FrameError::Form)).transpose()?;
        let record = Some(record).filter(|record| record.starts_with(PREFIX)).ok_or(FrameError::Record)?;
        match <[Record; 1]>::try_from(parse(&record)) {
            Ok([record]) if record.ending.is_none() => Ok(Self { token, proof, record }),
            _ => Err(FrameError::Record),
        }
    }
}

/// A frame of the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromOperator {
    /// The operator accepts the runner.
    Welcome {
        /// What the runner sends when it connects again.
        proof: Proof,
    },
    /// The operator refuses the runner, for this reason, and closes the connection. The runner does not connect again
    /// for this run.
    Refused(String),
    /// The runner is to stop the hook: the Pod is to be removed, and the run is cancelled.
    Stop,
    /// The record of the run's end has arrived.
    Taken,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct FromOperatorWire {
    #[serde(skip_serializing_if = "is_false")]
    welcome: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    stop: bool,
    #[serde(skip_serializing_if = "is_false")]
    taken: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl FromOperator {
    /// As a line with its newline. `None` if that is longer than [`MAX_LINE`], as with a reason of that length.
    pub fn to_line(&self) -> Option<String> {
        let nothing = FromOperatorWire::default();
        to_line(&match self {
            Self::Welcome { proof } => {
                FromOperatorWire { welcome: true, proof: Some(proof.to_string()), ..nothing }
            }
            Self::Refused(why) => FromOperatorWire { refused: Some(why.clone()), ..nothing },
            Self::Stop => FromOperatorWire { stop: true, ..nothing },
            Self::Taken => FromOperatorWire { taken: true, ..nothing },
        })
    }

    /// Reads a line, with its newline or without.
    ///
    /// # Errors
    /// A [`FrameError`]; [`FrameError::Unknown`] for a frame of a later version, which the reader is to pass over.
    pub fn parse(line: &str) -> Result<Self, FrameError> {
        let FromOperatorWire { welcome, proof, refused, stop, taken } = from_line(line)?;
        match (refused, welcome, stop, taken) {
            (Some(why), ..) => Ok(Self::Refused(why)),
            (None, true, ..) => {
                let proof = proof.as_deref().and_then(Proof::from_hex).ok_or(FrameError::Form)?;
                Ok(Self::Welcome { proof })
            }
            (None, false, true, _) => Ok(Self::Stop),
            (None, false, false, true) => Ok(Self::Taken),
            (None, false, false, false) => Err(FrameError::Unknown),
        }
    }
}

/// Why a line is not the frame that it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The line is longer than [`MAX_LINE`].
    Long,
    /// The line is no text, no JSON, or lacks a field that the frame needs.
    Form,
    /// The frame is of a version that this program does not know.
    Version,
    /// The frame is of a kind that this program does not know.
    Unknown,
    /// The record in the frame is not the record of a run's beginning.
    Record,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Long => "a frame is too long",
            Self::Form => "a frame is not in the form of this version",
            Self::Version => "the frames are of a version that is not spoken here",
            Self::Unknown => "a frame says nothing that is known here",
            Self::Record => "the record of the run's beginning is none",
        })
    }
}

impl std::error::Error for FrameError {}

fn to_line(frame: &impl Serialize) -> Option<String> {
    let mut line = serde_json::to_string(frame).ok()?;
    line.push('\n');
    (line.len() <= MAX_LINE).then_some(line)
}

fn from_line<'line, T: Deserialize<'line>>(line: &'line str) -> Result<T, FrameError> {
    if line.len() > MAX_LINE {
        return Err(FrameError::Long);
    }
    serde_json::from_str(line).map_err(|_| FrameError::Form)
}

/// Cuts a stream of bytes, in whatever pieces they arrive, into lines. Holds one line and the latest piece at most.
#[derive(Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// How many of them are known to hold no newline.
    searched: usize,
}

impl Frames {
    /// Takes in the next piece of the stream.
    pub fn take_in(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line without its newline, once all of it has arrived.
    ///
    /// # Errors
    /// [`FrameError::Long`] as soon as a line is longer than [`MAX_LINE`], [`FrameError::Form`] for one that is not
    /// UTF-8. The stream is not to be read any further then.
    pub fn next_line(&mut self) -> Result<Option<String>, FrameError> {
        let newline = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n');
        let length = newline.map_or(self.bytes.len(), |at| self.searched + at);
        if length >= MAX_LINE {
            return Err(FrameError::Long);
        }
        if newline.is_none() {
            self.searched = length;
            return Ok(None);
        }
        let line: Vec<u8> = self.bytes.drain(..=length).take(length).collect();
        self.searched = 0;
        String::from_utf8(line).map(Some).map_err(|_| FrameError::Form)
    }
}

/// Hides the bytes, which may be a token.
impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}
