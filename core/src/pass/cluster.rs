//! The port of a pass: what it may ask and do. The controller carries it out with a client, the simulation in memory.

use std::future::ready;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use thiserror::Error;

use super::call::Call;
use crate::lifecycle::LiveEndpoint;
use crate::status::{LiveService, Notice, Series};
use crate::workload::template::Supply;

/// How long a request may take at most. It ends before the Lease does, so that nothing is carried out for an
/// operator that no longer leads.
pub const TIMEOUT: SignedDuration = SignedDuration::from_secs(5);

/// What is wrong with a field that the API server does not know.
const UNKNOWN: &str = "unknown field (check the spelling, and whether this Kubernetes knows the field yet)";

/// What a pass may ask and do.
pub trait Cluster {
    /// The operator that this one is among those of the cluster, by the namespace that it runs in.
    fn operator(&self) -> &str;

    /// The time.
    fn now(&self) -> Timestamp;

    /// Sends a request once, and returns the reply. A request is not sent where the operator does not lead
    /// for as long as it may take, and takes [`TIMEOUT`] at most.
    fn send(&self, call: Call) -> impl Future<Output = Result<Value, Failure>> + Send;

    /// Waits until one of many requests may be under way, which it then is for as long as the reply lives: each that
    /// is takes a connection. A wait is not a part of what the request may take.
    fn turn(&self) -> impl Future<Output = impl Send> + Send {
        ready(())
    }

    /// Where runners reach the operator now, if they do.
    fn endpoint(&self) -> Option<LiveEndpoint>;

    /// The live channel that the operator serves, if it does.
    fn service(&self) -> Option<LiveService>;

    /// Whether the operator serves the injector, which puts the runner into Pods that others make.
    fn injects(&self) -> bool {
        false
    }

    /// What there is of the runner for Pods that are made now; now and then nodes are asked for it.
    fn supply(&self) -> impl Future<Output = Arc<Supply>> + Send;

    /// Has the postStart hooks that run in a Pod stopped, where their runners are connected.
    fn stop_hooks(&self, pod_uid: &str);

    /// Shows no metrics of the workload any more, and says so: the operator of that namespace counts.
    fn show_left_to(&self, operator: &str);

    /// Shows metrics of what was committed.
    fn show(&self, series: Series);

    /// Shows in metrics that the workload cannot be carried out, and whether a Pod of it is there that cannot be let
    /// go or deleted.
    fn show_invalid(&self, failing: bool);

    /// Whether it is still to be found out if the definition in the cluster keeps all of a status. One reply says it
    /// for all workloads, so that others may be short.
    fn doubts_definition(&self) -> bool {
        false
    }

    /// Says which field of a status the definition has dropped, since it is older than the operator; none if it
    /// keeps all.
    fn show_definition(&self, _dropped: Option<&str>) {}

    /// Sends Events about the workload. One that is lost is not sent again.
    fn tell(&self, notices: Vec<Notice>) -> impl Future<Output = ()> + Send;
}

/// Why a request has no good reply.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Failure {
    /// This operator does not lead, or not for long enough: the request was not sent.
    #[error("this operator no longer leads: another counts")]
    Deposed,
    /// The API server has answered so.
    #[error("{}", .0.message)]
    Refused(Refused),
    /// Nobody knows whether it was carried out.
    #[error("no reply: {0}")]
    Lost(String),
}

/// The API server's word on a request that it does not carry out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub code: u16,
    /// In one word, such as `AlreadyExists`.
    pub reason: String,
    /// In words.
    pub message: String,
    /// The fields at fault, each with what is wrong with it.
    pub causes: Vec<(String, String)>,
}

impl Failure {
    /// Whether the request was certainly not carried out, whatever becomes of it.
    pub fn is_certain(&self) -> bool {
        match self {
            Self::Deposed => true,
            // 408: the server has given up while the request may go on.
            Self::Refused(refused) => (400..500).contains(&refused.code) && refused.code != 408,
            Self::Lost(_) => false,
        }
    }

    /// The server's refusal where it is one by what the server has been told to refuse: a quota, a policy, a
    /// webhook or a rule of the object's kind. Not one that goes by itself, such as too many requests.
    pub fn refusal(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) if self.is_certain() && refused.code != 429 => Some(refused),
            _ => None,
        }
    }

    /// Whether the server says that there is no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.code == 404)
    }

    /// Whether the server says that the object has changed, or that there is one already.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.code == 409)
    }
}

impl Refused {
    /// Whether it is the Pod as it is written that is at fault, and not what somebody has told the server to refuse. A
    /// webhook that denies and names no status is told with 400, a validating policy with 422 and no field.
    pub fn is_of_template(&self) -> bool {
        match self.code {
            422 => self.causes.is_empty() || self.causes.iter().any(|(field, _)| !field.is_empty()),
            400 => self.reason == "BadRequest" && !self.message.contains("denied the request"),
            _ => false,
        }
    }

    /// The server's words about a Pod, with field paths as they are in the workload.
    pub fn of_template(&self) -> String {
        let named = self.causes.iter().filter(|(field, _)| !field.is_empty());
        let named = named.map(|(field, message)| (&**field, &**message));
        let told = named.chain(self.unknown_fields().map(|field| (field, UNKNOWN)));
        let told: Vec<String> =
            told.map(|(field, message)| format!("spec.template.{field}: {message}")).collect();
        if told.is_empty() { self.message.clone() } else { told.join("; ") }
    }

    /// The fields that the server does not know, where it was to refuse such: it names them in its message alone
    /// (`strictDecodingError` in apimachinery/pkg/runtime/error.go).
    pub fn unknown_fields(&self) -> impl Iterator<Item = &str> {
        let errors = self.message.split_once("strict decoding error: ").map_or("", |(_, errors)| errors);
        errors.split(", ").filter_map(|error| error.strip_prefix("unknown field \"")?.strip_suffix('"'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u16, reason: &str, message: &str, fields: &[&str], expect: bool) {
        let (reason, message) = (reason.to_owned(), message.to_owned());
        let causes = fields.iter().map(|field| ((*field).to_owned(), "no".to_owned())).collect();
        let refused = Refused { code, reason, message, causes };
        assert_eq!(refused.is_of_template(), expect, "{refused:?}");
    }

    fn check_words(message: &str, causes: &[(&str, &str)], expect: &str) {
        let causes =
            causes.iter().map(|(field, message)| ((*field).to_owned(), (*message).to_owned())).collect();
        let refused = Refused { message: message.to_owned(), causes, ..Refused::default() };
        assert_eq!(refused.of_template(), expect.replace("unknown field", UNKNOWN), "{refused:?}");
    }

    #[test]
    fn a_refused_pod_is_told_with_the_paths_of_the_workload() {
        check_words("no", &[("spec.hostname", "is bad"), ("", "no")], "spec.template.spec.hostname: is bad");
        check_words("the body is no object", &[], "the body is no object");
        // As the API server words what it decodes strictly.
        let strict = |errors: &str| {
            format!("Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: {errors}")
        };
        let one = strict(r#"unknown field "spec.containers[0].imagee""#);
        check_words(&one, &[], "spec.template.spec.containers[0].imagee: unknown field");
        let two = strict(r#"unknown field "spec.containers[0].imagee", unknown field "spec.foo""#);
        let expect =
            "spec.template.spec.containers[0].imagee: unknown field; spec.template.spec.foo: unknown field";
        check_words(&two, &[], expect);
        let doublet = strict(r#"duplicate field "spec.hostname""#);
        check_words(&doublet, &[], &doublet);
    }

    #[test]
    fn a_policy_that_refuses_a_pod_says_nothing_of_its_template() {
        check(422, "Invalid", "Pod \"x\" is invalid: spec.hostname", &["spec.hostname"], true);
        check(400, "BadRequest", "Pod in version \"v1\" cannot be handled as a Pod", &[], true);
        // As the API server words webhooks, validating policies and quotas.
        let webhook = "admission webhook \"policy.example.com\" denied the request: not today";
        check(400, "", webhook, &[], false);
        check(400, "BadRequest", webhook, &[], false);
        check(403, "Forbidden", webhook, &[], false);
        let policy =
            "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no";
        check(422, "Invalid", policy, &[""], false);
        check(403, "Forbidden", "exceeded quota: pods", &[], false);
    }
}
