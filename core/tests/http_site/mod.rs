//! Sites that misbehave on purpose, and the authority that certifies them.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData};
use ring::digest::{SHA256, digest};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, ServerConfig, SupportedProtocolVersion};

/// A root, and perhaps an intermediate below it.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: Option<CertifiedIssuer<'static, KeyPair>>,
}

/// A site's certificate, what it sends along, and its key.
pub struct Leaf {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let root = CertifiedIssuer::self_signed(issuer("root"), KeyPair::generate().unwrap()).unwrap();
        Self { root, intermediate: None }
    }

    pub fn with_intermediate() -> Self {
        let authority = Self::new();
        let key = KeyPair::generate().unwrap();
        let intermediate = CertifiedIssuer::signed_by(issuer("intermediate"), key, &authority.root).unwrap();
        Self { intermediate: Some(intermediate), ..authority }
    }

    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    pub fn root_der(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    pub fn root_pin(&self) -> [u8; 32] {
        pin(self.root.key())
    }

    pub fn intermediate_pin(&self) -> [u8; 32] {
        pin(self.intermediate.as_ref().unwrap().key())
    }

    pub fn leaf(&self, host: &str) -> Leaf {
        self.leaf_with(host, |_| ())
    }

    pub fn leaf_with(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(vec![host.to_owned()]).unwrap();
        change(&mut leaf);
        let signed = leaf.signed_by(&key, self.intermediate.as_ref().unwrap_or(&self.root)).unwrap();
        let between = self.intermediate.iter().map(|issuer| issuer.der().clone());
        Leaf { chain: [CertificateDer::from(signed)].into_iter().chain(between).collect(), key }
    }
}

impl Leaf {
    pub fn pin(&self) -> [u8; 32] {
        pin(&self.key)
    }

    pub fn tls13(&self) -> Arc<ServerConfig> {
        self.server(&TLS13)
    }

    pub fn tls12(&self) -> Arc<ServerConfig> {
        self.server(&TLS12)
    }

    fn server(&self, version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        Arc::new(builder.with_no_client_auth().with_single_cert(self.chain.clone(), key).unwrap())
    }
}

fn issuer(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// RFC 7469 §2.4, by rcgen's own encoding of the key.
fn pin(key: &KeyPair) -> [u8; 32] {
    digest(&SHA256, &key.subject_public_key_info()).as_ref().try_into().unwrap()
}

/// What a site says to every request.
#[derive(Clone)]
pub enum Reply {
    /// These bytes, and it hangs up.
    Bytes(Vec<u8>),
    /// `head`, then `chunk` until the other side hangs up.
    Endless { head: Vec<u8>, chunk: Vec<u8> },
    /// `head`, then `piece` every few milliseconds for ever.
    Drip { head: Vec<u8>, piece: &'static [u8] },
    /// `head`, and then it keeps the connection and is silent.
    Silence { head: Vec<u8> },
}

/// A listening site. It ends with the test's runtime.
pub struct Site {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    sent: watch::Receiver<Option<usize>>,
}

impl Site {
    /// TLS 1.3 with a certificate for `localhost` that `authority` vouches for.
    pub async fn trusted(authority: &Authority, reply: Reply) -> Self {
        Self::tls(authority.leaf("localhost").tls13(), reply).await
    }

    pub async fn tls(config: Arc<ServerConfig>, reply: Reply) -> Self {
        Self::listen(Some(TlsAcceptor::from(config)), reply).await
    }

    /// No TLS: it answers to the first bytes.
    pub async fn raw(reply: Reply) -> Self {
        Self::listen(None, reply).await
    }

    /// What was asked, from the method to the end of the headers.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// How many bytes of a reply left before the other side hung up.
    pub async fn sent(&self) -> usize {
        self.sent.clone().wait_for(Option::is_some).await.unwrap().unwrap()
    }

    async fn listen(acceptor: Option<TlsAcceptor>, reply: Reply) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (told, sent) = watch::channel(None);
        let (told, noted) = (Arc::new(told), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, reply) = (acceptor.clone(), reply.clone());
                let (told, noted) = (Arc::clone(&told), Arc::clone(&noted));
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                told.send_replace(Some(serve(stream, reply, &noted).await));
                            }
                        }
                        None => {
                            told.send_replace(Some(serve(stream, reply, &noted).await));
                        }
                    }
                });
            }
        });
        Self { port, requests, sent }
    }
}

/// Reads one request, or the first bytes of something else, and replies. Returns how many bytes of the reply left.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, reply: Reply, noted: &Mutex<Vec<String>>) -> usize {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let Ok(1..) = stream.read(&mut buffer).await.inspect(|len| request.extend_from_slice(&buffer[..*len])) else {
            return 0;
        };
        let is_tls = request.first() == Some(&22);
        if is_tls || request.windows(4).any(|window| window == b"\r\n\r\n") {
            break;
        }
    }
    noted.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
    let mut sent = 0;
    match reply {
        Reply::Bytes(bytes) => {
            stream.write_all(&bytes).await.ok();
            stream.shutdown().await.ok();
            bytes.len()
        }
        Reply::Endless { head, chunk } => {
            stream.write_all(&head).await.ok();
            while stream.write_all(&chunk).await.is_ok() {
                sent += chunk.len();
            }
            sent
        }
        Reply::Drip { head, piece } => {
            stream.write_all(&head).await.ok();
            let mut pace = tokio::time::interval(Duration::from_millis(2));
            while stream.write_all(piece).await.is_ok() && stream.flush().await.is_ok() {
                sent += piece.len();
                pace.tick().await;
            }
            sent
        }
        Reply::Silence { head } => {
            stream.write_all(&head).await.ok();
            stream.flush().await.ok();
            // Until the other side hangs up.
            while let Ok(1..) = stream.read(&mut buffer).await {}
            head.len()
        }
    }
}
