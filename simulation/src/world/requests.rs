//! What becomes of the operators' requests.

use hooked_core::pass::call::{Call, Reply, Verb};
use hooked_core::pass::{Failure, Refused};
use serde_json::Value;

use super::turn::Fate;
use super::wire::InFlight;
use super::{Violation, World};
use crate::{ContentType, Method, Request};

impl From<&Call> for Request {
    /// The call as the API server gets it.
    fn from(call: &Call) -> Self {
        let body = (!call.body.is_null()).then(|| call.body.clone());
        let (method, content_type) = match call.verb {
            Verb::Get => (Method::Get, ContentType::Json),
            Verb::Create => (Method::Post, ContentType::Json),
            Verb::Replace => (Method::Put, ContentType::Json),
            Verb::Delete => (Method::Delete, ContentType::Json),
            Verb::JsonPatch => (Method::Patch, ContentType::JsonPatch),
            Verb::Merge => (Method::Patch, ContentType::MergePatch),
            Verb::StrategicMerge => (Method::Patch, ContentType::StrategicMergePatch),
        };
        let query = call.query.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let metadata_only = call.reply != Reply::Whole;
        Self { method, path: call.path.clone(), query, content_type, metadata_only, body }
    }
}

fn refused(code: u16, body: &Value) -> Failure {
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let causes = body["details"]["causes"].as_array().into_iter().flatten().map(|cause| {
        let text = |field: &str| cause[field].as_str().unwrap_or_default().to_owned();
        (text("field"), text("message"))
    });
    Failure::Refused(Refused {
        code,
        reason: text("reason"),
        message: text("message"),
        causes: causes.collect(),
    })
}

/// The answer of a server that does not carry a request out, by its status.
fn made_up(code: u16) -> Failure {
    let (reason, message) = match code {
        409 => ("Conflict", "the object has been modified"),
        429 => ("TooManyRequests", "too many requests"),
        504 => ("Timeout", "the server was unable to return a response in the time allotted"),
        _ => ("InternalError", "an error on the server has prevented the request from succeeding"),
    };
    let (reason, message) = (reason.to_owned(), message.to_owned());
    Failure::Refused(Refused { code, reason, message, causes: Vec::new() })
}

impl World {
    /// The ticket of one of the requests under way.
    pub(super) fn nth_request(&self, nth: u32) -> Option<u64> {
        let wire = self.wire.lock();
        let at = (nth as usize).checked_rem(wire.requests.len())?;
        wire.requests.keys().nth(at).copied()
    }

    /// Lets a request meet its fate.
    pub(super) fn meet(&mut self, ticket: u64, fate: Fate) -> Result<(), Violation> {
        self.steps += 1;
        if fate != Fate::Answered {
            let of = self
                .wire
                .lock()
                .requests
                .get(&ticket)
                .map(|it| format!("{:?} {}", it.call.verb, it.call.path));
            self.note(|| format!("{fate:?}: {of:?}"));
        }
        match fate {
            Fate::Answered => {
                self.carry_out(ticket)?;
                self.answer(ticket, None);
            }
            Fate::CarriedOut => self.carry_out(ticket)?,
            Fate::ReplyLost => {
                self.carry_out(ticket)?;
                self.answer(ticket, Some(Failure::Lost("connection reset".to_owned())));
            }
            Fate::Lost => self.answer(ticket, Some(Failure::Lost("connection reset".to_owned()))),
            Fate::Refused(code) => {
                let failure = made_up(code);
                let is_certain = failure.is_certain();
                if is_certain && self.wire.lock().requests.get(&ticket).is_some_and(|it| it.reply.is_some()) {
                    return Ok(());
                }
                self.checks.are_others_refused = true;
                self.answer(ticket, Some(failure));
                if is_certain {
                    self.wire.lock().requests.remove(&ticket);
                }
            }
        }
        Ok(())
    }

    /// Carries a request out, if it has not been.
    fn carry_out(&mut self, ticket: u64) -> Result<(), Violation> {
        let now = self.now();
        let Some(mut in_flight) = self.wire.lock().requests.remove(&ticket) else { return Ok(()) };
        if in_flight.reply.is_none() {
            let before = self.server.object(&in_flight.call.path).cloned();
            let reply = self.server.handle(&Request::from(&in_flight.call), now);
            let is_read = in_flight.call.verb == Verb::Get || is_dry_run(&in_flight.call);
            let good = reply.is_success();
            if in_flight.purpose != super::wire::Purpose::Election {
                self.asked_since += 1;
                if good && !is_read {
                    (self.last_change, self.asked_since) = (now, 0);
                }
            }
            let body = Value::clone(&reply.body);
            if in_flight.purpose != super::wire::Purpose::Election {
                let InFlight { call, process, .. } = &in_flight;
                self.note(|| {
                    format!(
                        "carried out for {process:?}: {:?} {} {:?} -> {} {}",
                        call.verb,
                        call.path,
                        call.query,
                        reply.code,
                        told(call, &reply)
                    )
                });
            }
            in_flight.reply = Some(if good { Ok(body) } else { Err(refused(reply.code, &body)) });
            if good && !is_read {
                self.checks.carried_out(&in_flight, before.as_ref(), &self.server, &self.nodes, now)?;
            }
        }
        self.wire.lock().requests.insert(ticket, in_flight);
        Ok(())
    }

    /// Gives a request's client its reply, or else this failure.
    fn answer(&mut self, ticket: u64, failure: Option<Failure>) {
        let mut wire = self.wire.lock();
        let Some(in_flight) = wire.requests.get(&ticket) else { return };
        let is_done = in_flight.reply.is_some();
        let answer = match failure {
            Some(failure) => Err(failure),
            None => in_flight.reply.clone().unwrap_or_else(|| Err(Failure::Lost("no reply".to_owned()))),
        };
        self.checks.answered(in_flight, &answer);
        wire.answer(ticket, answer);
        if is_done {
            wire.requests.remove(&ticket);
        }
    }

    /// Requests whose time has passed are given up, by the server too.
    pub(super) fn time_out(&mut self) {
        let now = self.now();
        let is_over = |(ticket, it): (&u64, &InFlight)| (it.deadline <= now).then_some(*ticket);
        let over: Vec<u64> = self.wire.lock().requests.iter().filter_map(is_over).collect();
        for ticket in over {
            self.answer(ticket, Some(Failure::Lost("no answer in time".to_owned())));
            self.wire.lock().requests.remove(&ticket);
        }
    }

    /// Has the checks look at what was just sent.
    pub(super) fn look_at_sent(&mut self) -> Result<(), Violation> {
        let wire = self.wire.lock();
        if wire.sent.is_empty() {
            return Ok(());
        }
        drop(wire);
        let sent = std::mem::take(&mut self.wire.lock().sent);
        for ticket in sent {
            let wire = self.wire.lock();
            let Some(in_flight) = wire.requests.get(&ticket) else { continue };
            let (process, now) = (in_flight.process, wire.now);
            let ahead = self.operators[process.operator].ahead;
            let clock = now.checked_add(ahead).unwrap_or(now);
            self.checks.sent(in_flight, &self.server, &self.nodes, clock)?;
        }
        Ok(())
    }
}

/// What of a request and its reply is worth telling.
fn told(call: &Call, reply: &crate::Reply) -> String {
    if !reply.is_success() {
        return reply.body["message"].as_str().unwrap_or_default().to_owned();
    }
    if call.path.ends_with("/status") {
        let status = &call.body["status"];
        return format!("ledger {} runs {}", status["ledger"], status["recentRuns"]);
    }
    if call.verb == Verb::Get { String::new() } else { call.body["metadata"].to_string() }
}

/// Whether the request changes nothing.
pub(super) fn is_dry_run(call: &Call) -> bool {
    call.query.iter().any(|(name, _)| *name == "dryRun")
}
