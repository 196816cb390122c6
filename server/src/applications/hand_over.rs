//! How a browser comes from a protected host to the portal and back.
//!
//! `/_twinlock/start` and `/_twinlock/landing` lie at the protected host, where the proxy passes them to `/auth/start` and
//! `/auth/landing` here; `/auth/hand-over` lies at the portal, behind sign-in, wizard and code.

use super::forward_auth::{HOST_COOKIE, hash};
use super::{host_sessions, protected_hosts};
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::client_address::Peer;
use crate::identity::only_header;
use crate::page::{encode, is_own_path};
use crate::portal::Portal;
use crate::problem::Refusal;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::ports::generate_bytes;
use twinlock_core::proof::canonical_authority;

/// Remembers in the browser that it began; worth something only together with a ticket, and the other way round.
const BEGUN: &str = "__Host-twinlock-begun";

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    to: String,
}

#[derive(Deserialize)]
struct HandOver {
    host: String,
    /// The hash of the browser's cookie, base64url.
    browser: String,
    #[serde(default)]
    to: String,
}

#[derive(Deserialize)]
struct Landing {
    ticket: String,
    #[serde(default)]
    to: String,
}

/// The pages between a protected host and the portal.
pub fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Public, "/auth/start", get(begin))
        .route(Access::Ready, "/auth/hand-over", get(hand_over))
        .route(Access::Public, "/auth/landing", get(land))
}

/// Where a browser begins that wants `uri` of `host`.
pub fn start(host: &str, uri: &str) -> String {
    format!("https://{host}/_twinlock/start?to={}", encode(uri))
}

async fn begin(
    State(portal): State<Portal>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Query(start): Query<Start>,
) -> Result<Response, Refusal> {
    let host = host_of(peer, &headers)?;
    find_organisation(&portal, &host).await?;
    let begun = BASE64URL_NOPAD.encode(&generate_bytes::<32>(&SystemRandom::new())?);
    let browser = BASE64URL_NOPAD.encode(&hash(&begun));
    let portal_url = portal.config.public_url.trim_end_matches('/');
    let next =
        format!("{portal_url}/auth/hand-over?host={}&browser={browser}&to={}", encode(&host), encode(own(&start.to)));
    Ok((CookieJar::new().add(cookie(BEGUN, begun)), Redirect::to(&next)).into_response())
}

async fn hand_over(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(asked): Query<HandOver>,
) -> Result<Response, Refusal> {
    let organisation = find_organisation(&portal, &asked.host).await?;
    if organisation != caller.organisation {
        return Err(Refusal::from(Error::Forbidden).explained("error-detail-other-organisation"));
    }
    let browser = BASE64URL_NOPAD.decode(asked.browser.as_bytes()).ok().filter(|hash| hash.len() == 32);
    let browser = browser.ok_or(Error::BadRequest)?;
    let host = asked.host.clone();
    let ticket = portal.act(&caller, move |tx, caller| host_sessions::issue(tx, caller, &host, &browser)).await?;
    let (host, to) = (&asked.host, encode(own(&asked.to)));
    Ok(Redirect::to(&format!("https://{host}/_twinlock/landing?ticket={}&to={to}", ticket.expose())).into_response())
}

async fn land(
    State(portal): State<Portal>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Query(landing): Query<Landing>,
) -> Result<Response, Refusal> {
    let host = host_of(peer, &headers)?;
    let organisation = find_organisation(&portal, &host).await?;
    let jar = CookieJar::from_headers(&headers);
    let begun = jar.get(BEGUN).map(|cookie| hash(cookie.value()));
    let (now_ms, at) = (portal.now_ms()?, host.clone());
    let taken = match begun {
        Some(browser) => {
            let take = move |tx: &mut crate::store::Tx<'_>| {
                host_sessions::take(tx, &organisation, &landing.ticket, &at, &browser, now_ms)
            };
            portal.store.write(take).await?
        }
        None => Err(Error::SessionEnded),
    };
    let token = match taken {
        Ok(token) => token,
        // Used, too old, or another browser's: it begins again, and is let in at once if the portal knows it.
        Err(Error::SessionEnded) => return Ok(Redirect::to(&start(&host, own(&landing.to))).into_response()),
        Err(fault) => return Err(fault.into()),
    };
    let mut begun = cookie(BEGUN, String::new());
    begun.make_removal();
    let jar = CookieJar::new().add(begun).add(cookie(HOST_COOKIE, token.expose().to_owned()));
    Ok((jar, Redirect::to(own(&landing.to))).into_response())
}

/// The protected host at which the browser is: the proxy's word, if the operator trusts it.
fn host_of(peer: Peer, headers: &HeaderMap) -> Result<String, Refusal> {
    let host = only_header(headers, "x-forwarded-host").ok().filter(|_| peer.is_trusted);
    host.and_then(|host| canonical_authority(host).ok()).ok_or_else(|| {
        Refusal::from(Error::BadRequest)
            .with_detail("This address is for a trusted proxy that says which host it stands for (X-Forwarded-Host).")
    })
}

async fn find_organisation(portal: &Portal, host: &str) -> Result<String, Refusal> {
    let host = host.to_owned();
    let found = portal.store.read(move |tx| protected_hosts::organisation_of(tx, &host)).await?;
    found.ok_or_else(|| Refusal::from(Error::NotFound).explained("error-detail-no-application"))
}

/// Back to a path of the host itself, never elsewhere.
fn own(path: &str) -> &str {
    if is_own_path(path) { path } else { "/" }
}

fn cookie(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build((name, value)).path("/").secure(true).http_only(true).same_site(SameSite::Lax).build()
}
