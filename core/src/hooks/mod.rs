//! What happened: evidence in, hook runs and kills out.
//!
//! [`kubelet`] reads the kubelet's words into [`evidence`]; [`rules`] are the single conclusions, each named by what
//! it concludes; [`live`] says to which start of a container a record belongs that came before its end; [`infer`] applies them in order, strongest source first, to whatever is not counted yet.

pub mod evidence;
pub mod infer;
pub mod kubelet;
pub mod live;
pub mod rules;
mod run;

pub use run::{Finding, Findings, HookRun, HookRunId, Interval, Kill, Slot, Took};
