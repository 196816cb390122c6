//! The way to the provider and back.

use super::attempt::{self, Returned};
use super::settings::{self, Settings};
use super::sign_in::{self, Asserted};
use super::{Fault, Reason, token};
use crate::caller::Origin;
use crate::portal::{Portal, PortalState};
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{AuthenticationContextClass, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, Scope};
use serde::Deserialize;
use std::net::IpAddr;
use std::time::Duration;
use twinlock_core::Error;
use twinlock_core::secret::SecretText;

/// Ties a sign-in under way to its browser.
pub const BROWSER_COOKIE: &str = "__Host-sso";

/// A sign-in that has begun.
pub struct Begun {
    /// Where the browser goes now: the provider's authorisation endpoint with our request.
    pub url: String,
    /// For [`BROWSER_COOKIE`].
    pub browser: SecretText,
}

/// What a provider sends the browser back with (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Deserialize)]
pub struct Callback {
    state: Option<SecretText>,
    code: Option<SecretText>,
    iss: Option<String>,
    error: Option<String>,
}

/// A session is open.
pub struct Finished {
    /// Its token.
    pub token: SecretText,
    /// The page that the member first asked for.
    pub next: String,
}

/// Nobody was signed in.
pub struct Ended {
    /// Whose sign-in it was, where that is known.
    pub organisation: Option<String>,
    /// The page that the member first asked for, or empty.
    pub next: String,
    /// Why.
    pub fault: Fault,
}

/// Begins a sign-in at the organisation's provider.
pub async fn begin(
    portal: &PortalState,
    organisation: &str,
    next: &str,
    browser: Option<SecretText>,
    origin: &Origin,
) -> Result<Begun, Fault> {
    let address: IpAddr = origin.address.parse().map_err(|_| Error::Internal)?;
    portal.throttle.check_sign_in(address)?;
    let settings = settings::current(portal, organisation).await?.ok_or(Error::NotFound)?;
    let seen = portal.providers.find(&settings.issuer, boot_ms(portal)?).await?;
    let client = token::client(portal, &settings, &seen)?;
    let left = attempt::leave(portal, (organisation, &settings.issuer), next, browser).await?;
    let verifier = PkceCodeVerifier::new(left.proof.verifier.expose().to_owned());
    let (state, nonce) = (left.state.expose().to_owned(), left.proof.nonce.expose().to_owned());
    let request = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || CsrfToken::new(state),
            move || Nonce::new(nonce),
        )
        .add_scopes(["profile", "email"].map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .set_max_age(Duration::from_millis(settings.session_ms));
    let contexts = settings.mfa_acr.iter().map(|acr| AuthenticationContextClass::new(acr.clone()));
    let (url, ..) = contexts.fold(request, |request, context| request.add_auth_context_value(context)).url();
    if url.scheme() != "https" {
        tracing::error!(issuer = settings.issuer, "the identity provider's authorisation endpoint is not https");
        return Err(Fault::Unreachable);
    }
    Ok(Begun { url: url.to_string(), browser: left.browser })
}

/// Finishes a sign-in that came back, once.
pub async fn finish(
    portal: &Portal,
    callback: Callback,
    browser: Option<SecretText>,
    origin: &Origin,
) -> Result<Finished, Ended> {
    let (Some(state), Some(browser)) = (&callback.state, browser) else { return Err(unknown()) };
    let taken = attempt::take(portal, state, &browser).await;
    let returned =
        taken.map_err(|fault| Ended { organisation: None, next: String::new(), fault })?.ok_or_else(unknown)?;
    let (fault, member) = match conclude(portal, &callback, &returned, origin).await {
        Ok(Ok(token)) => return Ok(Finished { token, next: returned.next }),
        Ok(Err((reason, member))) => (Fault::Refused(reason), member),
        Err(fault) => (fault, None),
    };
    refused(portal, returned, fault, member, origin).await
}

async fn conclude(
    portal: &Portal,
    callback: &Callback,
    returned: &Returned,
    origin: &Origin,
) -> Result<Result<SecretText, (Reason, Option<String>)>, Fault> {
    let settings = settings::current(portal, &returned.organisation).await?;
    let settings = settings.filter(|settings| settings.issuer == returned.issuer);
    let settings = settings.ok_or(Fault::Refused(Reason::Settings))?;
    let seen = portal.providers.find(&settings.issuer, boot_ms(portal)?).await?;
    let is_named = seen.metadata.additional_metadata().authorization_response_iss_parameter_supported;
    let is_right = callback.iss.as_ref().map_or(!is_named, |iss| *iss == settings.issuer);
    if !is_right {
        return Err(Fault::Refused(Reason::Issuer));
    }
    if callback.error.is_some() {
        return Err(Fault::Refused(Reason::Provider));
    }
    let code = callback.code.as_ref().ok_or(Fault::Refused(Reason::Provider))?;
    let confirmed = token::confirm(portal, &settings, &seen, &returned.proof, code).await?;
    let (settings, is_linked) = look_up(portal, settings, &confirmed.subject).await?;
    let name = if is_linked { None } else { Some(confirmed.find_name(portal, &settings, &seen).await?) };
    let asserted = Asserted { subject: confirmed.subject, is_mfa: confirmed.is_mfa, name };
    let (now_ms, origin) = (portal.now_ms()?, origin.clone());
    Ok(portal.store.write(move |tx| sign_in::open(tx, &settings, &asserted, &origin, now_ms)).await?)
}

/// Whether the subject signed in before.
async fn look_up(portal: &Portal, settings: Settings, subject: &str) -> Result<(Settings, bool), Fault> {
    let subject = subject.to_owned();
    let read = portal.store.read(move |tx| {
        let linked = sign_in::find_link(tx, &settings, &subject)?;
        Ok((settings, linked.is_some()))
    });
    Ok(read.await?)
}

async fn refused(
    portal: &Portal,
    returned: Returned,
    fault: Fault,
    member: Option<String>,
    origin: &Origin,
) -> Result<Finished, Ended> {
    let Returned { organisation, next, .. } = returned;
    if let Fault::Refused(reason) = fault {
        tracing::warn!(request_id = origin.request_id, organisation, reason = reason.name(), "sign-in refused");
        let (of, origin, why) = (organisation.clone(), origin.clone(), (reason, member));
        let recorded = async {
            let now_ms = portal.now_ms()?;
            let record = move |tx: &mut crate::store::Tx<'_>| sign_in::record_refused(tx, &of, &why, &origin, now_ms);
            portal.store.write(record).await.map_err(Fault::from)
        };
        if let Err(fault) = recorded.await {
            return Err(Ended { organisation: Some(organisation), next, fault });
        }
    }
    Err(Ended { organisation: Some(organisation), next, fault })
}

fn unknown() -> Ended {
    Ended { organisation: None, next: String::new(), fault: Fault::Refused(Reason::State) }
}

fn boot_ms(portal: &PortalState) -> Result<u64, Fault> {
    Ok(portal.clock.boot_ms().map_err(|_| Error::PortalUnavailable)?)
}
