//! Whether Prometheus scrapes the operator: it is asked, through the API server, whether it has the operator's metrics.

mod query;

use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};

use super::finding::{Check, Finding};
use super::replicas::LABELS;
use crate::arguments::ServicePath;
use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

use query::{Sample, query};

/// A metric of every operator: 1 if it leads.
const LEADER: &str = "hooked_leader";
/// What is there if Prometheus has renamed the labels that name a workload.
const RENAMED: &str = r#"count({__name__=~"hooked_workload_.+",exported_namespace!=""})"#;

/// What says to Prometheus that it is to scrape the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Monitors {
    /// The cluster knows no such objects.
    KindUnknown,
    /// So many are there.
    Known(usize),
}

/// What Prometheus has of the operator.
#[derive(Clone, Debug, Default)]
pub(super) struct Scraped {
    leaders: Vec<Sample>,
    /// Series in which a workload's namespace is not where dashboards and alerts look for it.
    renamed: f64,
}

/// All that is known of it.
#[derive(Debug)]
pub(super) struct Monitoring {
    monitors: Result<Monitors, RequestError>,
    /// None if no Prometheus is named.
    scraped: Option<Result<Scraped, RequestError>>,
}

/// Looks for what tells a Prometheus to scrape, and asks the Prometheus that is named.
pub(super) async fn fetch(
    connection: &Connection,
    operator: &str,
    named: Option<&ServicePath>,
) -> Monitoring {
    let scraped = match named {
        Some(service) => Some(scraped(connection, service).await),
        None => None,
    };
    Monitoring { monitors: monitors(connection, operator).await, scraped }
}

async fn monitors(connection: &Connection, operator: &str) -> Result<Monitors, RequestError> {
    let mut known = 0;
    for kind in ["ServiceMonitor", "PodMonitor"] {
        let request = Request { verb: "list", asked: Asked::Monitor, name: "", namespace: operator };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("monitoring.coreos.com", "v1", kind));
        let monitors: Api<DynamicObject> =
            Api::namespaced_with(connection.client.clone(), operator, &resource);
        match monitors.list(&ListParams::default().labels(LABELS)).await {
            Ok(list) => known += list.items.len(),
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Monitors::KindUnknown),
            Err(error) => return Err(request.failed(&error)),
        }
    }
    Ok(Monitors::Known(known))
}

async fn scraped(connection: &Connection, service: &ServicePath) -> Result<Scraped, RequestError> {
    let leaders = query(connection, service, LEADER).await?;
    let renamed = query(connection, service, RENAMED).await?.first().map_or(0.0, |sample| sample.value);
    Ok(Scraped { leaders, renamed })
}

/// What is found of it.
pub(super) fn finding(monitoring: &Monitoring, is_installed: bool) -> Finding {
    let check = Check::Prometheus;
    match (&monitoring.scraped, &monitoring.monitors) {
        (Some(Err(error)), _) => Finding::unanswered(check, error),
        (Some(Ok(_)), _) if !is_installed => {
            Finding::ok(check, "Prometheus answers; there is no operator to scrape yet")
        }
        (Some(Ok(scraped)), monitors) => asked(scraped, monitors.as_ref().ok()),
        (None, _) if !is_installed => {
            Finding::not_checked(check, "name a Prometheus by --prometheus to see whether it answers")
        }
        (None, Ok(Monitors::Known(0))) => Finding::warning(
            check,
            "the cluster knows ServiceMonitors, and none is for the operator",
            "`kubectl apply -k config/prometheus` makes it; --prometheus NAMESPACE/NAME:PORT then shows whether it is heeded",
        ),
        (None, _) => Finding::not_checked(
            check,
            "whether it scrapes is not known: name it by --prometheus NAMESPACE/NAME:PORT",
        ),
    }
}

fn asked(scraped: &Scraped, monitors: Option<&Monitors>) -> Finding {
    let check = Check::Prometheus;
    if scraped.leaders.is_empty() {
        let action = match monitors {
            Some(Monitors::Known(1..)) => {
                "there is a monitor for it: give that the labels and the namespace that serviceMonitorSelector and \
                 serviceMonitorNamespaceSelector of your Prometheus ask for"
            }
            _ => {
                "`kubectl apply -k config/prometheus`, or a scrape job for port metrics of the operator's Pods"
            }
        };
        return Finding::problem(
            check,
            format!("it has no {LEADER}: it does not scrape the operator"),
            action,
        );
    }
    let leading = scraped.leaders.iter().filter(|sample| sample.value > 0.0).count();
    if leading != 1 {
        let message = format!("it scrapes {} operators, of which {leading} lead", scraped.leaders.len());
        return Finding::warning(
            check,
            message,
            "exactly one is to lead: is every operator of the Deployment scraped?",
        );
    }
    if scraped.renamed > 0.0 {
        let message = "it scrapes the operator, and puts a workload's namespace into exported_namespace";
        let action = "set honorLabels: true for this scrape job; dashboards and alerts are empty until then";
        return Finding::warning(check, message, action);
    }
    Finding::ok(check, "it scrapes the operator that leads")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Verdict;

    fn check(
        monitors: Result<Monitors, RequestError>,
        scraped: Option<(&[f64], f64)>,
        is_installed: bool,
        (verdict, words): (Verdict, &str),
    ) {
        let scraped = scraped.map(|(leaders, renamed)| {
            let leaders = leaders.iter().map(|value| Sample { value: *value }).collect();
            Ok(Scraped { leaders, renamed })
        });
        let found = finding(&Monitoring { monitors, scraped }, is_installed);
        let told = format!("{} {}", found.message, found.action.clone().unwrap_or_default());
        assert!(found.verdict == verdict && told.contains(words), "{found:?}");
    }

    #[test]
    fn a_prometheus_that_is_named_is_asked_for_the_operators_own_metric() {
        let known = || Ok(Monitors::Known(1));
        check(known(), Some((&[1.0, 0.0], 0.0)), true, (Verdict::Ok, "scrapes the operator that leads"));
        check(known(), Some((&[], 0.0)), true, (Verdict::Problem, "serviceMonitorSelector"));
        check(
            Ok(Monitors::KindUnknown),
            Some((&[], 0.0)),
            true,
            (Verdict::Problem, "a scrape job for port metrics"),
        );
        check(known(), Some((&[0.0], 0.0)), true, (Verdict::Warning, "1 operators, of which 0 lead"));
        check(known(), Some((&[1.0], 7.0)), true, (Verdict::Warning, "honorLabels: true"));
        check(known(), Some((&[], 0.0)), false, (Verdict::Ok, "no operator to scrape yet"));
    }

    #[test]
    fn without_a_name_only_what_tells_prometheus_to_scrape_is_looked_for() {
        check(Ok(Monitors::Known(0)), None, true, (Verdict::Warning, "none is for the operator"));
        check(Ok(Monitors::Known(1)), None, true, (Verdict::NotChecked, "--prometheus"));
        check(Ok(Monitors::KindUnknown), None, true, (Verdict::NotChecked, "--prometheus"));
        check(Ok(Monitors::Known(0)), None, false, (Verdict::NotChecked, "--prometheus"));
        let refused =
            Monitoring { monitors: Ok(Monitors::Known(1)), scraped: Some(Err(RequestError::Unauthorized)) };
        assert_eq!(finding(&refused, true).verdict, Verdict::Unknown);
    }
}
