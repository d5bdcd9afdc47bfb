//! The health check for Argo CD, held to its test cases, which are in Argo CD's own format: they run there too, as
//! `resource_customizations/hooked.dev/HookedWorkload`.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs;
use std::path::{Path, PathBuf};

use mlua::{Lua, LuaSerdeExt};
use serde_json::Value;

fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/argocd")
}

fn read(file: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(place().join(file)).unwrap()).unwrap()
}

/// What the script says of an object. Argo CD opens no more of Lua's libraries than these to it.
fn health_of(object: &Value) -> Value {
    let libraries = mlua::StdLib::TABLE | mlua::StdLib::STRING | mlua::StdLib::MATH;
    let lua = Lua::new_with(libraries, mlua::LuaOptions::default()).unwrap();
    lua.globals().set("obj", lua.to_value(object).unwrap()).unwrap();
    let script = fs::read_to_string(place().join("health.lua")).unwrap();
    lua.from_value(lua.load(script).eval().unwrap()).unwrap()
}

#[test]
fn argo_cd_sees_of_each_case_what_it_is_to_see() {
    let cases = read("health_test.yaml");
    let cases = cases["tests"].as_array().unwrap();
    for case in cases {
        let input = case["inputPath"].as_str().unwrap();
        assert_eq!(health_of(&read(input)), case["healthStatus"], "{input}");
    }
    let inputs = fs::read_dir(place().join("testdata")).unwrap().count();
    assert_eq!(inputs, cases.len(), "each input has one case");
}

#[test]
fn every_health_of_argo_cd_that_a_workload_can_have_is_tried() {
    let cases = read("health_test.yaml");
    let tried = |health: &str| {
        let mut cases = cases["tests"].as_array().unwrap().iter();
        cases.any(|case| case["healthStatus"]["status"] == health)
    };
    for health in ["Healthy", "Progressing", "Degraded", "Suspended"] {
        assert!(tried(health), "{health} is never tried");
    }
}
