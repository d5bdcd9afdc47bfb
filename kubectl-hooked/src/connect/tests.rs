//! Connecting as it is done: a kubeconfig in a file, and a proxy that listens.

use std::path::{Path, PathBuf};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A kubeconfig with two contexts, in a file that goes with it.
struct File(PathBuf);

impl File {
    fn new(name: &str, proxy: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kubectl-hooked-{}-{name}", std::process::id()));
        let text = format!(
            "{{clusters: [{{name: one, cluster: {{server: 'http://cluster.invalid:8001'{proxy}}}}}, \
                          {{name: two, cluster: {{server: 'http://two.invalid'}}}}], \
              users: [{{name: jane, user: {{token: t}}}}], \
              contexts: [{{name: a, context: {{cluster: one, user: jane, namespace: shop}}}}, \
                         {{name: b, context: {{cluster: two, user: jane}}}}], current-context: a}}"
        );
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn flags(&self) -> ClusterFlags {
        ClusterFlags { kubeconfig: Some(self.0.clone()), ..ClusterFlags::default() }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Another run writes another.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What is read up to the empty line that ends a head.
async fn head(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

/// A proxy that lets one through, and then is the cluster. Returns what it was asked as both.
async fn proxy(listener: TcpListener) -> (String, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let connect = head(&mut stream).await;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let request = head(&mut stream).await;
    let version = r#"{"major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "",
        "buildDate": "", "goVersion": "", "compiler": "", "platform": ""}"#;
    let length = version.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{version}"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    (connect, request)
}

#[tokio::test]
async fn a_proxy_of_the_kubeconfig_is_gone_through_with_its_password_and_as_whom_a_flag_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let file = File::new("proxy", &format!(", proxy-url: 'http://me:pass@{address}'"));
    let groups = vec!["dev".to_owned(), "ops".to_owned()];
    let flags =
        ClusterFlags { impersonate: Some("joe".to_owned()), impersonate_groups: groups, ..file.flags() };
    let through = tokio::spawn(proxy(listener));
    let connection = connect(&flags).await.unwrap();
    assert_eq!(connection.namespace, "shop");
    assert_eq!(connection.client.apiserver_version().await.unwrap().git_version, "v1.36.3");
    let (connect, request) = through.await.unwrap();
    let (connect, request) = (connect.to_lowercase(), request.to_lowercase());
    assert!(connect.starts_with("connect cluster.invalid:8001 "), "{connect}");
    // me:pass
    assert!(connect.contains("proxy-authorization: basic bwu6cgfzcw=="), "{connect}");
    assert!(request.starts_with("get /version "), "{request}");
    for header in ["user: joe", "group: dev", "group: ops"] {
        assert!(request.contains(&format!("impersonate-{header}\r\n")), "{request}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_after_the_request_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let file = File::new("timeout", "");
    let server = Some(format!("http://{}", listener.local_addr().unwrap()));
    let request_timeout = std::time::Duration::from_millis(50);
    let connection = connect(&ClusterFlags { server, request_timeout, ..file.flags() }).await.unwrap();
    assert!(connection.client.apiserver_version().await.is_err());
}

async fn check(flags: ClusterFlags, expect: &str) {
    let said = match config(&flags, |_| None).await {
        Ok(config) => config.cluster_url.to_string(),
        Err(error) => error.to_string(),
    };
    assert!(said.starts_with(expect), "{said}, but {expect} was expected");
}

#[tokio::test]
async fn flags_choose_the_context_the_cluster_and_the_user() {
    let file = File::new("choose", "");
    let name = |name: &str| Some(name.to_owned());
    check(file.flags(), "http://cluster.invalid:8001/").await;
    check(ClusterFlags { context: name("b"), ..file.flags() }, "http://two.invalid/").await;
    check(ClusterFlags { cluster: name("two"), ..file.flags() }, "http://two.invalid/").await;
    check(ClusterFlags { server: name("https://10.0.0.1"), ..file.flags() }, "https://10.0.0.1/").await;
    let flags = format!("--kubeconfig {} --cluster three cannot be used: ", file.0.display());
    check(ClusterFlags { cluster: name("three"), ..file.flags() }, &flags).await;
    let absent = Path::new("/nowhere/config");
    let flags = ClusterFlags { kubeconfig: Some(absent.to_owned()), ..ClusterFlags::default() };
    check(flags, "--kubeconfig /nowhere/config cannot be used: ").await;
}
