//! Prints the `CustomResourceDefinition` of HookedWorkloads as YAML: `cargo xtask generate` keeps it in `config/crd`.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

fn main() -> Result<(), hooked_crd::SchemaError> {
    print!("{}", hooked_crd::custom_resource_definition_yaml()?);
    Ok(())
}
