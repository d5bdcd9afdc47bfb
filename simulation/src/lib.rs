//! A Kubernetes API server in memory that keeps state, and nodes: deterministic, synchronous, without a clock.
//!
//! [`ApiServer`] answers a [`Request`] as Kubernetes 1.36 does: the same codes, reasons, messages and watch events.
//! The time of a request is an argument, no runtime is needed, and the same requests get the same answers every time.
//! [`kubelet::Nodes`] run its Pods, at moments that the test chooses, and know what really happened.
//!
//! Not modelled: server-side apply, the schema of custom resources, defaults that nobody here relies on, rights,
//! priority and fairness, and whether a namespace exists. The two resources named events share no storage.
//!
//! ```
//! use hooked_simulation::{ApiServer, Request};
//! use serde_json::json;
//!
//! let mut server = ApiServer::new();
//! let pod = json!({"metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}});
//! let reply = server.handle(&Request::create("/api/v1/namespaces/default/pods", pod), jiff::Timestamp::UNIX_EPOCH);
//! assert_eq!(reply.code, 201);
//! assert_eq!(reply.body["status"]["phase"], "Pending");
//! ```

pub mod kubelet;
mod server;
pub mod world;

pub use server::{
    ApiServer, ContentType, EventType, Expired, LabelSelector, Method, Quota, Refusal, Reply, Request,
    Resource, Verb, WatchEvent, WatchSpec,
};
