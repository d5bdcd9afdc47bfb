//! The last bytes of the hook's output.

use std::collections::VecDeque;

/// The last bytes that passed, as many as are to be kept.
pub(crate) struct Tail {
    bytes: VecDeque<u8>,
    limit: usize,
}

impl Tail {
    /// Keeps at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: VecDeque::with_capacity(limit), limit }
    }

    /// Takes in bytes that passed.
    pub(crate) fn passed(&mut self, bytes: &[u8]) {
        let latest = &bytes[bytes.len().saturating_sub(self.limit)..];
        let surplus = (self.bytes.len() + latest.len()).saturating_sub(self.limit);
        self.bytes.drain(..surplus);
        self.bytes.extend(latest);
    }

    /// What is kept, as text of at most the limit. What is no UTF-8, as a character cut in two, is replaced.
    pub(crate) fn text(&mut self) -> String {
        let mut text = String::from_utf8_lossy(self.bytes.make_contiguous()).into_owned();
        // A replacement character takes three bytes where there may have been one.
        while text.len() > self.limit {
            text.remove(0);
        }
        text
    }
}
