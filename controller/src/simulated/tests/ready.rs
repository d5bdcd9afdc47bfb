//! What `/readyz` says while operators lead, wait, and hear nothing.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use hooked_simulation::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::simulated::cluster::Cluster;
use crate::simulated::fate::Fate;
use crate::simulated::operator::Operator;

/// How long anything may take: no test depends on how fast the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// An operator that is asked for its readiness.
struct Asked {
    address: SocketAddr,
    _operator: Operator,
}

impl Asked {
    fn start(cluster: &Cluster, name: &str) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let health = format!("--health-probe-bind-address={address}");
        Self { address, _operator: Operator::start(cluster, name, &[&health, "--leader-elect"]) }
    }

    /// The whole answer; empty while nobody listens yet.
    async fn answer(&self, path: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(self.address).await {
            let request = format!("GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.read_to_string(&mut answer).await.unwrap();
        }
        answer
    }

    async fn until(&self, code: u16, line: &str) {
        let mut last = String::new();
        let said = async {
            while !(last.starts_with(&format!("HTTP/1.1 {code} ")) && last.contains(line)) {
                tokio::time::sleep(PAUSE).await;
                last = self.answer("/readyz?verbose").await;
            }
        };
        let said = tokio::time::timeout(PATIENCE, said).await;
        assert!(said.is_ok(), "not {code} and {line:?}, but {last}");
    }
}

fn is_lease(request: &Request) -> bool {
    request.path.contains("/leases")
}

#[tokio::test]
async fn who_leads_is_ready_once_all_is_listed_and_who_waits_is_ready_while_it_is_heard() {
    let cluster = Cluster::new();
    cluster.decide(|request| if is_lease(request) { Fate::Refused(500) } else { Fate::Answered });
    let first = Asked::start(&cluster, "first");
    first.until(503, "[-]lease failed").await;
    cluster.decide(|request| {
        let is_list = request.path.ends_with("/hookedworkloads");
        if is_list { Fate::Refused(403) } else { Fate::Answered }
    });
    first.until(503, "[-]caches failed: HookedWorkloads of all namespaces are not listed yet").await;
    let second = Asked::start(&cluster, "second");
    second.until(200, "[+]lease ok: another operator leads").await;
    cluster.decide(|_| Fate::Answered);
    first.until(200, "[+]caches ok").await;
    assert!(first.answer("/readyz").await.ends_with("\r\n\r\nok"), "in a word where nobody asks for more");
    cluster.decide(|request| if is_lease(request) { Fate::Refused(500) } else { Fate::Answered });
    second.until(503, "[-]lease failed").await;
}
