//! The way to the portal: reqwest over rustls with ring, TLS 1.3, only the roots that the app configures, and pins.
//!
//! Whoever answers is not trusted to be the portal, or to be kind: an answer is bounded in size and time, is taken as it
//! comes (no decoding, no redirect), and everything else is a typed fault.

mod spki_pin;

use crate::error::{Error, Result};
use crate::ports::{Answer, AnswerKind, FileSink, PortFuture, Request, Transport};
use crate::secret::SecretBytes;
use reqwest::header::CONTENT_ENCODING;
use reqwest::{Client, Method, Response, redirect};
use rustls::AlertDescription;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use spki_pin::PinnedVerifier;
use std::sync::Arc;
use std::time::Duration;

/// Where the portal is and whom to trust.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// `https://host:port`.
    pub base_url: String,
    /// Trusted roots, PEM; the system's are not used.
    pub roots_pem: Vec<u8>,
    /// SHA-256 of a DER SubjectPublicKeyInfo each (RFC 7469 §2.4). One of them has to be the key of a certificate in the
    /// portal's verified chain, root included; several are backups of each other. Empty: the roots alone decide.
    pub pins: Vec<[u8; 32]>,
}

/// How long the transport waits. What takes longer is [`Error::Offline`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the next bytes of an answer.
    pub read: Duration,
    /// For a whole request whose answer is a message, however diligently it drips.
    pub message: Duration,
    /// For a whole request whose answer is a file.
    pub file: Duration,
}

impl Deadlines {
    /// Connect 10 s, read 20 s, message 60 s, file 10 min.
    pub const DEFAULT: Self = Self {
        connect: Duration::from_secs(10),
        read: Duration::from_secs(20),
        message: Duration::from_secs(60),
        file: Duration::from_secs(600),
    };
}

impl Default for Deadlines {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// HTTPS to one portal.
pub struct HttpTransport {
    client: Client,
    base_url: String,
    deadlines: Deadlines,
}

impl HttpConfig {
    /// The host that signatures are bound to, with the port unless it is 443 (RFC 9421 §2.2.3).
    /// [`Error::BadRequest`] for anything but `https://host` or `https://host:port`.
    pub fn authority(base_url: &str) -> Result<String> {
        let url = reqwest::Url::parse(base_url).map_err(|_| Error::BadRequest)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let has_user = !url.username().is_empty() || url.password().is_some();
        match url.host_str() {
            Some(host) if url.scheme() == "https" && is_bare && !has_user => {
                Ok(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
            }
            _ => Err(Error::BadRequest),
        }
    }
}

impl HttpTransport {
    /// [`Error::TlsRefused`] if there is no usable root; [`Error::BadRequest`] if the address is not https.
    pub fn new(config: &HttpConfig) -> Result<Self> {
        Self::with_deadlines(config, Deadlines::DEFAULT)
    }

    /// Like [`HttpTransport::new`], for networks that need other deadlines.
    pub fn with_deadlines(config: &HttpConfig, deadlines: Deadlines) -> Result<Self> {
        if !config.base_url.starts_with("https://") {
            return Err(Error::BadRequest);
        }
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&config.roots_pem) {
            roots.add(certificate.map_err(|_| Error::TlsRefused)?).map_err(|_| Error::TlsRefused)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            PinnedVerifier::new(roots, Arc::clone(&provider), config.pins.clone()).map_err(|_| Error::TlsRefused)?;
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|_| Error::Internal)?
            // `dangerous` in general; this verifier asks for more than the default one.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .redirect(redirect::Policy::none())
            .connect_timeout(deadlines.connect)
            .read_timeout(deadlines.read)
            .no_proxy()
            .build()
            .map_err(|_| Error::Internal)?;
        Ok(Self { client, base_url: config.base_url.trim_end_matches('/').to_owned(), deadlines })
    }

    fn deadline(&self, kind: AnswerKind) -> Duration {
        match kind {
            AnswerKind::Message => self.deadlines.message,
            AnswerKind::File => self.deadlines.file,
            AnswerKind::Stream(length) => {
                self.deadlines.file.saturating_add(Duration::from_secs(length / SLOWEST_BYTES_A_SECOND))
            }
        }
    }

    async fn respond(&self, request: Request) -> Result<Response> {
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| Error::Internal)?;
        let mut builder = self.client.request(method, format!("{}{}", self.base_url, request.target));
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        let sent = builder.timeout(self.deadline(request.answer)).body(request.body.expose().to_vec()).send();
        sent.await.map_err(|fault| fault_of(&fault))
    }
}

/// A file that comes more slowly than this, on the whole, is somebody who drips.
const SLOWEST_BYTES_A_SECOND: u64 = 64 * 1024;

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> PortFuture<'_, Result<Answer>> {
        Box::pin(async move {
            let max_len = request.answer.max_len();
            let mut body = Vec::new();
            let mut answer = read(self.respond(request).await?, max_len, |piece| {
                body.extend_from_slice(piece);
                Ok(())
            })
            .await?;
            answer.body = SecretBytes::new(body);
            Ok(answer)
        })
    }

    fn stream<'a>(&'a self, request: Request, sink: &'a dyn FileSink) -> PortFuture<'a, Result<Answer>> {
        Box::pin(async move {
            let max_len = request.answer.max_len();
            let response = self.respond(request).await?;
            if response.status().is_success() {
                return read(response, max_len, |piece| sink.write(piece)).await;
            }
            let mut refusal = Vec::new();
            let mut answer = read(response, AnswerKind::Message.max_len(), |piece| {
                refusal.extend_from_slice(piece);
                Ok(())
            })
            .await?;
            answer.body = SecretBytes::new(refusal);
            Ok(answer)
        })
    }
}

/// Hands the answer's body on, counting. An encoded one could be anything once decoded: nobody asked for it.
async fn read(mut response: Response, max_len: usize, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<Answer> {
    let status = response.status().as_u16();
    if response.headers().contains_key(CONTENT_ENCODING) {
        return Err(Error::UnexpectedAnswer { status });
    }
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).map_or(true, |announced| announced > max_len) {
        return Err(Error::AnswerTooLarge);
    }
    let headers = response.headers().iter();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let headers = headers.collect();
    let mut left = max_len;
    while let Some(chunk) = response.chunk().await.map_err(|fault| fault_of(&fault))? {
        left = left.checked_sub(chunk.len()).ok_or(Error::AnswerTooLarge)?;
        take(&chunk)?;
    }
    Ok(Answer { status, headers, body: SecretBytes::new(Vec::new()) })
}

/// Waiting helps where nobody was reached. It does not where somebody was who is not the portal, or speaks otherwise.
fn fault_of(fault: &reqwest::Error) -> Error {
    let mut source: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(fault);
    while let Some(inner) = source {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return tls_fault(tls);
        }
        if inner.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return Error::UnexpectedAnswer { status: 0 };
        }
        let nested = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        source = nested.map(|nested| nested as &(dyn std::error::Error + 'static)).or_else(|| inner.source());
    }
    Error::Offline
}

fn tls_fault(fault: &rustls::Error) -> Error {
    use AlertDescription::{HandshakeFailure, InsufficientSecurity, ProtocolVersion};
    match fault {
        rustls::Error::InvalidCertificate(_)
        | rustls::Error::NoCertificatesPresented
        | rustls::Error::PeerIncompatible(_)
        | rustls::Error::PeerMisbehaved(_)
        | rustls::Error::InvalidMessage(_)
        | rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. }
        | rustls::Error::AlertReceived(ProtocolVersion | HandshakeFailure | InsufficientSecurity) => Error::TlsRefused,
        _ => Error::Offline,
    }
}
