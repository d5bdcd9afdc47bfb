//! A Prometheus on this machine alone, ended when it is dropped.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// How long it may take to be ready.
const START: Duration = Duration::from_secs(60);

/// A running Prometheus.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts Debian's, which lies beside its promtool, with a configuration, in a place of its own.
    pub(crate) fn start(promtool: &Path, place: &Path, config: &Value) -> Result<Self> {
        fs::create_dir_all(place)?;
        let file = place.join("prometheus.json");
        fs::write(&file, config.to_string())?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = fs::File::create(place.join("log"))?;
        let child = Command::new(promtool.with_file_name("prometheus"))
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", place.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            // What was made up lies at one moment for ever, and nothing in it says that a series has ended.
            .arg("--query.lookback-delta=90s")
            .args(["--storage.tsdb.retention.time=100y", "--query.max-samples=200000000"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("cannot start prometheus")?;
        let mut server = Self { child, address };
        server.until_ready(place)?;
        Ok(server)
    }

    fn until_ready(&mut self, place: &Path) -> Result<()> {
        let began = Instant::now();
        while get(self.address, "/-/ready").is_err() {
            let ended = self.child.try_wait()?;
            if ended.is_some() || began.elapsed() > START {
                bail!("prometheus does not get ready; see {}", place.join("log").display());
            }
            sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks its API, and returns the data of the answer.
    pub(crate) fn ask(&self, what: &str, asked: &[(&str, &str)]) -> Result<Value> {
        let asked: Vec<String> =
            asked.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
        let text = get(self.address, &format!("/api/v1/{what}?{}", asked.join("&")))?;
        let answer: Value = serde_json::from_str(&text)?;
        ensure!(answer["status"] == "success", "{}: {answer}", asked.join(" "));
        Ok(answer["data"].clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The body of what a server on this machine answers. HTTP/1.0 has it in one piece, and then the end.
fn get(address: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP")?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    // An error of the API has a body that says what is wrong.
    ensure!(status == "200" || body.starts_with('{'), "{path}: {head}");
    Ok(body.to_owned())
}

/// As a part of a URL's query.
fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let encode = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}
