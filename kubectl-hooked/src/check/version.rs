//! Whether the API server answers, and is new enough.

use k8s_openapi::apimachinery::pkg::version::Info;

use super::finding::{Check, Finding};
use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

/// The first minor version of Kubernetes 1 that the scenarios run on (docs/upgrading.md).
const LEAST: u32 = 34;

/// Asks for its version.
pub(super) async fn fetch(connection: &Connection) -> Result<Info, RequestError> {
    let request = Request { verb: "get", asked: Asked::Version, name: "", namespace: "" };
    connection.client.apiserver_version().await.map_err(|error| request.failed(&error))
}

/// What its version says.
pub(super) fn finding(fetched: &Result<Info, RequestError>) -> Finding {
    let info = match fetched {
        Ok(info) => info,
        Err(error) => return Finding::unanswered(Check::ApiServer, error),
    };
    let version = &info.git_version;
    // Some add a sign to it: `33+`.
    let minor = info.minor.trim_end_matches(|c: char| !c.is_ascii_digit()).parse::<u32>();
    match (&*info.major, minor) {
        ("1", Ok(minor)) if minor < LEAST => Finding::problem(
            Check::ApiServer,
            format!("it is Kubernetes {version}, and Hooked is made for 1.{LEAST} and newer"),
            "bring the cluster up to a version that is still maintained",
        ),
        _ => Finding::ok(Check::ApiServer, format!("Kubernetes {version}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Verdict;

    #[test]
    fn an_api_server_that_is_too_old_is_told_of() {
        let check = |minor: &str, expect: Verdict| {
            let info = Info {
                major: "1".to_owned(),
                minor: minor.to_owned(),
                git_version: format!("v1.{minor}.0"),
                ..Info::default()
            };
            assert_eq!(finding(&Ok(info)).verdict, expect, "{minor}");
        };
        check("36", Verdict::Ok);
        check("34+", Verdict::Ok);
        check("33", Verdict::Problem);
        check("9+", Verdict::Problem);
        assert_eq!(finding(&Err(RequestError::Unauthorized)).verdict, Verdict::Unknown);
    }
}
