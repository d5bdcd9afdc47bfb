//! Where the runner is put into Pods, and where it is not because they would be worse off.

use hooked_protocol::{CHECK, RUNNER_PATH, go_architecture};
use hooked_simulation::{ContentType, Method, Request};
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, WORKLOADS, World};
use crate::simulated::fate::Fate;
use crate::simulated::manifests::workload;
use crate::simulated::operator::Operator;

/// Has a node tell its architecture, and that it mounts images.
fn tell(cluster: &Cluster, node: &str, architecture: &str) {
    let info = json!({
        "architecture": architecture, "operatingSystem": "linux", "kubeletVersion": "v1.36.3",
        "containerRuntimeVersion": "containerd://2.2.0",
    });
    let status = json!({"status": {"nodeInfo": info}});
    let path = format!("/api/v1/nodes/{node}/status");
    cluster.ask(&Request::patch(&*path, ContentType::MergePatch, status));
}

/// Asks for a workload of one Pod with that in its Pod's spec, and returns the Pod's spec once the Pod serves.
async fn pod_of(cluster: &Cluster, name: &str, more: Value) -> Value {
    let mut object = workload(name, 1);
    for (field, value) in more.as_object().unwrap() {
        object["spec"]["template"]["spec"][field] = value.clone();
    }
    cluster.ask(&Request::create(WORKLOADS, object));
    cluster.wait_for_status(name, "its Pod serves", |status| status.ready_replicas == 1).await;
    let of_workload = |world: &World| {
        let pod = world.pods().find(|pod| pod["metadata"]["labels"]["app"] == *name)?;
        Some(pod["spec"].clone())
    };
    cluster.wait("its Pod", of_workload).await
}

/// Waits until a condition of the workload says that the runner is not there, with these words.
async fn wait_until_told(cluster: &Cluster, name: &str, words: &str) {
    cluster
        .wait_for_status(name, words, |status| {
            let mut conditions = status.conditions.iter();
            conditions.any(|known| known.reason == "RunnerUnavailable" && known.message.contains(words))
        })
        .await;
}

/// How the runner has come into a Pod.
fn delivery(spec: &Value) -> &'static str {
    let volumes = spec["volumes"].as_array().map_or(&[][..], Vec::as_slice);
    let runner = volumes.iter().find(|volume| volume["name"] == "hooked-runner");
    match runner {
        None => "none",
        Some(volume) if volume["image"].is_object() => "image volume",
        Some(_) => "init container",
    }
}

#[tokio::test]
async fn a_pod_that_may_land_on_another_architecture_has_no_runner() {
    let cluster = Cluster::new();
    tell(&cluster, "n1", "amd64");
    tell(&cluster, "n2", "arm64");
    let _operator = Operator::start(&cluster, "a", &["--runner-architectures=amd64"]);
    assert_eq!(delivery(&pod_of(&cluster, "any", json!({})).await), "none");
    wait_until_told(&cluster, "any", "may land on nodes of arm64").await;
    let pinned = json!({"nodeSelector": {"kubernetes.io/arch": "amd64"}});
    assert_eq!(delivery(&pod_of(&cluster, "pinned", pinned).await), "image volume");
    let windows = json!({"nodeSelector": {"kubernetes.io/os": "windows"}});
    assert_eq!(delivery(&pod_of(&cluster, "windows", windows).await), "none");
    wait_until_told(&cluster, "windows", "is for linux only").await;
}

#[tokio::test]
async fn an_image_for_all_architectures_goes_everywhere() {
    let cluster = Cluster::new();
    tell(&cluster, "n1", "amd64");
    tell(&cluster, "n2", "arm64");
    let _operator = Operator::start(&cluster, "a", &["--runner-architectures=amd64,arm64"]);
    assert_eq!(delivery(&pod_of(&cluster, "any", json!({})).await), "image volume");
}

/// Whether the Pod tries the runner out before anything of the user's starts.
fn tries_out(spec: &Value) -> bool {
    spec["initContainers"][0]["command"] == json!([RUNNER_PATH, CHECK])
}

#[tokio::test]
async fn a_runner_is_tried_out_until_a_pod_has_shown_that_it_runs() {
    let cluster = Cluster::new();
    let own = go_architecture(std::env::consts::ARCH);
    tell(&cluster, "n1", own);
    tell(&cluster, "n2", own);
    let first = Operator::start(&cluster, "a", &[]);
    let spec = pod_of(&cluster, "early", json!({})).await;
    assert_eq!((delivery(&spec), tries_out(&spec)), ("image volume", true));
    let spec = pod_of(&cluster, "late", json!({})).await;
    assert_eq!((delivery(&spec), &spec["initContainers"]), ("image volume", &Value::Null));
    // One workload waits for nothing that another has shown, and is asked about once more.
    for replicas in 2..=4 {
        cluster.merge(&format!("{WORKLOADS}/early"), json!({"spec": {"replicas": replicas}}));
        cluster.wait_for_status("early", "it is scaled", |status| status.ready_replicas == replicas).await;
    }
    let of_early = |world: &World| {
        let pods = world.pods().filter(|pod| pod["metadata"]["labels"]["app"] == "early");
        Some(pods.filter(|pod| tries_out(&pod["spec"])).count())
    };
    assert_eq!(cluster.wait("its Pods", of_early).await, 1);
    let questions =
        cluster.log().iter().filter(|sent| sent.is_dry_run && sent.path.ends_with("/pods")).count();
    assert_eq!(questions, 3, "two for one, and one for the other");
    // The next operator knows it of the Pods that are there.
    first.crash().await;
    let _next = Operator::start(&cluster, "b", &[]);
    assert!(!tries_out(&pod_of(&cluster, "later", json!({})).await));
    // What runs elsewhere was never seen to run there.
    let sandboxed = pod_of(&cluster, "sandboxed", json!({"runtimeClassName": "kata"})).await;
    assert_eq!(delivery(&sandboxed), "init container");
}

#[tokio::test]
async fn where_nodes_may_not_be_listed_the_template_alone_decides() {
    let cluster = Cluster::new();
    tell(&cluster, "n1", "arm64");
    tell(&cluster, "n2", "arm64");
    let is_list = |request: &Request| request.method == Method::Get && request.path == "/api/v1/nodes";
    cluster.decide(move |request| if is_list(request) { Fate::Refused(403) } else { Fate::Answered });
    let _operator = Operator::start(&cluster, "a", &["--runner-architectures=amd64"]);
    assert_eq!(delivery(&pod_of(&cluster, "any", json!({})).await), "init container");
    let pinned = json!({"nodeSelector": {"kubernetes.io/arch": "arm64"}});
    assert_eq!(delivery(&pod_of(&cluster, "pinned", pinned).await), "none");
    // It is not asked about in every pass.
    let lists = cluster.log().iter().filter(|sent| sent.path == "/api/v1/nodes").count();
    assert_eq!(lists, 1);
}

#[tokio::test]
async fn where_a_policy_refuses_image_volumes_an_init_container_comes() {
    let cluster = Cluster::new();
    tell(&cluster, "n1", "amd64");
    tell(&cluster, "n2", "amd64");
    let has_image = |request: &Request| {
        let spec = request.body.as_ref().map(|body| &body["spec"]);
        request.path.ends_with("/pods") && spec.is_some_and(|spec| delivery(spec) == "image volume")
    };
    cluster.decide(move |request| if has_image(request) { Fate::Refused(403) } else { Fate::Answered });
    let _operator = Operator::start(&cluster, "a", &["--runner-architectures=amd64"]);
    assert_eq!(delivery(&pod_of(&cluster, "web", json!({})).await), "init container");
}

/// Whether it is a Pod that a dry run is about, or a real one.
fn is_new_pod(request: &Request, has_runner: impl Fn(&str) -> bool) -> bool {
    let spec = request.body.as_ref().map(|body| &body["spec"]);
    let is_create = request.method == Method::Post && request.path.ends_with("/pods");
    is_create && spec.is_some_and(|spec| has_runner(delivery(spec)))
}

#[tokio::test]
async fn a_policy_that_comes_later_has_later_pods_made_in_another_form() {
    let cluster = Cluster::new();
    tell(&cluster, "n1", "amd64");
    tell(&cluster, "n2", "amd64");
    let _operator = Operator::start(&cluster, "a", &["--runner-architectures=amd64"]);
    assert_eq!(delivery(&pod_of(&cluster, "web", json!({})).await), "image volume");
    let is_refused = |request: &Request| is_new_pod(request, |delivery| delivery == "image volume");
    cluster.decide(move |request| if is_refused(request) { Fate::Refused(403) } else { Fate::Answered });
    cluster.merge(&format!("{WORKLOADS}/web"), json!({"spec": {"replicas": 2}}));
    cluster.wait_for_status("web", "the second Pod serves", |status| status.ready_replicas == 2).await;
    let forms: Vec<&str> = cluster.shared.world.lock().pods().map(|pod| delivery(&pod["spec"])).collect();
    assert!(forms.contains(&"init container"), "{forms:?}");
}

#[tokio::test]
async fn a_quota_that_stays_full_has_the_server_asked_once_more_and_no_oftener() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    pod_of(&cluster, "web", json!({})).await;
    let is_refused = |request: &Request| is_new_pod(request, |_| true);
    cluster.decide(move |request| if is_refused(request) { Fate::Refused(403) } else { Fate::Answered });
    let before = cluster.log().len();
    cluster.merge(&format!("{WORKLOADS}/web"), json!({"spec": {"replicas": 2}}));
    let asked = |is_dry_run: bool| {
        move |world: &World| {
            let refused = world.log[before..].iter().filter(|sent| sent.code == 403);
            refused.filter(|sent| sent.is_dry_run == is_dry_run).count()
        }
    };
    let creates = asked(false);
    cluster.wait("it is tried twice", |world| (creates(world) >= 2).then_some(())).await;
    let questions = asked(true);
    let at_first = questions(&cluster.shared.world.lock());
    assert!((1..=4).contains(&at_first), "{at_first}");
    cluster.wait("it is tried once more", |world| (creates(world) >= 3).then_some(())).await;
    assert_eq!(questions(&cluster.shared.world.lock()), at_first);
}

#[tokio::test]
async fn where_every_form_of_the_runner_is_refused_pods_are_as_written() {
    let cluster = Cluster::new();
    let has_runner = |request: &Request| {
        let spec = request.body.as_ref().map(|body| &body["spec"]);
        request.path.ends_with("/pods") && spec.is_some_and(|spec| delivery(spec) != "none")
    };
    cluster.decide(move |request| if has_runner(request) { Fate::Refused(403) } else { Fate::Answered });
    let _operator = Operator::start(&cluster, "a", &[]);
    assert_eq!(delivery(&pod_of(&cluster, "web", json!({})).await), "none");
    wait_until_told(&cluster, "web", "the test refuses it").await;
}

#[tokio::test]
async fn the_runner_comes_from_the_operators_own_image_unless_it_is_told() {
    let cluster = Cluster::new();
    let first = Operator::start_untold(&cluster, "hooked-1", &[]);
    assert_eq!(delivery(&pod_of(&cluster, "early", json!({})).await), "none");
    wait_until_told(&cluster, "early", "name one in --runner-image").await;
    first.crash().await;
    let pod = json!({"metadata": {"name": "hooked-1", "namespace": "hooked-system"},
        "spec": {"containers": [{"name": "controller", "image": "registry.example/hooked:7"}]}});
    cluster.ask(&Request::create("/api/v1/namespaces/hooked-system/pods", pod));
    let _next = Operator::start_untold(&cluster, "hooked-1", &[]);
    let spec = pod_of(&cluster, "late", json!({})).await;
    assert_eq!(spec["initContainers"][0]["image"], "registry.example/hooked:7");
}

#[tokio::test]
async fn a_pull_secret_that_is_not_in_the_namespace_is_told_and_then_named() {
    let cluster = Cluster::new();
    let first = Operator::start(&cluster, "a", &["--runner-pull-secret=pull"]);
    assert_eq!(delivery(&pod_of(&cluster, "early", json!({})).await), "none");
    wait_until_told(&cluster, "early", "is not in namespace shop: create it there").await;
    first.crash().await;
    let secret = json!({"metadata": {"name": "pull", "namespace": "shop"}});
    cluster.ask(&Request::create("/api/v1/namespaces/shop/secrets", secret));
    let _next = Operator::start(&cluster, "b", &["--runner-pull-secret=pull"]);
    let own = json!({"imagePullSecrets": [{"name": "own"}]});
    let spec = pod_of(&cluster, "late", own).await;
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "own"}, {"name": "pull"}]));
}

#[tokio::test]
async fn a_pod_that_asks_for_nothing_asks_for_nothing_with_the_runner() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &["--injection=InitContainer"]);
    let spec = pod_of(&cluster, "web", json!({})).await;
    assert_eq!(delivery(&spec), "init container");
    assert!(spec["initContainers"][0]["resources"].as_object().is_none_or(serde_json::Map::is_empty));
}
