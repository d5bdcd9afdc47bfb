//! Writes the files by which clients find the API server and prove who they are.

use std::path::Path;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::pki::{Pair, Pki, write};

/// Writes a kubeconfig that holds everything itself, so that it can be copied and merged.
pub(crate) fn write_kubeconfig(
    file: &Path,
    name: &str,
    server: &str,
    pki: &Pki,
    identity: &Pair,
) -> Result<()> {
    write(file, &render(name, server, &pki.authority(), identity))
}

fn render(name: &str, server: &str, authority: &str, identity: &Pair) -> String {
    let [authority, certificate, key] =
        [authority, &identity.certificate, &identity.key].map(|pem| STANDARD.encode(pem));
    format!(
        "\
apiVersion: v1
kind: Config
current-context: {name}
contexts:
- name: {name}
  context: {{cluster: {name}, user: {name}}}
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: {name}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"
    )
}
