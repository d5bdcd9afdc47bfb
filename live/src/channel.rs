//! The state of the live channel that the server and the rest of the operator share.

use hooked_core::lifecycle::LiveEndpoint;
use hooked_core::status::LiveService;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::registry::Registry;
use hooked_core::pass::Locked;

/// The live channel, as the rest of the operator knows it: where runners reach it, and how to stop a hook
/// over it.
#[derive(Debug, Default)]
pub struct Channel {
    pub(crate) registry: Registry,
    /// Where runners reach the operator, and since when; none while they do not.
    serving: Locked<Option<(LiveEndpoint, LiveService)>>,
    settled: watch::Sender<bool>,
}

impl Channel {
    /// Where runners reach the operator now, if they do.
    pub fn endpoint(&self) -> Option<LiveEndpoint> {
        self.serving.lock().as_ref().map(|(endpoint, _)| endpoint.clone())
    }

    /// Where the operator listens and since when, if it does.
    pub fn service(&self) -> Option<LiveService> {
        self.serving.lock().as_ref().map(|(_, service)| service.clone())
    }

    /// Tells connected runners to stop the postStart hooks of a Pod.
    pub fn stop(&self, pod_uid: &str) {
        self.registry.stop(pod_uid);
    }

    /// Returns once it is decided whether there is a live channel. Pods that are made before have none.
    pub async fn settled(&self) {
        // The channel owns the sender, so the wait cannot fail while the channel is borrowed.
        self.settled.subscribe().wait_for(|settled| *settled).await.ok();
    }

    /// Announces the endpoint: new Pods are made with it. True if the endpoint differs from the one announced
    /// before.
    pub(crate) fn announce(&self, endpoint: LiveEndpoint, now: Timestamp) -> bool {
        let address = endpoint.address.clone();
        let changed = {
            let mut serving = self.serving.lock();
            let changed = serving.as_ref().is_none_or(|(known, _)| *known != endpoint);
            let since = serving.as_ref().map_or(now, |(_, service)| service.since);
            *serving = Some((endpoint, LiveService { since, address }));
            changed
        };
        self.settled.send_replace(true);
        changed
    }

    /// Withdraws the endpoint: new Pods are made without the live channel.
    pub(crate) fn withdraw(&self) {
        *self.serving.lock() = None;
        self.settled.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn endpoint(address: &str) -> LiveEndpoint {
        LiveEndpoint { address: address.to_owned(), ca: String::new() }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn only_another_endpoint_is_a_change_and_a_withdrawn_one_begins_anew() {
        let channel = Channel::default();
        assert!(channel.announce(endpoint("a"), second(1)));
        assert!(!channel.announce(endpoint("a"), second(2)));
        assert!(channel.announce(endpoint("b"), second(3)));
        let service = LiveService { since: second(1), address: "b".to_owned() };
        assert_eq!((channel.endpoint(), channel.service()), (Some(endpoint("b")), Some(service)));
        channel.withdraw();
        assert_eq!((channel.endpoint(), channel.service()), (None, None));
        assert!(channel.announce(endpoint("b"), second(4)));
        assert_eq!(channel.service().map(|service| service.since), Some(second(4)));
    }

    #[test]
    fn the_channel_is_settled_when_it_is_open_and_when_there_will_be_none() {
        let (open, none) = (Channel::default(), Channel::default());
        assert_eq!(open.settled().now_or_never(), None);
        open.announce(endpoint("a"), second(1));
        none.withdraw();
        assert_eq!([&open, &none].map(|channel| channel.settled().now_or_never()), [Some(()), Some(())]);
    }
}
