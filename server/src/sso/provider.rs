//! What a provider says of itself (OpenID Connect Discovery 1.0) and its signing keys, kept for a while.
//!
//! Keys are fetched anew when a token names one that is unknown, at most once a minute: a provider may change its keys
//! while the portal runs, and nobody can make the portal ask all the time.

use super::Fault;
use super::http::Https;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode,
    CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, DiscoveryError, IssuerUrl, ProviderMetadata};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What is beyond Discovery and matters to us.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Beyond {
    /// Every answer of the authorisation endpoint names its issuer (RFC 9207 §3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Beyond {}

/// A provider's description of itself.
pub type Metadata = ProviderMetadata<
    Beyond,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A provider as it was last seen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its description.
    pub metadata: Arc<Metadata>,
    /// Its signing keys.
    pub keys: CoreJsonWebKeySet,
}

/// Every provider of this portal, by its issuer.
pub struct Providers {
    roots: Option<PathBuf>,
    http: OnceLock<Https>,
    known: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Known>>>>,
}

#[derive(Default)]
struct Known {
    seen: Option<Seen>,
    /// Times of the clock since boot, milliseconds.
    seen_ms: u64,
    failed_ms: Option<u64>,
    keys_again_ms: Option<u64>,
}

const KEEP_MS: u64 = 60 * 60_000;
/// A provider that did not answer is asked again after this: whoever waits meanwhile is told at once.
const REST_MS: u64 = 5_000;
const KEYS_EVERY_MS: u64 = 60_000;

impl Providers {
    /// None known yet. `roots` is a PEM file; without it the system's roots hold.
    pub fn new(roots: Option<PathBuf>) -> Self {
        Self { roots, http: OnceLock::new(), known: Mutex::default() }
    }

    /// The way to them.
    pub fn https(&self) -> Result<&Https, Fault> {
        if let Some(https) = self.http.get() {
            return Ok(https);
        }
        let made = Https::new(self.roots.as_deref()).map_err(|fault| {
            tracing::error!(%fault, "no identity provider can be reached; look at provider_roots");
            Fault::Unreachable
        })?;
        Ok(self.http.get_or_init(|| made))
    }

    /// The provider with this issuer, which it has to say itself, exactly (Discovery §4.3).
    pub async fn find(&self, issuer: &str, boot_ms: u64) -> Result<Seen, Fault> {
        let known = self.known(issuer);
        let mut known = known.lock().await;
        if let Some(seen) = known.seen.as_ref().filter(|_| boot_ms.saturating_sub(known.seen_ms) < KEEP_MS) {
            return Ok(seen.clone());
        }
        if known.failed_ms.is_some_and(|failed_ms| boot_ms.saturating_sub(failed_ms) < REST_MS) {
            return Err(Fault::Unreachable);
        }
        let url = IssuerUrl::new(issuer.to_owned()).map_err(|_| Fault::Unreachable)?;
        match Metadata::discover_async(url, self.https()?).await {
            Ok(metadata) => {
                let seen = Seen { keys: metadata.jwks().clone(), metadata: Arc::new(metadata) };
                (known.seen_ms, known.failed_ms, known.seen) = (boot_ms, None, Some(seen.clone()));
                Ok(seen)
            }
            Err(fault) => {
                known.failed_ms = Some(boot_ms);
                tracing::error!(issuer, fault = describe(&fault), "the identity provider does not describe itself");
                Err(Fault::Unreachable)
            }
        }
    }

    /// The keys once more, for a token that names an unknown one: the same as before if they were asked for a moment ago.
    pub async fn keys_again(&self, issuer: &str, boot_ms: u64) -> Result<Option<CoreJsonWebKeySet>, Fault> {
        let known = self.known(issuer);
        let mut known = known.lock().await;
        if known.keys_again_ms.is_some_and(|again_ms| boot_ms.saturating_sub(again_ms) < KEYS_EVERY_MS) {
            return Ok(known.seen.as_ref().map(|seen| seen.keys.clone()));
        }
        let Some(seen) = known.seen.clone() else { return Ok(None) };
        known.keys_again_ms = Some(boot_ms);
        match CoreJsonWebKeySet::fetch_async(seen.metadata.jwks_uri(), self.https()?).await {
            Ok(keys) => {
                known.seen = Some(Seen { keys: keys.clone(), ..seen });
                Ok(Some(keys))
            }
            Err(fault) => {
                tracing::error!(issuer, fault = describe(&fault), "the identity provider does not give its keys");
                Err(Fault::Unreachable)
            }
        }
    }

    fn known(&self, issuer: &str) -> Arc<tokio::sync::Mutex<Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(issuer.to_owned()).or_default())
    }
}

/// What is wrong, without what was answered.
fn describe(fault: &DiscoveryError<super::http::HttpFault>) -> String {
    match fault {
        DiscoveryError::Request(fault) => fault.to_string(),
        DiscoveryError::Response(status, ..) => format!("it answered {status}"),
        fault => fault.to_string(),
    }
}
