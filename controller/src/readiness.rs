//! Whether this operator is ready, and what keeps it from being so: what `/readyz` says.
//!
//! One that waits for another's Lease is ready, so that a rollout of operators does not wait for leadership. One that
//! leads is ready when it knows the cluster and runners can report. The injector of either answers before it is ready,
//! so that none is missing while operators are replaced, but for one that waits and has no certificate: only the one
//! that leads stores the authorities, which one of before the injector never does.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use hooked_core::pass::Locked;
use hooked_live::Channel;
use tokio::sync::watch;

use crate::injector::Serving;
use crate::lease::Standing;
use crate::watch::Scope;

/// What a scope's first lists are of that are awaited next.
pub(crate) type Awaited = &'static str;

/// What readiness depends on, as it changes.
pub(crate) struct Readiness {
    standing: watch::Receiver<Standing>,
    /// The first lists that are not complete, by where they are of.
    awaited: Locked<BTreeMap<String, Awaited>>,
    /// None if there is to be no live channel.
    live: Option<Arc<Channel>>,
    /// How far the injector has come; none if there is to be none.
    injector: Option<watch::Receiver<Serving>>,
}

impl Readiness {
    /// Nothing is listed of these scopes yet.
    pub(crate) fn new(
        standing: watch::Receiver<Standing>,
        scopes: &[Scope],
        live: Option<Arc<Channel>>,
        injector: Option<watch::Receiver<Serving>>,
    ) -> Self {
        let awaited = scopes.iter().map(|scope| (place(scope), "Pods")).collect();
        Self { standing, awaited: Locked::new(awaited), live, injector }
    }

    /// Of that scope, the first list of those is awaited next.
    pub(crate) fn awaits(&self, scope: &Scope, what: Awaited) {
        self.awaited.lock().insert(place(scope), what);
    }

    /// All that there is in that scope was listed.
    pub(crate) fn is_listed(&self, scope: &Scope) {
        let mut awaited = self.awaited.lock();
        if awaited.remove(&place(scope)).is_some() && awaited.is_empty() {
            tracing::info!("the first lists are complete");
        }
    }

    /// How things stand now.
    pub(crate) fn report(&self) -> Report {
        let awaited = self.awaited.lock();
        let awaited = awaited.iter().map(|(place, what)| format!("{what} {place} are not listed yet"));
        let awaited = awaited.collect::<Vec<_>>().join(", ");
        let live = self.live.as_ref().map(|live| live.service().is_some());
        let injector = self.injector.as_ref().map(|serving| *serving.borrow());
        Report::of(*self.standing.borrow(), awaited, live, injector)
    }
}

fn place(scope: &Scope) -> String {
    scope.0.as_ref().map_or_else(|| "of all namespaces".to_owned(), |name| format!("of namespace {name}"))
}

/// What was checked, in the order in which an operator comes to it, each with what is well or else what is missing.
pub(crate) struct Report(Vec<(&'static str, Result<&'static str, String>)>);

impl Report {
    fn of(standing: Standing, awaited: String, live: Option<bool>, injector: Option<Serving>) -> Self {
        let lease = match standing {
            Standing::Unknown => Err("the Lease could not be read or taken; the log says why".to_owned()),
            Standing::Standby => Ok("another operator leads, this one waits for its Lease"),
            Standing::Leader => Ok("this operator leads"),
        };
        let mut checks = vec![("lease", lease)];
        if standing == Standing::Leader {
            let caches = if awaited.is_empty() { Ok("all is listed") } else { Err(awaited) };
            let live = match live {
                None => Ok("switched off"),
                Some(true) => Ok("runners can report"),
                Some(false) => Err("runners cannot report yet; the log says why".to_owned()),
            };
            checks.extend([("caches", caches), ("live", live)]);
        }
        let is_standby = standing == Standing::Standby;
        let injector = match injector {
            None => Ok("switched off"),
            Some(Serving::Answering) => Ok("the injector answers"),
            Some(Serving::WithoutCertificate) if is_standby => {
                Ok("the operator that leads has stored nothing for it")
            }
            Some(_) => Err("the injector does not answer yet; the log says why".to_owned()),
        };
        if standing != Standing::Unknown {
            checks.push(("injector", injector));
        }
        Self(checks)
    }

    /// Whether all is well.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.iter().all(|(_, outcome)| outcome.is_ok())
    }

    /// A line for each check, in the form of the API server's own `/readyz?verbose`.
    pub(crate) fn lines(&self) -> String {
        let mut text = String::new();
        for (name, outcome) in &self.0 {
            // Memory takes whatever is written to it.
            match outcome {
                Ok(words) => writeln!(text, "[+]{name} ok: {words}").ok(),
                Err(words) => writeln!(text, "[-]{name} failed: {words}").ok(),
            };
        }
        text + if self.is_ready() { "readyz check passed\n" } else { "readyz check failed\n" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_ready_that_waits_and_one_that_leads_knows_the_cluster_and_can_be_reached() {
        let check = |standing, awaited: &str, (live, injector), expect: &[&str]| {
            let report = Report::of(standing, awaited.to_owned(), live, injector);
            let lines = report.lines();
            let lines: Vec<&str> = lines.lines().collect();
            let (last, checks) = lines.split_last().unwrap();
            let shown: Vec<&str> = checks.iter().map(|line| line.split(": ").next().unwrap()).collect();
            assert_eq!(shown, expect, "{standing:?} {awaited:?} {live:?}");
            let is_ready = expect.iter().all(|line| line.starts_with("[+]"));
            assert_eq!((report.is_ready(), last.ends_with("passed")), (is_ready, is_ready));
        };
        let (leads, waits) = (Standing::Leader, Standing::Standby);
        let all = (Some(true), Some(Serving::Answering));
        let none = (Some(false), Some(Serving::WithoutCertificate));
        check(Standing::Unknown, "", all, &["[-]lease failed"]);
        check(waits, "Pods", all, &["[+]lease ok", "[+]injector ok"]);
        check(waits, "Pods", none, &["[+]lease ok", "[+]injector ok"]);
        check(waits, "Pods", (None, Some(Serving::Unknown)), &["[+]lease ok", "[-]injector failed"]);
        check(waits, "Pods", (None, Some(Serving::Certified)), &["[+]lease ok", "[-]injector failed"]);
        check(leads, "Pods", all, &["[+]lease ok", "[-]caches failed", "[+]live ok", "[+]injector ok"]);
        check(leads, "", none, &["[+]lease ok", "[+]caches ok", "[-]live failed", "[-]injector failed"]);
        check(leads, "", all, &["[+]lease ok", "[+]caches ok", "[+]live ok", "[+]injector ok"]);
        check(leads, "", (None, None), &["[+]lease ok", "[+]caches ok", "[+]live ok", "[+]injector ok"]);
    }

    #[test]
    fn what_is_not_listed_yet_is_named_until_everything_is() {
        let scopes = ["shop", "test"].map(|name| Scope(Some(name.to_owned())));
        let (_standing, leads) = watch::channel(Standing::Leader);
        let readiness = Readiness::new(leads, &scopes, None, None);
        readiness.awaits(&scopes[0], "Events");
        let lines = readiness.report().lines();
        let awaited =
            "Events of namespace shop are not listed yet, Pods of namespace test are not listed yet";
        assert!(lines.contains(awaited), "{lines}");
        readiness.is_listed(&scopes[0]);
        assert!(!readiness.report().is_ready());
        readiness.is_listed(&scopes[1]);
        assert!(readiness.report().is_ready());
        let everywhere = Readiness::new(readiness.standing, &[Scope(None)], None, None).report().lines();
        assert!(everywhere.contains("Pods of all namespaces are not listed yet"), "{everywhere}");
    }
}
