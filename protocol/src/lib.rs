//! What the operator and the hook-runner say to each other.
//!
//! The operator calls the runner by an [`Invocation`]; the runner answers by a [`Record`].
//!
//! A run leaves up to two records with the same [`RunId`]: one before the hook starts, one after it has ended. Each is
//! one line of text, `hooked.dev/v1 {…}`, in a file that anyone in the container may write to. So [`parse`] believes
//! nothing: what is odd in form, size or number is ignored, and no text makes it panic. Whether a well-formed record
//! is *plausible* (no more runs than starts) is for the reader to judge, who knows the Pod.
//!
//! While a hook runs, its runner may also speak with the operator over the live channel, and sends the same records:
//! [`Hello`], [`FromOperator`].
//!
//! ```
//! use hooked_protocol::{merge, parse};
//!
//! let message = "a word of the program's own\n\
//!     hooked.dev/v1 {\"run\":\"000102030405060708090a0b0c0d0e0f\",\"container\":\"web\",\"hook\":\"PreStop\",\
//!     \"execution\":2,\"phase\":\"ended\",\"start\":1795341600123456,\"took\":4213,\"outcome\":\"Succeeded\",\
//!     \"exit\":0,\"attempts\":1,\"all\":[2,1,1,0,0],\"past\":\"f\"}\n";
//! let runs = merge(parse(message));
//! assert_eq!(runs.len(), 1);
//! ```

mod check;
mod hex;
mod history;
mod hook;
mod invocation;
mod limits;
mod line;
mod live;
mod merge;
mod outcome;
mod parse;
mod record;
mod state;
mod wire;

pub use check::{CHECK, checked, go_architecture, own_check};
pub use history::{Counts, Earlier, Past};
pub use hook::Hook;
pub use invocation::{
    DEFAULT_LOG, IGNORE_FAILURE, Invocation, InvocationError, LIVE, LIVE_DIR, RECORD_DIR, RUN, RUNNER_PATH,
    TERMINATION_LOG,
};
pub use limits::{MAX_LINE, MAX_MESSAGE, MAX_OUTPUT, MAX_PAST, MAX_RECORDS};
pub use line::PREFIX;
pub use live::{
    ADDRESS_FILE, AUTHORITIES_FILE, FrameError, Frames, FromOperator, Hello, Proof, SERVER_NAME, TOKEN_FILE,
};
pub use merge::merge;
pub use outcome::{Exit, Outcome};
pub use parse::parse;
pub use record::{Ending, Numbering, Record, RunId, is_container_name};
pub use state::{State, StateError};
