//! What of a cluster goes into a report.

use hooked_core::lifecycle::watched_ordinal;
use hooked_crd::HookedWorkload;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, ListParams, LogParams};
use kube::{Api, Resource, ResourceExt};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::bundle::Bundle;
use super::redact::{Kind, redacted};
use crate::arguments::ReportOptions;
use crate::check::{self, Installed, LABELS};
use crate::connect::Connection;
use crate::pods;
use crate::request::{Asked, Request};
use crate::version::{Server, Versions, client};

/// Lines of each log.
const LINES: i64 = 2_000;
/// Objects of each list: more than these nobody reads.
const MOST: u32 = 500;

/// Where something is listed, and how much of each object is taken.
struct List<'a> {
    namespace: &'a str,
    labels: &'a str,
    /// Of this name alone; of all if empty.
    name: &'a str,
    kind: Kind,
    asked: Asked,
}

struct Collector<'a> {
    connection: &'a Connection,
    options: &'a ReportOptions,
    bundle: Bundle,
}

/// Asks for everything.
pub(super) async fn collect(connection: &Connection, options: &ReportOptions) -> Bundle {
    let mut collector = Collector { connection, options, bundle: Bundle::default() };
    let operator = &*options.operator_namespace;
    let server = Some(Server::of(Installed::fetch(connection, operator).await));
    collector.bundle.document("versions.json", &Versions { client: client(), server });
    let findings = check::findings(connection, operator).await;
    collector.bundle.document("check.json", &findings);
    collector.definition().await;
    collector.operator(operator).await;
    collector.workloads().await;
    collector.bundle
}

impl Collector<'_> {
    /// Lists objects of a kind with all their fields; none if they may not be listed.
    async fn list<K: Resource<DynamicType = ()>>(
        &mut self,
        file: &str,
        list: &List<'_>,
    ) -> Vec<DynamicObject> {
        let List { namespace, labels, name, asked, .. } = *list;
        let request = Request { verb: "list", asked, name: "", namespace };
        let (kind, client) = (ApiResource::erase::<K>(&()), self.connection.client.clone());
        let api: Api<DynamicObject> = if namespace.is_empty() {
            Api::all_with(client, &kind)
        } else {
            Api::namespaced_with(client, namespace, &kind)
        };
        let mut parameters = ListParams::default().labels(labels).limit(MOST);
        if !name.is_empty() {
            parameters = parameters.fields(&format!("metadata.name={name}"));
        }
        match api.list(&parameters).await {
            Ok(page) => {
                if page.metadata.continue_.is_some_and(|token| !token.is_empty()) {
                    self.bundle.miss(file, &format!("it has the first {MOST} alone"));
                }
                page.items
            }
            Err(error) => {
                self.bundle.miss(file, &request.failed(&error));
                Vec::new()
            }
        }
    }

    fn keep(&mut self, file: &str, objects: &[DynamicObject], kind: Kind) {
        let kept: Result<Vec<Value>, _> = objects.iter().map(serde_json::to_value).collect();
        match kept {
            Ok(kept) => {
                let with_output = self.options.include_output;
                let kept: Vec<_> = kept.iter().map(|object| redacted(object, kind, with_output)).collect();
                self.bundle.document(file, &kept);
            }
            Err(error) => self.bundle.miss(file, &error),
        }
    }

    async fn definition(&mut self) {
        let name = "hookedworkloads.hooked.dev";
        let request = Request { verb: "get", asked: Asked::Definition, name, namespace: "" };
        let definitions: Api<CustomResourceDefinition> = Api::all(self.connection.client.clone());
        match definitions.get(name).await {
            Ok(found) => {
                let versions = found.spec.versions.iter().map(|version| {
                    let schema = serde_json::to_vec(&version.schema).unwrap_or_default();
                    let hash = format!("{:x}", Sha256::digest(&schema));
                    json!({"name": version.name, "served": version.served, "storage": version.storage, "sha256": hash})
                });
                self.bundle.document("definition.json", &versions.collect::<Vec<_>>());
            }
            Err(error) => self.bundle.miss("definition.json", &request.failed(&error)),
        }
    }

    async fn operator(&mut self, namespace: &str) {
        let kind = Kind::Operator;
        let list = List { namespace, labels: LABELS, name: "", kind, asked: Asked::Deployment };
        let deployments = self.list::<Deployment>("operator/deployments.json", &list).await;
        self.keep("operator/deployments.json", &deployments, kind);
        let list = List { asked: Asked::Pod, ..list };
        let pods = self.list::<Pod>("operator/pods.json", &list).await;
        self.keep("operator/pods.json", &pods, kind);
        let list = List { namespace, labels: "", name: "", kind: Kind::Event, asked: Asked::Event };
        let events = self.list::<Event>("operator/events.json", &list).await;
        self.keep("operator/events.json", &events, list.kind);
        for pod in &pods {
            let containers = pod.data["spec"]["containers"].as_array().cloned().unwrap_or_default();
            for container in containers.iter().filter_map(|container| container["name"].as_str()) {
                let has_previous = pod.data["status"]["containerStatuses"].as_array().into_iter().flatten();
                let mut has_previous = has_previous.filter(|status| status["name"] == container);
                let has_previous = has_previous.any(|status| status["restartCount"].as_i64() > Some(0));
                self.log(namespace, &pod.name_any(), container, false).await;
                if has_previous {
                    self.log(namespace, &pod.name_any(), container, true).await;
                }
            }
        }
    }

    async fn log(&mut self, namespace: &str, pod: &str, container: &str, previous: bool) {
        let which = if previous { "-previous" } else { "" };
        let file = format!("operator/logs/{pod}/{container}{which}.log");
        let request = Request { verb: "get", asked: Asked::Log, name: pod, namespace };
        let pods: Api<Pod> = Api::namespaced(self.connection.client.clone(), namespace);
        let container = Some(container.to_owned());
        let parameters = LogParams { container, previous, tail_lines: Some(LINES), ..LogParams::default() };
        match pods.logs(pod, &parameters).await {
            Ok(log) => self.bundle.file(&file, log.into_bytes()),
            Err(error) => self.bundle.miss(&file, &request.failed(&error)),
        }
    }

    async fn workloads(&mut self) {
        let namespace = if self.options.all_namespaces { "" } else { &*self.connection.namespace };
        let name = self.options.name.as_deref().unwrap_or_default();
        let list = List { namespace, labels: "", name, kind: Kind::Workload, asked: Asked::Workload };
        let found = self.list::<HookedWorkload>("workloads", &list).await;
        if found.is_empty() && !name.is_empty() {
            self.bundle.miss("workloads", &format!("there is none of the name {name} in {namespace}"));
        }
        for object in found {
            let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
            let place = format!("workloads/{namespace}/{name}");
            self.keep(&format!("{place}/workload.json"), std::slice::from_ref(&object), Kind::Workload);
            let uid = object.uid();
            let selector = object.data["status"]["selector"].as_str().filter(|text| !text.is_empty());
            let watches = object.data["spec"].get("workloadRef").is_some();
            // Of Pods that others make no label tells.
            let labels = if watches { String::new() } else { pods::labels(selector) };
            let list =
                List { namespace: &namespace, labels: &labels, name: "", kind: Kind::Pod, asked: Asked::Pod };
            let mut its = self.list::<Pod>(&format!("{place}/pods.json"), &list).await;
            let number = watched_ordinal(uid.as_deref().unwrap_or_default());
            its.retain(|pod| {
                let mut owners = pod.owner_references().iter();
                let is_owned = owners.any(|owner| Some(&owner.uid) == uid.as_ref());
                is_owned || watches && pod.annotations().contains_key(&number)
            });
            self.keep(&format!("{place}/pods.json"), &its, Kind::Pod);
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Cli, Command};
    use crate::report::bundle::{write_archive, write_directory};
    use crate::served::{Served, forbidden, installed};

    fn cluster() -> Served {
        Served::new(|method, path, query, body| match path {
            "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads" => (
                200,
                json!({"metadata": {}, "items": [{
                    "metadata": {"name": "web", "namespace": "shop", "uid": "w", "annotations": {"a": "CANARY"}},
                    "spec": {"template": {"spec": {"containers": [{"name": "web", "args": ["CANARY"]}]}}},
                    "status": {"recentRuns": [{"pod": "web-1", "output": "CANARY"}]},
                }]}),
            ),
            "/api/v1/namespaces/shop/pods" if method == "GET" => (
                200,
                json!({"metadata": {}, "items": [{
                    "metadata": {"name": "web-1", "ownerReferences": [{"uid": "w", "kind": "K", "name": "web", "apiVersion": "v"}]},
                    "spec": {"containers": [{"name": "web", "env": [{"name": "A", "value": "CANARY"}]}]},
                }]}),
            ),
            "/api/v1/namespaces/hooked-system/events" => forbidden(),
            _ => installed(method, path, query, body),
        })
    }

    fn options(words: &[&str]) -> ReportOptions {
        match Cli::parse_from(["kubectl-hooked", "report"].iter().chain(words)).command {
            Command::Report(options) => options,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_report_has_what_helps_no_secret_and_says_what_could_not_be_read() {
        let served = cluster();
        let files = collect(&served.connection(), &options(&[])).await.files(false);
        let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
        assert!(files.values().all(|bytes| !String::from_utf8_lossy(bytes).contains("CANARY")));
        assert!(text("workloads/shop/web/pods.json").contains("web-1"));
        assert!(text("operator/deployments.json").contains("--leader-elect"));
        assert!(text("definition.json").contains("sha256"));
        assert!(text("check.json").contains("verdict") && text("versions.json").contains("client"));
        let manifest = text("MANIFEST");
        assert!(manifest.contains("- operator/events.json: you may not list events"), "{manifest}");
        assert!(manifest.contains("- workloads/shop/web/workload.json ("), "{manifest}");
        assert_eq!(served.written(), [""; 0]);
        let asked = served.asked();
        assert!(
            !asked.iter().any(|line| line.contains("/secrets") || line.contains("/configmaps")),
            "{asked:?}"
        );
    }

    #[tokio::test]
    async fn one_workload_is_found_by_its_name_however_many_there_are() {
        let served = cluster();
        collect(&served.connection(), &options(&["web"])).await;
        let asked = served.asked();
        let is_by_name = |line: &&String| {
            line.contains("/hookedworkloads?") && line.contains("fieldSelector=metadata.name%3Dweb")
        };
        assert_eq!(asked.iter().filter(is_by_name).count(), 1, "{asked:?}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_is_written_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;

        let files = collect(&cluster().connection(), &options(&[])).await.files(false);
        let place = std::env::temp_dir().join(format!("kubectl-hooked-private-{}", std::process::id()));
        write_directory(&files, &place).unwrap();
        let archive = place.join("one.tar.gz");
        write_archive(&files, &archive).unwrap();
        let check = |path: &std::path::Path, expect: u32| {
            let mode = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, expect, "{}", path.display());
        };
        check(&place, 0o700);
        check(&archive, 0o600);
        check(&place.join("MANIFEST"), 0o600);
        std::fs::remove_dir_all(place).unwrap();
    }

    #[tokio::test]
    async fn the_same_cluster_gives_the_same_file_which_is_never_written_over() {
        let files = collect(&cluster().connection(), &options(&["web"])).await.files(false);
        let place = std::env::temp_dir().join(format!("kubectl-hooked-report-{}", std::process::id()));
        write_directory(&files, &place).unwrap();
        assert!(write_directory(&files, &place).is_err());
        let (one, other) = (place.join("one.tar.gz"), place.join("other.tar.gz"));
        write_archive(&files, &one).unwrap();
        write_archive(&files, &other).unwrap();
        assert!(write_archive(&files, &one).is_err());
        assert_eq!(std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
        std::fs::remove_dir_all(place).unwrap();
    }
}
