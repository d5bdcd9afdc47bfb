//! What the API server refuses in one form it is asked about in another.

use super::*;
use crate::workload::template::{NodeKind, Runner};

/// The workload of these tests, with that in the spec of its template.
fn web(more: (&str, Value)) -> HookedWorkload {
    workload("/spec", more)
}

fn plain() -> HookedWorkload {
    web(("hostname", json!("web")))
}

/// How Pods are made, in short; how often the server was asked.
fn made(server: &Server, workload: &HookedWorkload) -> (String, usize) {
    let (verdict, asked) = admitted(server, workload, false);
    let words = match verdict {
        Verdict::Taken(Making::WithRunner { runner, live }) => format!("{:?}, live {live}", runner.delivery),
        Verdict::Taken(Making::Observed(words)) => format!("observed: {words}"),
        Verdict::Taken(Making::CannotRun(shown)) => format!("cannot run: {shown:?}"),
        Verdict::Taken(Making::AsWritten) => "as written".to_owned(),
        Verdict::Malformed(words) => format!("malformed: {words}"),
    };
    (words, asked)
}

fn check(server: &Server, expect: &str, most: usize) {
    let (words, asked) = made(server, &plain());
    assert!(words.contains(expect) && asked <= most, "{words:?} after {asked}, where {expect:?} is right");
}

fn has(spec: &Value, source: &str) -> bool {
    spec["volumes"].as_array().into_iter().flatten().any(|volume| !volume[source].is_null())
}

fn has_installer(spec: &Value) -> bool {
    spec["initContainers"].is_array()
}

#[test]
fn an_init_container_comes_after_image_volumes_and_observation_last() {
    let refusing = |refuse| Server { refuse, ..Server::new() };
    check(&refusing(|_| None), "ImageVolume, live true", 1);
    check(&refusing(|spec| has(spec, "image").then_some("no images")), "InitContainer, live true", 3);
    check(&refusing(|spec| has(spec, "projected").then_some("no tokens")), "ImageVolume, live false", 4);
    let either = |spec: &Value| (has(spec, "image") || has(spec, "projected")).then_some("no");
    check(&refusing(either), "InitContainer, live false", 5);
    let any = |spec: &Value| {
        let images = has(spec, "image").then_some("no images");
        images.or(has_installer(spec).then_some("no more containers"))
    };
    let expect = "observed: by an image volume: no images; by an init container: no more containers";
    check(&refusing(any), expect, 5);
    // A server that has image volumes switched off drops them.
    let server = Server { knows_image_volumes: false, ..Server::new() };
    check(&server, "InitContainer, live true", 3);
}

/// A server as before, where the runner has yet to be seen to run.
fn untried(refuse: fn(&Value) -> Option<&'static str>) -> Server {
    let mut server = Server { refuse, ..Server::new() };
    server.supply.proven.clear();
    server
}

#[test]
fn a_runner_that_nobody_has_seen_run_is_tried_out_where_that_is_let_in() {
    check(&untried(|_| None), "TestedVolume, live true", 1);
    check(&untried(|spec| has_installer(spec).then_some("no more containers")), "ImageVolume, live true", 3);
    check(&untried(|spec| has(spec, "image").then_some("no images")), "InitContainer, live true", 4);
    check(&untried(|spec| has(spec, "projected").then_some("no tokens")), "TestedVolume, live false", 5);
    check(&untried(|_| Some("exceeded quota")), "TestedVolume, live true", 2);
    let server = Server { knows_image_volumes: false, ..untried(|_| None) };
    check(&server, "InitContainer, live true", 3);
    let any = |spec: &Value| (has(spec, "image") || has_installer(spec)).then_some("no");
    check(&untried(any), "observed: by an image volume: no; by an init container: no", 7);
}

#[test]
fn what_was_seen_to_run_has_the_server_asked_once_more_and_is_tried_out_no_more() {
    let mut server = untried(|_| None);
    let memory = Locked::new(Memory::default());
    let workload = plain();
    let mut ask = |proven| {
        server.supply.proven = proven;
        let verdict = ask_in(&server, &workload, &memory);
        let Verdict::Taken(Making::WithRunner { runner, .. }) = verdict else { panic!("{verdict:?}") };
        (runner.delivery, runner.containers, server.asked.lock().len())
    };
    assert_eq!(ask(BTreeSet::new()), (Delivery::TestedVolume, 2, 1));
    assert_eq!(ask(BTreeSet::new()), (Delivery::TestedVolume, 2, 1));
    // Of another runtime class this template's Pods show nothing.
    let mut more: Vec<Proven> = proven().into_iter().collect();
    more[0].runtime_class = "kata".to_owned();
    assert_eq!(ask(more.into_iter().collect()), (Delivery::TestedVolume, 2, 1));
    assert_eq!(ask(proven()), (Delivery::ImageVolume, 1, 2));
    assert_eq!(ask(proven()), (Delivery::ImageVolume, 1, 2));
}

#[test]
fn a_pod_that_nobody_lets_in_has_not_its_runner_to_blame() {
    let full = Server { refuse: |_| Some("exceeded quota"), ..Server::new() };
    check(&full, "ImageVolume, live true", 2);
}

#[test]
fn while_a_quota_is_full_the_form_is_taken_that_nothing_else_refuses() {
    let full = |refuse: fn(&Value) -> Option<&'static str>| Server { refuse, ..Server::new() };
    let refusing = full(|spec| Some(if has(spec, "image") { "no images" } else { "exceeded quota" }));
    check(&refusing, "InitContainer, live true", 3);
    let refusing = full(|spec| Some(if has(spec, "projected") { "no tokens" } else { "exceeded quota" }));
    check(&refusing, "ImageVolume, live false", 4);
    // A quota's use changes from one question to the next.
    let moving = full(|spec| {
        let with_installer = if has_installer(spec) { "exceeded quota: 9" } else { "exceeded quota: 7" };
        Some(if has(spec, "image") { "no images" } else { with_installer })
    });
    check(&moving, "InitContainer, live true", 3);
    let mut server = untried(|spec| {
        Some(if has_installer(spec) && has(spec, "image") { "no more containers" } else { "exceeded quota" })
    });
    check(&server, "ImageVolume, live true", 3);
    // What the server does not know never comes into a Pod, and what nobody can tell is tried as before.
    server = Server { knows_image_volumes: false, ..full(|_| Some("exceeded quota")) };
    check(&server, "InitContainer, live true", 3);
    server.supply.deliveries = vec![Delivery::ImageVolume];
    check(&server, "observed: the API server does not know image volumes", 5);
    let each_its_own = full(|spec| {
        let of_installer = if has_installer(spec) { "no root" } else { "exceeded quota" };
        Some(if has(spec, "image") { "no images" } else { of_installer })
    });
    check(&each_its_own, "ImageVolume, live true", 5);
}

#[test]
fn what_was_found_out_is_asked_again_where_a_real_pod_is_refused() {
    let mut server = Server::new();
    let memory = Locked::new(Memory::default());
    let workload = plain();
    let revision = Desired::from_spec(&workload.spec, 0).unwrap().asked.name;
    let delivery = |server: &Server| {
        let verdict = ask_in(server, &workload, &memory);
        let Verdict::Taken(Making::WithRunner { runner, .. }) = verdict else { panic!("{verdict:?}") };
        (runner.delivery, server.asked.lock().len())
    };
    assert_eq!(delivery(&server), (Delivery::ImageVolume, 1));
    server.refuse = |spec| has(spec, "image").then_some("no images");
    assert_eq!(delivery(&server), (Delivery::ImageVolume, 1));
    memory.lock().revisions.doubt(&revision, "no images", server.now);
    assert_eq!(delivery(&server), (Delivery::InitContainer, 4));
    server.now = Timestamp::from_second(30).unwrap();
    memory.lock().revisions.doubt(&revision, "no images", server.now);
    assert_eq!(delivery(&server), (Delivery::InitContainer, 4));
}

#[test]
fn the_logs_are_shared_by_all_containers_that_the_api_server_shows() {
    let mesh = |spec: &mut Value| spec["containers"].as_array_mut().unwrap().push(json!({"name": "proxy"}));
    let containers = |add: fn(&mut Value), delivery| {
        let mut server = Server { add, ..Server::new() };
        server.supply.deliveries = vec![delivery];
        let (verdict, asked) = admitted(&server, &plain(), false);
        assert_eq!(asked, 1);
        let Verdict::Taken(Making::WithRunner { runner, .. }) = verdict else { panic!("{verdict:?}") };
        runner.containers
    };
    assert_eq!(containers(|_| {}, Delivery::ImageVolume), 1);
    assert_eq!(containers(mesh, Delivery::ImageVolume), 2);
    assert_eq!(containers(mesh, Delivery::InitContainer), 3);
}

fn nodes(architectures: &[&str]) -> BTreeSet<NodeKind> {
    let node = |name: &&str| NodeKind { architecture: (*name).to_owned(), taints: BTreeSet::new() };
    architectures.iter().map(node).collect()
}

#[test]
fn a_pod_that_may_land_on_another_architecture_is_observed() {
    let mut server = Server::new();
    server.supply.nodes = nodes(&["amd64", "arm64"]);
    check(&server, "observed: Pods may land on nodes of arm64", 1);
    let pinned = web(("nodeSelector", json!({"kubernetes.io/arch": "amd64"})));
    assert_eq!(made(&server, &pinned), ("ImageVolume, live true".to_owned(), 2));
    // The template has a place for the runner, and others make of its Pods what they make.
    let to_arm = |spec: &mut Value| spec["nodeSelector"] = json!({"kubernetes.io/arch": "arm64"});
    let server = Server { add: to_arm, ..Server::new() };
    check(&server, "observed: Pods may land on nodes of arm64", 1);
    let windows = web(("nodeSelector", json!({"kubernetes.io/os": "windows"})));
    assert!(made(&Server::new(), &windows).0.starts_with("observed: spec.template.spec sends"));
}

#[test]
fn where_a_namespace_narrows_its_nodes_the_narrowed_ones_count() {
    let to_amd = |spec: &mut Value| spec["nodeSelector"] = json!({"kubernetes.io/arch": "amd64"});
    let mut server = Server { add: to_amd, ..Server::new() };
    server.supply.nodes = nodes(&["amd64", "arm64"]);
    check(&server, "ImageVolume, live true", 2);
}

/// What is found out of a new revision in a pass that remembers what passes before it have found out.
fn ask_in(server: &Server, workload: &HookedWorkload, memory: &Locked<Memory>) -> Verdict {
    let subject = Subject::of(workload, &mut memory.lock());
    let revision = Desired::from_spec(&workload.spec, 0).unwrap().asked;
    let status = HookedWorkloadStatus::default();
    let before = Committed { version: "1".to_owned(), status, ledger: Ledger::default() };
    block_on(admit(server, &subject, &before, &revision, memory)).unwrap().verdict
}

#[test]
fn other_nodes_have_the_server_asked_again() {
    let mut server = Server::new();
    let memory = Locked::new(Memory::default());
    let workload = plain();
    let mut ask = |nodes| {
        server.supply.nodes = nodes;
        let verdict = ask_in(&server, &workload, &memory);
        (matches!(verdict, Verdict::Taken(Making::WithRunner { .. })), server.asked.lock().len())
    };
    assert_eq!(ask(nodes(&["amd64"])), (true, 1));
    assert_eq!(ask(nodes(&["amd64"])), (true, 1));
    assert_eq!(ask(nodes(&["amd64", "arm64"])), (false, 2));
    assert_eq!(ask(nodes(&["amd64"])), (true, 3));
}

#[test]
fn a_template_without_a_place_for_the_runner_is_checked_all_the_same() {
    let mut object = serde_json::to_value(web(("volumes", json!([{"name": "hooked-runner"}])))).unwrap();
    object["spec"]["template"]["spec"]["containers"][0]["imagee"] = json!("web:1");
    let object = serde_json::from_value(object).unwrap();
    let (words, _) = made(&Server::new(), &object);
    assert!(words.starts_with("malformed: spec.template.spec.containers[0].imagee"), "{words}");
}

/// The pull secrets that Pods name where the operator was told of the Secret `ours`, whose Pods would have these.
fn named(secret: u16, own: &Value, add: fn(&mut Value)) -> Result<Vec<String>, String> {
    let mut server = Server { add, secret, ..Server::new() };
    server.supply.pull_secret = Some("ours".to_owned());
    match admitted(&server, &web(("imagePullSecrets", own.clone())), false).0 {
        Verdict::Taken(Making::WithRunner { runner: Runner { pull_secrets, .. }, .. }) => Ok(pull_secrets),
        verdict => Err(format!("{verdict:?}")),
    }
}

#[test]
fn a_pull_secret_of_ours_is_added_to_those_that_a_pod_would_have() {
    let of_account = |spec: &mut Value| {
        if spec["imagePullSecrets"].as_array().is_none_or(Vec::is_empty) {
            spec["imagePullSecrets"] = json!([{"name": "account"}]);
        }
    };
    for secret in [200, 403] {
        assert_eq!(named(secret, &Value::Null, |_| {}).unwrap(), ["ours"]);
        assert_eq!(named(secret, &Value::Null, of_account).unwrap(), ["account", "ours"]);
        assert_eq!(named(secret, &json!([]), of_account).unwrap(), ["account", "ours"]);
        assert_eq!(named(secret, &json!([{"name": "own"}]), of_account).unwrap(), ["own", "ours"]);
        assert_eq!(named(secret, &json!([{"name": "ours"}]), of_account).unwrap(), ["ours"]);
    }
    let missing = named(404, &Value::Null, of_account).unwrap_err();
    assert!(missing.contains("is not in namespace shop: create it there"), "{missing}");
}

#[test]
fn a_missing_pull_secret_keeps_no_template_from_being_checked() {
    let malformed: fn(&Value) -> Option<&'static str> =
        |spec| (spec["hostname"] == "web").then_some("spec.hostname: Invalid value");
    let mut server = Server { malformed, secret: 404, ..Server::new() };
    server.supply.pull_secret = Some("ours".to_owned());
    check(&server, "malformed: spec.hostname: Invalid value", 2);
    // The template is asked about as soon as any other that is refused.
    let memory = Locked::new(Memory::default());
    ask_in(&server, &plain(), &memory);
    let until = memory.lock().revisions.admissions.values().next().unwrap().until;
    assert_eq!(until, Timestamp::from_second(30).ok());
    server.malformed = |_| None;
    check(&server, "observed: the Secret ours", 6);
    server.refuse = |_| Some("exceeded quota");
    check(&server, "observed: the Secret ours", 8);
}

/// When the API server is asked again, and by which Secrets Pods are pulled then, where the template names these, and
/// the service account names first those of `before` and then those of `after`.
fn renewed(own: &Value, before: fn(&mut Value), after: fn(&mut Value)) -> (Vec<i64>, Vec<String>) {
    let mut server = Server { add: before, ..Server::new() };
    server.supply.pull_secret = Some("ours".to_owned());
    let memory = Locked::new(Memory::default());
    let workload = web(("imagePullSecrets", own.clone()));
    let mut times = Vec::new();
    let mut secrets = Vec::new();
    while times.len() < 3 {
        let verdict = ask_in(&server, &workload, &memory);
        let Verdict::Taken(Making::WithRunner { runner, .. }) = verdict else { panic!("{verdict:?}") };
        secrets = runner.pull_secrets;
        let until = memory.lock().revisions.admissions.values().next().unwrap().until;
        let Some(until) = until else { break };
        times.push(until.as_second());
        (server.now, server.add) = (until, after);
    }
    (times, secrets)
}

#[test]
fn the_secrets_of_a_service_account_are_looked_at_again() {
    let old = |spec: &mut Value| spec["imagePullSecrets"] = json!([{"name": "old"}]);
    let new = |spec: &mut Value| spec["imagePullSecrets"] = json!([{"name": "new"}]);
    let own = json!([{"name": "own"}]);
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(renewed(&Value::Null, old, new), (vec![600, 1200, 1800], named(&["new", "ours"])));
    // Of a service account that has just been made a controller may be about to say more.
    assert_eq!(renewed(&Value::Null, |_| {}, new), (vec![60, 660, 1260], named(&["new", "ours"])));
    assert_eq!(renewed(&Value::Null, |_| {}, |_| {}), (vec![60, 660, 1260], named(&["ours"])));
    assert_eq!(renewed(&own, |_| {}, |_| {}), (vec![], named(&["own", "ours"])));
}
