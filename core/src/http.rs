//! The way to the portal: reqwest over rustls with ring, TLS 1.3, and only the roots that the app configures.

use crate::error::{Error, Result};
use crate::ports::{Answer, PortFuture, Request, Transport};
use crate::secret::SecretBytes;
use reqwest::{Client, Method, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;
use std::time::Duration;

/// Where the portal is and whom to trust.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// `https://host:port`.
    pub base_url: String,
    /// Trusted roots, PEM; the system's are not used.
    pub roots_pem: Vec<u8>,
}

/// HTTPS to one portal.
pub struct HttpTransport {
    client: Client,
    base_url: String,
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

const MAX_ANSWER: usize = 64 * 1024 * 1024;

impl HttpTransport {
    /// [`Error::TlsRefused`] if there is no usable root; [`Error::BadRequest`] if the address is not https.
    pub fn new(config: &HttpConfig) -> Result<Self> {
        if !config.base_url.starts_with("https://") {
            return Err(Error::BadRequest);
        }
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&config.roots_pem) {
            roots.add(certificate.map_err(|_| Error::TlsRefused)?).map_err(|_| Error::TlsRefused)?;
        }
        if roots.is_empty() {
            return Err(Error::TlsRefused);
        }
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|_| Error::Internal)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(20))
            .no_proxy()
            .build()
            .map_err(|_| Error::Internal)?;
        Ok(Self { client, base_url: config.base_url.trim_end_matches('/').to_owned() })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> PortFuture<'_, Result<Answer>> {
        Box::pin(async move {
            let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| Error::Internal)?;
            let mut builder = self.client.request(method, format!("{}{}", self.base_url, request.target));
            for (name, value) in request.headers {
                builder = builder.header(name, value);
            }
            let mut response =
                builder.body(request.body.expose().to_vec()).send().await.map_err(|fault| fault_of(&fault))?;
            let headers = response.headers().iter();
            let headers =
                headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
            let (status, headers) = (response.status().as_u16(), headers.collect());
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|fault| fault_of(&fault))? {
                if body.len() + chunk.len() > MAX_ANSWER {
                    return Err(Error::AnswerTooLarge);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Answer { status, headers, body: SecretBytes::new(body) })
        })
    }
}

/// A certificate that is not trusted is no outage.
fn fault_of(fault: &reqwest::Error) -> Error {
    let mut source: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(fault);
    while let Some(inner) = source {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return match tls {
                rustls::Error::InvalidCertificate(_) => Error::TlsRefused,
                _ => Error::Offline,
            };
        }
        let nested = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        source = nested.map(|nested| nested as &(dyn std::error::Error + 'static)).or_else(|| inner.source());
    }
    Error::Offline
}
