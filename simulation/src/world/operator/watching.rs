//! A watch: a list, and then what happens, as late as the world has it.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use crate::world::turn::Feed;
use crate::{ApiServer, EventType, Request, WatchEvent, WatchSpec};

/// Where a watch stands.
#[derive(Debug)]
enum State {
    /// It begins with a list that nobody has asked for yet.
    Unlisted,
    /// A list is read.
    Listing(VecDeque<Arc<Value>>),
    /// Everything is listed, and what happens is told.
    Watching,
}

/// A watch of an operator.
#[derive(Debug)]
pub(in super::super) struct Watching {
    spec: WatchSpec,
    state: State,
    /// What happened and is not shown yet.
    queue: VecDeque<WatchEvent>,
    /// Up to where what happened is in the queue.
    version: u64,
    /// Whether a list was ever complete.
    pub(super) was_listed: bool,
}

/// What a watch shows.
#[derive(Debug)]
pub(super) enum Sight {
    ListBegins,
    Listed(Arc<Value>),
    ListEnds,
    Changed(Arc<Value>),
    Deleted(Arc<Value>),
}

/// What a feed selects.
fn request(feed: Feed) -> Request {
    match feed {
        Feed::Pods => Request::get("/api/v1/pods").with("labelSelector", "hooked.dev/revision"),
        Feed::Foreign => Request::get("/api/v1/pods")
            .with("labelSelector", "!hooked.dev/revision,pod-template-hash")
            .metadata_only(),
        Feed::Others => Request::get("/api/v1/namespaces/shop/pods"),
        Feed::Events => Request::get("/api/v1/events").with("fieldSelector", "involvedObject.kind=Pod"),
        Feed::Workloads => Request::get("/apis/hooked.dev/v1alpha1/hookedworkloads"),
    }
}

impl Watching {
    pub(super) fn new(feed: Feed) -> Option<Self> {
        let spec = WatchSpec::of(&request(feed)).ok()?;
        let (state, queue) = (State::Unlisted, VecDeque::new());
        Some(Self { spec, state, queue, version: 0, was_listed: false })
    }

    /// It breaks off, and begins anew.
    pub(in super::super) fn relist(&mut self) {
        self.state = State::Unlisted;
        self.queue.clear();
    }

    /// Takes what has happened into the queue.
    pub(in super::super) fn fill(&mut self, server: &ApiServer) {
        if matches!(self.state, State::Unlisted) || self.version == server.version() {
            return;
        }
        match server.events_since(&self.spec, self.version) {
            Ok(events) => self.queue.extend(events),
            Err(_) => return self.relist(),
        }
        self.version = server.version();
    }

    /// The next thing that it shows.
    pub(super) fn next(&mut self, server: &ApiServer) -> Option<Sight> {
        match &mut self.state {
            State::Unlisted => {
                let items = server.initial_events(&self.spec).into_iter().map(|event| event.object);
                self.state = State::Listing(items.collect());
                self.version = server.version();
                Some(Sight::ListBegins)
            }
            State::Listing(items) => {
                if let Some(item) = items.pop_front() {
                    return Some(Sight::Listed(item));
                }
                self.state = State::Watching;
                self.was_listed = true;
                Some(Sight::ListEnds)
            }
            State::Watching => {
                let WatchEvent { event_type, object, .. } = self.queue.pop_front()?;
                Some(match event_type {
                    EventType::Deleted => Sight::Deleted(object),
                    _ => Sight::Changed(object),
                })
            }
        }
    }
}
