//! An operator for a runner to speak with: real TLS on a real socket, and what it does said by a test.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hooked_protocol::{
    ADDRESS_FILE, AUTHORITIES_FILE, FromOperator, Hello, Proof, Record, TOKEN_FILE, parse,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the operator gives those that it believes.
pub(crate) const PROOF: Proof = Proof([0x5a; 32]);

/// Who vouches for certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// How a server that has this name proves it.
    fn server(&self, name: &str) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap()
    }
}

/// A server that lives as long as the test.
pub(crate) struct Operator {
    pub(crate) address: SocketAddr,
}

impl Operator {
    /// Accepts connections, and does with each of them as told, in a thread of its own. What goes wrong with one is the
    /// runner's doing or its end: the test sees what it missed.
    pub(crate) fn serve(
        listener: TcpListener,
        authority: &Authority,
        name: &str,
        conversation: impl Fn(Conversation) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (config, conversation) = (Arc::new(authority.server(name)), Arc::new(conversation));
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (config, conversation) = (config.clone(), conversation.clone());
                std::thread::spawn(move || {
                    let Ok(socket) = socket else { return };
                    let _ = conversation(Conversation::new(socket, config));
                });
            }
        });
        Self { address }
    }
}

/// One connection.
pub(crate) struct Conversation {
    stream: BufReader<StreamOwned<ServerConnection, TcpStream>>,
}

impl Conversation {
    fn new(socket: TcpStream, config: Arc<ServerConfig>) -> Self {
        // Nothing in a test takes longer.
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        socket.set_nodelay(true).unwrap();
        let tls = ServerConnection::new(config).unwrap();
        Self { stream: BufReader::new(StreamOwned::new(tls, socket)) }
    }

    /// The socket beneath the encryption.
    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        &mut self.stream.get_mut().sock
    }

    /// The next line. An error if there is none.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if line.ends_with('\n') { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    pub(crate) fn hello(&mut self) -> io::Result<Hello> {
        Hello::parse(&self.line()?).map_err(io::Error::other)
    }

    /// The record of the end.
    pub(crate) fn ended(&mut self) -> io::Result<Record> {
        let line = self.line()?;
        parse(&line).into_iter().next().ok_or_else(|| io::Error::other(line))
    }

    pub(crate) fn say(&mut self, frame: &FromOperator) -> io::Result<()> {
        self.say_bytes(frame.to_line().ok_or(io::ErrorKind::InvalidInput)?.as_bytes())
    }

    pub(crate) fn say_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)?;
        self.stream.get_mut().flush()
    }

    /// Believes, and takes what the runner has to tell.
    pub(crate) fn believe(&mut self) -> io::Result<(Hello, Record)> {
        let hello = self.hello()?;
        self.say(&FromOperator::Welcome { proof: PROOF })?;
        let ended = self.ended()?;
        self.say(&FromOperator::Taken)?;
        // Until the runner closes, so that nothing is lost on the way.
        let _ = self.line();
        Ok((hello, ended))
    }
}

/// Writes what a Pod's volume holds.
pub(crate) fn write_volume(directory: &Path, address: &str, authorities: &str) {
    fs::create_dir_all(directory).unwrap();
    for (file, content) in [(TOKEN_FILE, "a.b.c\n"), (ADDRESS_FILE, address), (AUTHORITIES_FILE, authorities)]
    {
        fs::write(directory.join(file), content).unwrap();
    }
}

/// A port of this machine.
pub(crate) fn listen() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).unwrap()
}
