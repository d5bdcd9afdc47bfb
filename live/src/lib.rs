//! The live channel's server: runners report on their hooks while these run, and the operator stops a hook
//! that keeps its Pod from going.
//!
//! The channel only saves time. Every report comes once more in the container's termination log, under the
//! same run, so nothing is counted because of the channel that would not be counted without it.
//!
//! A connection passes through the files in this order: `listen` lets it in as far as `limits` allow and
//! shows it the certificate (`tls`), `session` speaks with the runner in frames (`framed`), `auth` finds the
//! Pod that the runner's token is bound to, `registry` keeps the connection for a stop, and the [`Sink`]
//! takes the report in. `serve` opens the channel for as long as the operator leads; `upkeep` keeps the
//! certificates (stored by `secret`) and the `endpoint` up to date.
//!
//! The rest of the operator meets the channel in [`Channel`] (what it reads and asks for), [`Sink`] and [`Observer`]
//! (what learns of the channel), and [`serve`]; who does not lead is told by [`look_up`] where Pods reach the one who
//! does. What it makes, keeps and shows certificates with serves other TLS of the operator too.

mod auth;
mod channel;
mod endpoint;
mod framed;
mod limits;
mod listen;
mod options;
mod refusal;
mod registry;
mod request;
mod secret;
mod serve;
mod session;
mod sink;
mod tls;
mod upkeep;

pub use channel::Channel;
pub use endpoint::{LookUpError, look_up};
pub use hooked_core::lifecycle::LiveEndpoint;
pub use hooked_core::status::LiveService;
pub use listen::bind;
pub use options::Options;
pub use refusal::{Refusal, ReportResult};
pub use secret::{Keeper, Place, SecretError};
pub use serve::serve;
pub use sink::{Heard, Observer, Reported, Sink};
pub use tls::{Authorities, CertificateError, CertificateResolver, Leaf, Lifetimes, TlsError, acceptor};
