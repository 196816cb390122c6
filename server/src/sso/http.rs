//! The way to a provider: https only, no redirect followed, bounded in time and size.

use openidconnect::http::Response;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

/// No message of a provider is longer.
const MAX_ANSWER: usize = 512 * 1024;
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);

/// HTTPS to any provider.
#[derive(Debug, Clone)]
pub struct Https(Client);

/// What happened on the way; holds no address and nothing of an answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpFault {
    /// The roots or the TLS provider cannot be used; the text says which.
    #[error("{0}")]
    SetUp(String),
    /// It could not be sent or was not answered.
    #[error("{0}")]
    Request(String),
    /// The answer is longer than any that a provider gives.
    #[error("the answer is too large")]
    TooLarge,
}

impl Https {
    /// `roots` is a PEM file; without it the system's roots hold.
    pub fn new(roots: Option<&Path>) -> Result<Self, HttpFault> {
        let set_up = |fault: &dyn std::fmt::Display| HttpFault::SetUp(fault.to_string());
        // Building a client without one panics.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let mut builder = Client::builder()
            .https_only(true)
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .no_proxy();
        if let Some(roots) = roots {
            let pem = std::fs::read(roots).map_err(|fault| set_up(&format!("{}: {fault}", roots.display())))?;
            let roots = Certificate::from_pem_bundle(&pem).map_err(|fault| set_up(&fault))?;
            builder = builder.tls_certs_only(roots);
        }
        Ok(Self(builder.build().map_err(|fault| set_up(&fault))?))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpFault> {
        let failed = |fault: reqwest::Error| HttpFault::Request(fault.without_url().to_string());
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let mut answer = self.0.execute(request).await.map_err(failed)?;
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(HttpFault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        response.body(body).map_err(|fault| HttpFault::Request(fault.to_string()))
    }
}

impl<'c> AsyncHttpClient<'c> for Https {
    type Error = HttpFault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpFault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
