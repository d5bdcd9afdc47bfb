//! Rights: what who asks may do, and whether the operator may do what it has to.
//!
//! The API server is asked by reviews. These are answered and stored nowhere.

mod granted;
mod right;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use super::finding::{Check, Finding, some_of};
use super::settings::Settings;
use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

pub(super) use granted::of_operator;
pub(super) use right::Right;

/// Reviews that are under way at once.
const AT_ONCE: usize = 8;

/// What who uses this program has to do.
pub(super) fn of_user(namespace: &str) -> Vec<Right> {
    let read = ["get", "list", "watch"].map(|verb| Right::of("hooked.dev", "hookedworkloads", verb));
    let other = [
        Right::of("", "pods", "list"),
        Right::of("", "pods/log", "get"),
        Right::of("", "events", "list"),
        Right::of("apps", "controllerrevisions", "list"),
    ];
    read.into_iter().chain(other).map(|right| right.within(namespace)).collect()
}

/// What who installs Hooked has to do.
pub(super) fn of_installer(operator: &str) -> Vec<Right> {
    let wide = [
        Right::of("apiextensions.k8s.io", "customresourcedefinitions", "create"),
        Right::of("", "namespaces", "create"),
        Right::of("rbac.authorization.k8s.io", "clusterroles", "create"),
        Right::of("rbac.authorization.k8s.io", "clusterrolebindings", "create"),
    ];
    let inside = [
        Right::of("apps", "deployments", "create"),
        Right::of("", "serviceaccounts", "create"),
        Right::of("", "services", "create"),
        Right::of("", "secrets", "create"),
        Right::of("rbac.authorization.k8s.io", "roles", "create"),
        Right::of("rbac.authorization.k8s.io", "rolebindings", "create"),
    ];
    wide.into_iter().chain(inside.map(|right| right.within(operator))).collect()
}

/// Those that who asks does not have.
pub(super) async fn missing(connection: &Connection, rights: Vec<Right>) -> Result<Vec<Right>, RequestError> {
    let request = Request { verb: "create", asked: Asked::SelfReview, name: "", namespace: "" };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(connection.client.clone());
    let asked = rights.into_iter().map(async |right: Right| {
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: right.resource(),
            non_resource_attributes: right.path(),
        };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let answer = reviews.create(&PostParams::default(), &review).await;
        let answer = answer.map_err(|error| request.failed(&error))?;
        Ok((!answer.status.unwrap_or_default().allowed).then_some(right))
    });
    let missing: Vec<Option<Right>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    Ok(missing.into_iter().flatten().collect())
}

/// Those that the operator does not have.
pub(super) async fn missing_to_operator(
    connection: &Connection,
    operator: &str,
    settings: &Settings,
) -> Result<Vec<Right>, RequestError> {
    let request = Request { verb: "create", asked: Asked::Review, name: "", namespace: "" };
    let reviews: Api<SubjectAccessReview> = Api::all(connection.client.clone());
    let user = format!("system:serviceaccount:{operator}:{}", settings.service_account);
    let groups = [
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{operator}"),
        "system:authenticated".to_owned(),
    ];
    let asked = of_operator(operator, &settings.namespaces).into_iter().map(async |right: Right| {
        let spec = SubjectAccessReviewSpec {
            user: Some(user.clone()),
            groups: Some(groups.to_vec()),
            resource_attributes: right.resource(),
            non_resource_attributes: right.path(),
            ..SubjectAccessReviewSpec::default()
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let answer = reviews.create(&PostParams::default(), &review).await;
        let answer = answer.map_err(|error| request.failed(&error))?;
        Ok((!answer.status.unwrap_or_default().allowed).then_some(right))
    });
    let missing: Vec<Option<Right>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    Ok(missing.into_iter().flatten().collect())
}

/// What is found of the rights of who asks. Before an installation these are the rights to install.
pub(super) fn yours(fetched: &Result<Vec<Right>, RequestError>, is_installed: bool) -> Finding {
    let check = Check::YourRights;
    match (fetched.as_deref(), is_installed) {
        (Err(error), _) => Finding::unanswered(check, error),
        (Ok([]), true) => {
            Finding::ok(check, "you may read HookedWorkloads, their Pods, logs, Events and revisions")
        }
        (Ok([]), false) => Finding::ok(check, "you may install Hooked"),
        (Ok(missing), true) => Finding::warning(
            check,
            format!("you may not {}", some_of(&words(missing))),
            "ask for the ClusterRoles hookedworkload-viewer and view",
        ),
        (Ok(missing), false) => Finding::warning(
            check,
            format!("you may not install Hooked: not {}", some_of(&words(missing))),
            "have somebody with the ClusterRole cluster-admin install it",
        ),
    }
}

/// What is found of the rights of an operator that works in these namespaces, in all if there are none.
pub(super) fn operators(fetched: &Result<Vec<Right>, RequestError>, namespaces: &[String]) -> Finding {
    let check = Check::OperatorRights;
    let missing = match fetched {
        Err(error) => return Finding::unanswered(check, error),
        Ok(missing) => missing,
    };
    let mends = if namespaces.is_empty() {
        "`kubectl apply -k config/rbac` of the operator's version gives it its rights".to_owned()
    } else {
        format!(
            "config/components/namespaced of the operator's version has its Role and RoleBinding: each of {} needs \
             them (the chart's watchNamespaces makes them)",
            some_of(namespaces)
        )
    };
    // No Role gives a right to nodes, and an operator that has Roles alone does without.
    let is_spared = |right: &Right| !namespaces.is_empty() && *right == Right::to_nodes();
    let needed: Vec<Right> = missing.iter().filter(|right| !is_spared(right)).cloned().collect();
    match (&*needed, sees_nodes(fetched)) {
        ([], true) => Finding::ok(check, "the operator may do all that config/rbac gives it"),
        ([], false) => {
            Finding::ok(check, "the operator may do all that Roles can give it, which is not to list nodes")
        }
        (needed, _) => {
            Finding::problem(check, format!("the operator may not {}", some_of(&words(needed))), mends)
        }
    }
}

/// Whether the operator may list nodes, as far as that is known. One that may not brings the runner by init containers.
pub(super) fn sees_nodes(missing: &Result<Vec<Right>, RequestError>) -> bool {
    !missing.as_ref().is_ok_and(|missing| missing.contains(&Right::to_nodes()))
}

fn words(rights: &[Right]) -> Vec<String> {
    rights.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Verdict;

    #[test]
    fn rights_that_are_missing_are_named() {
        let missing = || Ok(vec![Right::of("", "pods/log", "get").within("shop")]);
        let check = |found: &Finding, verdict: Verdict, words: &str| {
            assert!(found.verdict == verdict && found.message.contains(words), "{found:?}");
        };
        check(&yours(&missing(), true), Verdict::Warning, "you may not get pods/log in namespace shop");
        check(&yours(&missing(), false), Verdict::Warning, "not install Hooked: not get pods/log in");
        check(&operators(&missing(), &[]), Verdict::Problem, "the operator may not get pods/log");
        let of_some = operators(&missing(), &["shop".to_owned()]);
        assert!(of_some.action.is_some_and(|action| action.contains("namespaced")));
        check(&operators(&Err(RequestError::Unauthorized), &[]), Verdict::Unknown, "credentials");
        check(&yours(&Ok(vec![]), true), Verdict::Ok, "you may read");
        check(&yours(&Ok(vec![]), false), Verdict::Ok, "you may install");
        check(&operators(&Ok(vec![]), &[]), Verdict::Ok, "all that config/rbac gives it");
    }

    #[test]
    fn an_operator_of_some_namespaces_does_without_nodes() {
        let shop = ["shop".to_owned()];
        let check = |missing: &[Right], namespaces: &[String], verdict: Verdict, words: &str| {
            let found = operators(&Ok(missing.to_vec()), namespaces);
            assert!(found.verdict == verdict && found.message.contains(words), "{found:?}");
        };
        let pods = || Right::of("", "pods", "create").within("shop");
        check(&[Right::to_nodes()], &[], Verdict::Problem, "may not list nodes");
        check(&[Right::to_nodes()], &shop, Verdict::Ok, "all that Roles can give it");
        check(&[Right::to_nodes(), pods()], &shop, Verdict::Problem, "may not create pods in namespace shop");
        check(&[], &shop, Verdict::Ok, "all that config/rbac gives it");
    }
}
