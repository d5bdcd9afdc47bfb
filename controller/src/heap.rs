//! Counts the bytes of the heap, for tests that are alone in their process.

use peak_alloc::PeakAlloc;

#[global_allocator]
pub(crate) static HEAP: PeakAlloc = PeakAlloc;
