//! A record as one line of text that fits where it is to go.

use crate::record::Record;
use crate::wire::Wire;

/// What a record's line begins with: whose it is and in which version.
pub const PREFIX: &str = "hooked.dev/v1 ";

impl Record {
    /// The record as one line with its newline, at most `limit` bytes of it. What does not fit is left out: first the
    /// beginning of the output, then the end of the message, then the oldest executions. `None` if even the rest is
    /// too long.
    pub fn to_line(&self, limit: usize) -> Option<String> {
        let mut record = self.clone();
        loop {
            let line = record.whole_line()?;
            match line.len().checked_sub(limit) {
                None | Some(0) => return Some(line),
                Some(excess) => {
                    if !record.shorten(excess) {
                        return None;
                    }
                }
            }
        }
    }

    fn whole_line(&self) -> Option<String> {
        let json = serde_json::to_string(&Wire::from(self)).ok()?;
        Some(format!("{PREFIX}{json}\n"))
    }

    /// Leaves out about `excess` bytes, at least one, of the least important part. False if there is nothing left.
    fn shorten(&mut self, excess: usize) -> bool {
        if let Some(ending) = &mut self.ending {
            if !ending.output.is_empty() {
                // A byte takes at most six in JSON, so this never leaves out too much.
                let from = boundary(&ending.output, excess.div_ceil(6));
                ending.output.drain(..from);
                return true;
            }
            if ending.message.pop().is_some() {
                return true;
            }
        }
        match &mut self.numbering {
            Some(numbering) if !numbering.past.is_empty() => {
                numbering.past.0.remove(0);
                true
            }
            _ => false,
        }
    }
}

/// The first boundary between characters at or after `index`, or the end.
fn boundary(text: &str, index: usize) -> usize {
    (index..text.len()).find(|index| text.is_char_boundary(*index)).unwrap_or(text.len())
}
