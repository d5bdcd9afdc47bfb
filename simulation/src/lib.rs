//! A Kubernetes API server in memory that keeps state, for tests: deterministic, synchronous, without a clock.
//!
//! [`ApiServer`] answers a [`Request`] as Kubernetes 1.36 does: the same codes, reasons, messages and watch events.
//! The time of a request is an argument, no runtime is needed, and the same requests get the same answers every time.
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
