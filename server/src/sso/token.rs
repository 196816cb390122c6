//! From the code to what the provider says: the exchange, and everything that its ID token is checked for
//! (OpenID Connect Core §3.1.3.7).

use super::attempt::Proof;
use super::provider::Seen;
use super::settings::{NameClaim, Settings};
use super::{CALLBACK, Fault, Reason, assurance};
use crate::portal::PortalState;
use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreClient, CoreClientAuthMethod, CoreGenderClaim, CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier,
    CoreJsonWebKeySet, CoreJwsSigningAlgorithm as Alg, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, EmptyAdditionalClaims,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, Nonce, OAuth2TokenResponse, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, SignatureVerificationError, TokenResponse, UserInfoError,
};
use twinlock_core::Error;
use twinlock_core::secret::SecretText;

/// Clocks of two machines may differ by this much; a token that expired gets nothing of it.
const SKEW_MS: u64 = 60_000;
/// A token is made when the code is exchanged; an older one was kept.
const MAX_AGE_MS: u64 = 10 * 60_000;
/// Characters of a subject (OpenID Connect Core §2).
const SUBJECT: std::ops::RangeInclusive<usize> = 1..=255;

/// What a token was signed with: nothing that a client secret, which both sides know, could have made, and never nothing.
const ASYMMETRIC: [Alg; 10] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::RsaSsaPssSha384,
    Alg::RsaSsaPssSha512,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EcdsaP521Sha512,
    Alg::EdDsa,
];

/// The portal as the provider's client.
pub type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// What the provider says of somebody, checked.
pub struct Confirmed {
    /// Its name for this person, which never changes.
    pub subject: String,
    /// Whether it asserted MFA for this sign-in.
    pub is_mfa: bool,
    name: Name,
    access_token: AccessToken,
}

/// The claim that members are found by, in one place where it may stand.
enum Name {
    Given(String),
    Unverified,
    Missing,
}

/// The portal as a client of this provider.
pub fn client(portal: &PortalState, settings: &Settings, seen: &Seen) -> Result<Client, Fault> {
    let secret = settings.open_secret(portal.key_wrap.as_ref())?;
    let redirect = format!("{}{CALLBACK}", portal.config.public_url.trim_end_matches('/'));
    let redirect = RedirectUrl::new(redirect).map_err(|_| Error::Internal)?;
    // The way of RFC 6749 §2.3.1 that every provider has, unless this one says that it has only the other.
    let methods = seen.metadata.token_endpoint_auth_methods_supported();
    let is_only_body = methods.is_some_and(|methods| {
        !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
            && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
    });
    let client = CoreClient::from_provider_metadata(
        (*seen.metadata).clone(),
        ClientId::new(settings.client_id.clone()),
        Some(ClientSecret::new(secret.expose().to_owned())),
    );
    let auth_type = if is_only_body { AuthType::RequestBody } else { AuthType::BasicAuth };
    Ok(client.set_redirect_uri(redirect).set_auth_type(auth_type))
}

/// Exchanges the code and checks the token that comes for it.
pub async fn confirm(
    portal: &PortalState,
    settings: &Settings,
    seen: &Seen,
    proof: &Proof,
    code: &SecretText,
) -> Result<Confirmed, Fault> {
    let verifier = PkceCodeVerifier::new(proof.verifier.expose().to_owned());
    let client = client(portal, settings, seen)?;
    let request = client
        .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
        .map_err(|_| not_as_described("it names no token endpoint"))?
        .set_pkce_verifier(verifier);
    let answer: CoreTokenResponse =
        request.request_async(portal.providers.https()?).await.map_err(|fault| match fault {
            RequestTokenError::Request(fault) => not_as_described(&fault.to_string()),
            // Its description may say anything, so only its code is taken down.
            RequestTokenError::ServerResponse(answer) => not_exchanged(answer.error().as_ref()),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => not_exchanged("unreadable"),
        })?;
    let token = answer.id_token().ok_or_else(|| not_exchanged("no ID token"))?;
    let nonce = Nonce::new(proof.nonce.expose().to_owned());
    let claims = match verify(portal, settings, seen, seen.keys.clone(), token, &nonce) {
        Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
            let boot_ms = portal.clock.boot_ms().map_err(|_| Error::PortalUnavailable)?;
            let keys = portal.providers.keys_again(&settings.issuer, boot_ms).await?;
            verify(portal, settings, seen, keys.unwrap_or_default(), token, &nonce)
        }
        verified => verified,
    };
    let claims = claims.map_err(|fault| {
        tracing::warn!(organisation = settings.organisation, %fault, "an ID token is refused");
        Fault::Refused(Reason::Token)
    })?;
    Ok(Confirmed {
        subject: claims.subject().to_string(),
        is_mfa: assurance::is_mfa(settings, claims),
        name: name_in_token(settings.name_claim, claims),
        access_token: answer.access_token().clone(),
    })
}

impl Confirmed {
    /// The name that members are found by, from the token or else from the UserInfo endpoint (Core §5.4).
    pub async fn find_name(&self, portal: &PortalState, settings: &Settings, seen: &Seen) -> Result<String, Fault> {
        let asked;
        let name = match &self.name {
            Name::Missing => {
                asked = self.ask_for_name(portal, settings, seen).await?;
                &asked
            }
            name => name,
        };
        match name {
            Name::Given(name) => Ok(name.clone()),
            Name::Unverified => Err(Fault::Refused(Reason::EmailUnverified)),
            Name::Missing => Err(Fault::Refused(Reason::NoName)),
        }
    }

    async fn ask_for_name(&self, portal: &PortalState, settings: &Settings, seen: &Seen) -> Result<Name, Fault> {
        let client = client(portal, settings, seen)?;
        let subject = openidconnect::SubjectIdentifier::new(self.subject.clone());
        let Ok(request) = client.user_info(self.access_token.clone(), Some(subject)) else { return Ok(Name::Missing) };
        let https = portal.providers.https()?;
        let asked: Result<CoreUserInfoClaims, _> =
            request.request_async::<EmptyAdditionalClaims, _, CoreGenderClaim>(https).await;
        let claims = asked.map_err(|fault| match fault {
            UserInfoError::Request(fault) => not_as_described(&fault.to_string()),
            _ => {
                tracing::warn!(organisation = settings.organisation, "the UserInfo answer is refused");
                Fault::Refused(Reason::NoName)
            }
        })?;
        let email = claims.email().map(|email| email.as_str());
        let username = claims.preferred_username().map(|name| name.as_str());
        Ok(name_of(settings.name_claim, username, email, claims.email_verified()))
    }
}

fn verify<'a>(
    portal: &PortalState,
    settings: &Settings,
    seen: &Seen,
    keys: CoreJsonWebKeySet,
    token: &'a CoreIdToken,
    nonce: &Nonce,
) -> Result<&'a CoreIdTokenClaims, ClaimsVerificationError> {
    let other = |text: &str| ClaimsVerificationError::Other(text.to_owned());
    let now_ms = portal.now_ms().map_err(|_| other("no time"))?;
    let now = i64::try_from(now_ms).ok().and_then(DateTime::from_timestamp_millis).ok_or_else(|| other("no time"))?;
    let announced = seen.metadata.id_token_signing_alg_values_supported();
    let algorithms = ASYMMETRIC.into_iter().filter(|algorithm| announced.contains(algorithm));
    let client_id = ClientId::new(settings.client_id.clone());
    // A verifier that does not know the client secret cannot take it for a key.
    let verifier = CoreIdTokenVerifier::new_public_client(client_id, seen.metadata.issuer().clone(), keys)
        .set_allowed_algs(algorithms)
        .set_time_fn(move || now)
        .set_issue_time_verifier_fn(|at| is_between(at, now_ms, MAX_AGE_MS, "it was issued at another time"))
        .set_auth_time_verifier_fn(|at| {
            let at = at.ok_or_else(|| "it does not say when".to_owned())?;
            let limit_ms = settings.session_ms.saturating_add(SKEW_MS);
            is_between(at, now_ms, limit_ms, "longer ago than a session may be")
        });
    let claims = token.claims(&verifier, nonce)?;
    let is_ours = |party: &ClientId| party.as_str() == settings.client_id;
    if !claims.authorized_party().is_none_or(is_ours) {
        return Err(ClaimsVerificationError::InvalidAudience("it was issued to another client (azp)".to_owned()));
    }
    if !SUBJECT.contains(&claims.subject().len()) {
        return Err(ClaimsVerificationError::InvalidSubject("it is empty or too long".to_owned()));
    }
    Ok(claims)
}

fn is_between(at: DateTime<Utc>, now_ms: u64, limit_ms: u64, fault: &str) -> Result<(), String> {
    let at_ms = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    let is_right = at_ms <= now_ms.saturating_add(SKEW_MS) && now_ms.saturating_sub(at_ms) <= limit_ms;
    if is_right { Ok(()) } else { Err(fault.to_owned()) }
}

fn name_in_token(claim: NameClaim, claims: &CoreIdTokenClaims) -> Name {
    let email = claims.email().map(|email| email.as_str());
    let username = claims.preferred_username().map(|name| name.as_str());
    name_of(claim, username, email, claims.email_verified())
}

fn name_of(claim: NameClaim, username: Option<&str>, email: Option<&str>, verified: Option<bool>) -> Name {
    match (claim, username, email) {
        (NameClaim::PreferredUsername, Some(name), _) => Name::Given(name.to_owned()),
        (NameClaim::Email, _, Some(email)) if verified == Some(true) => Name::Given(email.to_owned()),
        (NameClaim::Email, _, Some(_)) => Name::Unverified,
        _ => Name::Missing,
    }
}

fn not_as_described(fault: &str) -> Fault {
    tracing::error!(fault, "the identity provider does not answer as it has to");
    Fault::Unreachable
}

fn not_exchanged(fault: &str) -> Fault {
    tracing::warn!(fault, "the identity provider did not exchange a code");
    Fault::Refused(Reason::Exchange)
}
