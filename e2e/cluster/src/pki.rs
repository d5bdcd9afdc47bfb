//! The cluster's keys and certificates, made anew at each start.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::endpoints::Endpoints;
use crate::layout::Layout;

/// An identity that the API server grants rights to: its user name, its group, and the files' name.
struct Client<'a> {
    file: &'a str,
    user: &'a str,
    group: Option<&'a str>,
}

/// A certificate and its key, as PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// The certificate authority, and the directory that all files are written to.
pub(crate) struct Pki {
    authority: CertifiedIssuer<'static, KeyPair>,
    directory: PathBuf,
}

impl Pki {
    /// Makes the authority, the certificates that are served, and the keys of service accounts.
    pub(crate) fn create(layout: &Layout, endpoints: &Endpoints) -> Result<Self> {
        let directory = layout.pki();
        fs::create_dir_all(&directory)?;
        let mut params = params("hooked-ca", None, Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let pki = Self { authority: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?, directory };
        write(&pki.file("ca.crt"), &pki.authority.pem())?;
        write(&pki.file("ca.key"), &pki.authority.key().serialize_pem())?;
        let service_accounts = KeyPair::generate()?;
        write(&pki.file("service-accounts.key"), &service_accounts.serialize_pem())?;
        write(&pki.file("service-accounts.pub"), &service_accounts.public_key_pem())?;
        pki.serve("apiserver", api_server_names(endpoints))?;
        pki.serve("kubelet", vec![layout.node(), endpoints.node.to_string(), "127.0.0.1".into()])?;
        let kubelet_client = Client {
            file: "apiserver-kubelet-client",
            user: "kube-apiserver-kubelet-client",
            group: Some("system:masters"),
        };
        pki.write_pair(kubelet_client.file, &pki.client(&kubelet_client)?)?;
        Ok(pki)
    }

    /// A certificate that proves to be `user`, a member of `group`.
    pub(crate) fn identity(&self, user: &str, group: Option<&str>) -> Result<Pair> {
        self.client(&Client { file: "", user, group })
    }

    pub(crate) fn authority(&self) -> String {
        self.authority.pem()
    }

    fn client(&self, client: &Client) -> Result<Pair> {
        let mut params = params(client.user, client.group, Vec::new())?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn serve(&self, name: &str, names: Vec<String>) -> Result<()> {
        let mut params = params(name, None, names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.write_pair(name, &self.sign(params)?)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Pair> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.authority)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    fn write_pair(&self, name: &str, pair: &Pair) -> Result<()> {
        write(&self.file(&format!("{name}.crt")), &pair.certificate)?;
        write(&self.file(&format!("{name}.key")), &pair.key)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Valid for as long as any machine will keep such a cluster; a clock that is off does not matter.
fn params(name: &str, group: Option<&str>, names: Vec<String>) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    Ok(params)
}

fn api_server_names(endpoints: &Endpoints) -> Vec<String> {
    let names = [
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ];
    let addresses = [endpoints.node.to_string(), endpoints.kubernetes.to_string(), "127.0.0.1".to_owned()];
    names.map(str::to_owned).into_iter().chain(addresses).collect()
}

/// Writes a file that only its owner reads, since most of these hold keys.
pub(crate) fn write(file: &Path, contents: &str) -> Result<()> {
    let opened = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(file);
    opened
        .and_then(|mut open| open.write_all(contents.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))
}
