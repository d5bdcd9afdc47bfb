//! Least privilege, proven by what the API servers of the scenarios have put on record: the operator asks for nothing
//! that it may not do, and may do nothing that it never asks for.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};

use anyhow::{Context, Result, ensure};
use hooked_cluster::Target;
use serde::Deserialize;
use serde_json::Value;

use crate::install::{SYSTEM, TESTED, overlay};
use crate::kubectl::Kubectl;

/// The operator's service account, in its namespace.
const ACCOUNT: &str = "hooked-controller";

/// The end of the groups of kinds that scenarios make. Of these the operator has no right before a scenario gives it.
const OF_SCENARIOS: &str = ".example.org";

/// Something that may be done, or was asked for. Ordered as it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    verb: String,
    /// A resource as kubectl names it, such as `hookedworkloads.hooked.dev/status`, or a path.
    what: String,
    /// Of one name alone.
    name: Option<String>,
    /// In one namespace alone.
    namespace: Option<String>,
}

/// What is read of a line of an audit log: a tenth of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    user: User,
    #[serde(default)]
    object_ref: Option<Object>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Object {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: Option<String>,
    name: Option<String>,
}

/// What was granted, with how often it was used, and what was asked for and denied.
struct Audit {
    account: String,
    granted: BTreeMap<Right, usize>,
    denied: BTreeMap<Right, usize>,
}

/// Fails if the operator was denied anything on any of these clusters, or, if `all_ran`, has a right that it used on
/// none.
pub(super) fn check<'a>(targets: impl Iterator<Item = &'a Target>, all_ran: bool) -> Result<()> {
    let mut audit = None;
    for target in targets {
        let Target::Embedded(cluster) = target else { continue };
        let audit = match &mut audit {
            Some(audit) => audit,
            none => none.insert(Audit::of(&installed(target)?)?),
        };
        for log in cluster.audit_logs() {
            let file = File::open(&log).with_context(|| format!("cannot read {}", log.display()))?;
            audit.read(BufReader::new(file)).with_context(|| log.display().to_string())?;
        }
    }
    let audit = audit.context("no API server of ours has an audit log")?;
    let requests: usize = audit.granted.values().sum();
    println!("{} rights, {requests} requests", audit.granted.len());
    let complaints = audit.complaints(all_ran);
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

/// All objects of what is tested.
fn installed(target: &Target) -> Result<Vec<Value>> {
    let config = overlay(SYSTEM, &TESTED)?.display().to_string();
    let manifests = Kubectl::of(target).output(&["kustomize", &config])?;
    serde_saphyr::from_multiple(&manifests).context("kustomize makes no YAML")
}

impl Audit {
    /// Of the roles among these objects that are bound to the operator.
    fn of(objects: &[Value]) -> Result<Self> {
        let kind = |object: &Value, suffix: &str| text(&object["kind"]).ends_with(suffix);
        let ours = |subject: &Value| subject["name"] == ACCOUNT && subject["namespace"] == SYSTEM;
        let mut granted = BTreeMap::new();
        for binding in objects.iter().filter(|object| kind(object, "RoleBinding")) {
            if !binding["subjects"].as_array().is_some_and(|subjects| subjects.iter().any(ours)) {
                continue;
            }
            let bound = &binding["roleRef"];
            let role = objects
                .iter()
                .find(|role| role["kind"] == bound["kind"] && role["metadata"]["name"] == bound["name"])
                .with_context(|| format!("{bound} is bound and not there"))?;
            let namespace = binding["metadata"]["namespace"].as_str();
            let rules = role["rules"].as_array().into_iter().flatten();
            granted.extend(rules.flat_map(|rule| rights(rule, namespace)).map(|right| (right, 0)));
        }
        ensure!(!granted.is_empty(), "no role is bound to {ACCOUNT}");
        let account = format!("system:serviceaccount:{SYSTEM}:{ACCOUNT}");
        Ok(Self { account, granted, denied: BTreeMap::new() })
    }

    /// Reads an audit log line by line: it may be larger than what fits into memory.
    fn read(&mut self, mut log: impl BufRead) -> Result<()> {
        let mut line = String::new();
        // The API server goes on writing: a line without an end is not all there.
        while log.read_line(&mut line)? > 0 && line.ends_with('\n') {
            // Most lines are of others, and it takes ten times as long to decode one.
            if line.contains(&self.account) {
                self.note(serde_json::from_str(&line).context("not a line of an audit log")?);
            }
            line.clear();
        }
        Ok(())
    }

    fn note(&mut self, line: Line) {
        if line.user.username != self.account {
            return;
        }
        // What admission refuses, or what is not there, was allowed before.
        let is_denied =
            line.annotations.get("authorization.k8s.io/decision").is_some_and(|said| said == "forbid");
        let asked = line.asked();
        if is_denied && asked.what.ends_with(OF_SCENARIOS) {
            return;
        }
        if is_denied {
            *self.denied.entry(asked).or_default() += 1;
            return;
        }
        for (right, used) in &mut self.granted {
            *used += usize::from(right.covers(&asked));
        }
    }

    fn complaints(&self, all_ran: bool) -> Vec<String> {
        let denied = self.denied.iter().map(|(asked, times)| format!("denied {times} times: {asked}"));
        let unused = self.granted.iter().filter(|(_, used)| all_ran && **used == 0);
        denied.chain(unused.map(|(right, _)| format!("granted and never used: {right}"))).collect()
    }
}

impl Line {
    fn asked(self) -> Right {
        let Self { verb, request_uri, object_ref, .. } = self;
        let Some(Object { api_group, resource, subresource, namespace, name }) = object_ref else {
            let path = request_uri.split('?').next().unwrap_or_default();
            return Right { verb, what: path.to_owned(), name: None, namespace: None };
        };
        Right { verb, what: resource_of(&api_group, &resource, &subresource), name, namespace }
    }
}

impl Right {
    fn covers(&self, asked: &Self) -> bool {
        let at_most =
            |granted: &Option<String>, asked: &Option<String>| granted.is_none() || granted == asked;
        self.verb == asked.verb
            && self.what == asked.what
            && at_most(&self.name, &asked.name)
            && at_most(&self.namespace, &asked.namespace)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, what, name, namespace } = self;
        write!(f, "{verb} {what}")?;
        name.iter().try_for_each(|name| write!(f, " {name}"))?;
        namespace.iter().try_for_each(|namespace| write!(f, " in {namespace}"))
    }
}

/// Each right that a rule of a role gives.
fn rights(rule: &Value, namespace: Option<&str>) -> Vec<Right> {
    let list = |field: &str| rule[field].as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
    let resources = list("apiGroups").into_iter().flat_map(|group| {
        let named = |resource: &str| {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            resource_of(group, resource, subresource)
        };
        list("resources").into_iter().map(named).collect::<Vec<_>>()
    });
    let paths = list("nonResourceURLs").into_iter().map(str::to_owned);
    let names: Vec<Option<String>> = match list("resourceNames") {
        names if names.is_empty() => vec![None],
        names => names.into_iter().map(|name| Some(name.to_owned())).collect(),
    };
    let mut rights = Vec::new();
    for what in resources.chain(paths) {
        for (verb, name) in
            list("verbs").into_iter().flat_map(|verb| names.iter().map(move |name| (verb, name)))
        {
            let namespace = namespace.map(str::to_owned);
            rights.push(Right { verb: verb.to_owned(), what: what.clone(), name: name.clone(), namespace });
        }
    }
    rights
}

fn resource_of(group: &str, resource: &str, subresource: &str) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    let slash = if subresource.is_empty() { "" } else { "/" };
    format!("{resource}{dot}{group}{slash}{subresource}")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OPERATOR: &str = "system:serviceaccount:hooked-system:hooked-controller";

    fn binding(kind: &str, subject: &str) -> Value {
        let subject = json!({"kind": "ServiceAccount", "name": subject, "namespace": "hooked-system"});
        let namespace = (kind == "Role").then_some("hooked-system");
        json!({"kind": format!("{kind}Binding"), "metadata": {"namespace": namespace},
               "roleRef": {"kind": kind, "name": "it"}, "subjects": [subject]})
    }

    fn role(kind: &str, rule: &Value) -> Value {
        json!({"kind": kind, "metadata": {"name": "it"}, "rules": [rule]})
    }

    /// A line about a request of a user, `decided`: what is asked for is the URI where there is no resource.
    fn line(user: &str, decided: &str, verb: &str, object: &Value) -> String {
        let line = json!({"verb": verb, "user": {"username": user}, "requestURI": "/openid/v1/jwks?timeout=1s",
                          "objectRef": object, "stage": "ResponseComplete",
                          "annotations": {"authorization.k8s.io/decision": decided}});
        format!("{line}\n")
    }

    /// What is told of these lines where a role of this kind has this rule.
    fn check(kind: &str, rule: &Value, lines: &[String], expect: &[&str]) {
        let mut audit = Audit::of(&[role(kind, rule), binding(kind, ACCOUNT)]).unwrap();
        audit.read(lines.concat().as_bytes()).unwrap();
        assert_eq!(audit.complaints(true), expect, "{lines:?}");
        assert_eq!(audit.complaints(false).len(), audit.denied.len());
    }

    #[test]
    fn a_right_that_no_request_used_is_told_and_one_that_was_used_is_not() {
        let rule = json!({"apiGroups": ["hooked.dev"], "resources": ["hookedworkloads/status"], "verbs": ["update"]});
        let unused = ["granted and never used: update hookedworkloads.hooked.dev/status"];
        let status = json!({"apiGroup": "hooked.dev", "resource": "hookedworkloads", "subresource": "status",
                            "namespace": "shop", "name": "web"});
        let whole = json!({"apiGroup": "hooked.dev", "resource": "hookedworkloads", "namespace": "shop"});
        let check = |lines: &[String], expect: &[&str]| check("ClusterRole", &rule, lines, expect);
        check(&[], &unused);
        check(&[line(OPERATOR, "allow", "update", &status)], &[]);
        check(&[line(OPERATOR, "allow", "update", &whole)], &unused);
        check(&[line(OPERATOR, "allow", "get", &status)], &unused);
        check(&[line("admin", "allow", "update", &status)], &unused);
        // A line that the API server is still writing.
        check(&[line(OPERATOR, "allow", "update", &status).trim_end().to_owned()], &unused);
    }

    #[test]
    fn names_and_namespaces_that_a_right_is_for_are_told_apart() {
        let rule = json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a", "b"], "verbs": ["get"]});
        let get = |namespace: &str, name: &str| {
            let secret = json!({"resource": "secrets", "namespace": namespace, "name": name});
            line(OPERATOR, "allow", "get", &secret)
        };
        let of_b = "granted and never used: get secrets b in hooked-system";
        check("Role", &rule, &[get("hooked-system", "a"), get("shop", "b")], &[of_b]);
        check("Role", &rule, &[get("hooked-system", "a"), get("hooked-system", "b")], &[]);
    }

    #[test]
    fn paths_are_rights_too() {
        let rule = json!({"nonResourceURLs": ["/openid/v1/jwks", "/version"], "verbs": ["get"]});
        let asked = line(OPERATOR, "allow", "get", &Value::Null);
        check("ClusterRole", &rule, &[asked], &["granted and never used: get /version"]);
    }

    #[test]
    fn what_the_operator_was_denied_is_told_and_what_others_were_is_not() {
        let rule = json!({"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]});
        let nodes = json!({"resource": "nodes"});
        let denied = |user: &str| line(user, "forbid", "watch", &nodes);
        let used = line(OPERATOR, "allow", "list", &nodes);
        let told = ["denied 2 times: watch nodes"];
        check("ClusterRole", &rule, &[denied(OPERATOR), used.clone(), denied(OPERATOR)], &told);
        check("ClusterRole", &rule, &[denied("system:node:a"), used.clone()], &[]);
        let of_scenario = json!({"apiGroup": "fleets.example.org", "resource": "fleets", "name": "web"});
        check("ClusterRole", &rule, &[line(OPERATOR, "forbid", "get", &of_scenario), used], &[]);
    }

    #[test]
    fn roles_that_are_bound_to_others_are_not_the_operators() {
        let rule = json!({"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]});
        assert!(Audit::of(&[role("ClusterRole", &rule), binding("ClusterRole", "somebody")]).is_err());
    }
}
