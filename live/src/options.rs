//! What the channel is configured with.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::tls::Lifetimes;

/// What the channel is configured with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; none if there is to be no live channel.
    pub bind_address: Option<SocketAddr>,
    /// Where Pods reach the operator, if not at the address of its Service.
    pub advertise_address: Option<SocketAddr>,
    /// The namespace of the operator's Service, Secret and Pod.
    pub namespace: String,
    /// The name of the operator's own Pod.
    pub pod: String,
    /// The name under which the operator writes.
    pub field_manager: &'static str,
    /// How long an authority lasts.
    pub authority_lifetime: Duration,
    /// How long a certificate lasts.
    pub certificate_lifetime: Duration,
    /// The clock by which certificates are valid.
    pub clock: fn() -> Timestamp,
}

impl Options {
    /// The time by that clock.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// How long certificates last.
    pub fn lifetimes(&self) -> Lifetimes {
        let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Lifetimes { authority: signed(self.authority_lifetime), leaf: signed(self.certificate_lifetime) }
    }
}
