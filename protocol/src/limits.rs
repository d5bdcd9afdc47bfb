//! How large anything in a record may be, for those who write it and for those who read it.

/// Bytes of a hook's output that a record keeps at most, as UTF-8.
pub const MAX_OUTPUT: usize = 1024;
/// Bytes of a record's explanation at most.
pub const MAX_MESSAGE: usize = 256;
/// Earlier executions whose outcomes a record tells one by one.
pub const MAX_PAST: usize = 64;
/// Bytes of a line at most, with its newline: of a record, and of a frame of the live channel. A termination log
/// carries no more than 4096 bytes, but the same line may travel in other ways, with every byte of output escaped as
/// `\u0000`.
pub const MAX_LINE: usize = 8192;
/// Records taken from one text at most: two hooks, before and after, several times over.
pub const MAX_RECORDS: usize = 16;
/// Bytes of a container's termination log that the kubelet passes on.
pub(crate) const MAX_BUDGET: usize = 4096;
/// Characters in a container's name at most; it is a DNS label.
pub(crate) const MAX_CONTAINER: usize = 63;
/// Microseconds since 1970 at most: the end of the year 9999, past which other formats have no words.
pub(crate) const MAX_START: u64 = 253_402_300_799_999_999;
/// Microseconds that a run may have taken: ten years.
pub(crate) const MAX_DURATION: u64 = 10 * 366 * 86_400 * 1_000_000;
/// The highest number of a signal on Linux.
pub(crate) const MAX_SIGNAL: u8 = 64;
