//! What the API server makes of an applied workload, beside a Deployment.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookedWorkload, custom_resource_definition};
use hooked_e2e::{Security, Space, in_namespace};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, Status};
use serde_json::{Map, Value, json};

/// Workloads or Deployments, as the API server has them and not as they are decoded.
fn objects(space: &Space, kind: &ApiResource) -> Api<DynamicObject> {
    Api::namespaced_with(space.cluster.client.clone(), &space.name, kind)
}

fn workloads() -> ApiResource {
    ApiResource::erase::<HookedWorkload>(&())
}

fn deployments() -> ApiResource {
    ApiResource::erase::<Deployment>(&())
}

fn manifest(kind: &ApiResource, spec: &Value) -> Value {
    json!({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "web"}, "spec": spec})
}

/// Server-side apply by an applier of that name.
async fn apply(
    space: &Space,
    kind: &ApiResource,
    by: &PatchParams,
    spec: &Value,
) -> Result<Value, Box<Status>> {
    match objects(space, kind).patch("web", by, &Patch::Apply(manifest(kind, spec))).await {
        Ok(object) => Ok(object.data["spec"].clone()),
        Err(kube::Error::Api(status)) => Err(status),
        Err(error) => Err(Box::new(Status::failure(&error.to_string(), "NoAnswer"))),
    }
}

fn by(applier: &str) -> PatchParams {
    PatchParams { field_manager: Some(applier.to_owned()), ..PatchParams::default() }
}

/// A spec with something in the template.
fn spec(pod: &Value, container: &Value) -> Value {
    let web = json!({"name": "web", "image": "nginx", "imagePullPolicy": "IfNotPresent"});
    let mut spec = json!({
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [web]}},
    });
    let template = &mut spec["template"]["spec"];
    merge(&mut template["containers"][0], container);
    merge(template, pod);
    spec
}

fn merge(into: &mut Value, fields: &Value) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        into[name] = value.clone();
    }
}

/// A value that the schema of a required field takes.
fn some(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("object") => Value::Object(required(schema)),
        Some("array") => json!([some(&schema["items"])]),
        Some("boolean") => json!(true),
        Some("string") => schema["enum"].get(0).cloned().unwrap_or_else(|| json!("x")),
        _ => json!(1),
    }
}

/// The required fields of an object.
fn required(schema: &Value) -> Map<String, Value> {
    let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(|name| (name.to_owned(), some(&schema["properties"][name]))).collect()
}

/// For each object below `schema` a value of `schema` in which all optional fields of that object are null, and where.
fn with_nulls(schema: &Value, path: &str) -> Vec<(String, Value)> {
    if let Some(items) = schema.get("items") {
        let below = with_nulls(items, &format!("{path}[]"));
        return below.into_iter().map(|(path, value)| (path, json!([value]))).collect();
    }
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let required = required(schema);
    let mut nulls = required.clone();
    for name in properties.keys() {
        nulls.entry(name.clone()).or_insert(Value::Null);
    }
    let mut all = vec![(path.to_owned(), Value::Object(nulls))];
    for (name, property) in properties {
        for (path, value) in with_nulls(property, &format!("{path}.{name}")) {
            let mut whole = required.clone();
            whole.insert(name.clone(), value);
            all.push((path, Value::Object(whole)));
        }
    }
    all
}

#[tokio::test]
async fn null_is_taken_for_every_optional_field_as_of_a_deployment() -> Result<()> {
    in_namespace("nulls", Security::Baseline, async |space| {
        let definition = serde_json::to_value(custom_resource_definition()?)?;
        let schema = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
        let cases = with_nulls(schema.context("no schema")?, "spec");
        ensure!(cases.len() > 100, "{} objects", cases.len());
        let mut refused = Vec::new();
        for (path, spec) in cases {
            // Most are refused for what they are made of: only what is said of nulls counts.
            if let Err(status) = apply(space, &workloads(), &by("a").dry_run(), &spec).await
                && (status.code != 422 || status.message.contains("null"))
            {
                refused.push(format!("{path}: {} {}", status.code, status.message));
            }
        }
        ensure!(refused.is_empty(), "{}", refused.join("\n"));
        // Deployments take a whole manifest of them; so does everybody else who creates one.
        let pod =
            json!({"volumes": null, "nodeSelector": null, "securityContext": null, "tolerations": null});
        let container =
            json!({"env": null, "ports": null, "resources": null, "lifecycle": {"preStop": null}});
        let mut whole = spec(&pod, &container);
        merge(
            &mut whole,
            &json!({"replicas": null, "strategy": {"type": null, "rollingUpdate": null}, "paused": null}),
        );
        for kind in [workloads(), deployments()] {
            let taken = apply(space, &kind, &by("a"), &whole).await;
            let taken = taken.map_err(|status| anyhow::anyhow!("{} {}", kind.kind, status.message))?;
            ensure!(taken["replicas"] == 1, "{taken}");
        }
        space.until_ready("web").await?;
        Ok(())
    })
    .await
}

/// The lists that appliers share, after what several of them have asked for.
async fn shared_lists(space: &Space, kind: &ApiResource) -> Result<Value> {
    let first = spec(
        &json!({"imagePullSecrets": [{"name": "a"}]}),
        &json!({"env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}]}),
    );
    let second = json!({"template": {"spec": {
        "imagePullSecrets": [{"name": "b"}],
        "containers": [{
            "name": "web", "env": [{"name": "B", "value": "2"}, {"name": "C", "value": null}],
            "ports": [{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 443}],
        }],
    }}});
    let said = |status: Box<Status>| anyhow::anyhow!("{}: {} {}", kind.kind, status.code, status.message);
    apply(space, kind, &by("a"), &first).await.map_err(said)?;
    apply(space, kind, &by("b"), &second).await.map_err(said)?;
    let other = json!({"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "A", "value": "9"}]}]}}});
    let conflict = apply(space, kind, &by("c"), &other).await.err().context("nobody minded")?;
    ensure!(conflict.code == 409 && conflict.message.contains("env[name=\"A\"].value"), "{conflict:?}");
    // What an applier no longer asks for goes, and what others ask for stays.
    let less = json!({"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "B", "value": "2"}]}]}}});
    let spec = apply(space, kind, &by("b"), &less).await.map_err(said)?;
    let web = &spec["template"]["spec"]["containers"][0];
    Ok(json!([web["env"], web["ports"], spec["template"]["spec"]["imagePullSecrets"]]))
}

#[tokio::test]
async fn appliers_share_env_ports_and_pull_secrets_as_of_a_deployment() -> Result<()> {
    in_namespace("appliers", Security::Baseline, async |space| {
        let (theirs, ours) =
            (shared_lists(space, &deployments()).await?, shared_lists(space, &workloads()).await?);
        ensure!(theirs == ours, "Deployment: {theirs}\nHookedWorkload: {ours}");
        ensure!(ours[0].as_array().is_some_and(|env| env.len() == 2), "{ours}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_doublet_is_refused_with_its_place_and_two_names_of_an_address_are_not() -> Result<()> {
    in_namespace("doublets", Security::Baseline, async |space| {
        let create = async |spec: &Value| {
            let object: DynamicObject = serde_json::from_value(manifest(&workloads(), spec))?;
            let dry_run = PostParams { dry_run: true, ..PostParams::default() };
            objects(space, &workloads())
                .create(&dry_run, &object)
                .await
                .map(drop)
                .map_err(anyhow::Error::from)
        };
        let twice = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]);
        let refused =
            create(&spec(&json!({}), &json!({"env": twice}))).await.err().context("it was taken")?;
        ensure!(format!("{refused:#}").contains("spec.template.spec.containers[0].env[1]"), "{refused:#}");
        let aliases =
            json!([{"ip": "127.0.0.1", "hostnames": ["a"]}, {"ip": "127.0.0.1", "hostnames": ["b"]}]);
        create(&spec(&json!({"hostAliases": aliases}), &json!({}))).await
    })
    .await
}

#[tokio::test]
async fn fields_that_are_newer_than_the_schema_are_kept() -> Result<()> {
    in_namespace("newer", Security::Baseline, async |space| {
        let newer = json!({"newer": {"deep": [{"a": 1}]}});
        let mut asked = spec(&newer, &newer);
        let container = &mut asked["template"]["spec"]["containers"][0];
        container["lifecycle"] = json!({"preStop": {"newer": {"path": "/"}}});
        container["env"] = json!([{"name": "A", "newer": true}]);
        let taken = apply(space, &workloads(), &by("a").dry_run(), &asked).await;
        let taken = taken.map_err(|status| anyhow::anyhow!("{}", status.message))?;
        ensure!(taken["template"] == asked["template"], "{taken}");
        Ok(())
    })
    .await
}
