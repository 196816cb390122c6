//! Who may call what. A route is declared together with its [`Access`]; there is no other way to add one, and what was
//! declared is kept as a list ([`Declared`]).
//!
//! The guard authenticates, asks [`decide`](twinlock_core::policy::decide) for the caller's next step with the policy of
//! this very moment, and lets through only what that step allows.

use crate::applications::back_ends;
use crate::caller::{Caller, Key, Origin, Role};
use crate::client_address::{ClientAddress, Peer};
use crate::declared::{DESCRIPTION, declare_described};
use crate::extract;
use crate::identity::{Identity, identify, is_signed};
use crate::nonce;
use crate::open_sessions;
use crate::page;
use crate::policy;
use crate::portal::Portal;
use crate::problem::{REQUEST_ID, Refusal};
use crate::recovery;
use crate::two_step;
use crate::words::Words;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::policy::{DeviceState, FactorState, Surface};
use twinlock_core::step::{BlockedReason, Step};
use twinlock_core::wire::NONCE_HEADER;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};

pub use crate::declared::{Audience, Declared, PageMethods, get, post};

/// What a route demands of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Any session, whatever its next step.
    SignedIn,
    /// A session of a member without an authenticator, asked by the policy to set one up or choosing to.
    SetUpTwoStep,
    /// A session of a member with an authenticator.
    ShowCode,
    /// A session that has shown its password only, of a member whose authenticator was lost or disabled.
    Recover,
    /// A session with nothing left to do, of a member with an authenticator.
    OwnTwoStep,
    /// A session of a phone or a desktop that has shown its code and has no device yet.
    Enroll,
    /// Signed with the key of a device that was not revoked, also while it waits for approval.
    Device,
    /// Signed with the key of an approved phone.
    ApprovedPhone,
    /// Signed with the key of an approved phone, or of the phone's session that its PIN opened.
    SetPin,
    /// A session with nothing left to do.
    Ready,
    /// Like `Ready`, and the member is an admin.
    Admin,
    /// Like `Ready`, and the member may read the audit log: an admin or an auditor.
    Audit,
    /// Another application's back end, with its key.
    BackEnd,
    /// A proxy that the operator trusts, which asks about somebody else's request.
    Proxy,
}

impl Access {
    fn admit(self, identity: &Identity) -> Result<(), Refusal> {
        if self == Access::Public {
            return Ok(());
        }
        let Identity::Known(caller) = identity else {
            return Err(Refusal::from(Error::SessionEnded).with_step(Step::SignIn));
        };
        let Err(error) = self.check(caller) else { return Ok(()) };
        let refusal = Refusal::from(error).with_step(caller.step.clone());
        let is_set_up = self == Access::SetUpTwoStep
            && caller.facts.factor == FactorState::Active
            && !matches!(caller.step, Step::Blocked { .. });
        Err(if is_set_up { refusal.explained(two_step::ALREADY_SET_UP) } else { refusal })
    }

    /// Whether this caller may, as it stands now.
    pub(crate) fn check(self, caller: &Caller) -> twinlock_core::Result<()> {
        if self == Access::Public {
            return Ok(());
        }
        if let Step::Blocked { reason } = caller.step
            && !(self == Access::Recover && recovery::is_way_back(caller))
        {
            return Err(blocked(reason));
        }
        let has_session = matches!(caller.key, Key::Cookie | Key::Session);
        let admitted = match self {
            Access::Public => true,
            Access::SignedIn => has_session,
            Access::SetUpTwoStep => {
                let may_choose = caller.step == Step::Ready && caller.facts.factor == FactorState::NotSetUp;
                has_session && (caller.step == Step::SetUpTwoStep || may_choose)
            }
            Access::ShowCode => has_session && caller.facts.factor == FactorState::Active && !caller.is_recovering(),
            Access::Recover => has_session && recovery::is_way_back(caller),
            Access::OwnTwoStep => {
                has_session && caller.step == Step::Ready && caller.facts.factor == FactorState::Active
            }
            Access::Enroll => {
                caller.key == Key::Session
                    && caller.facts.device.is_none()
                    && matches!(caller.step, Step::AwaitApproval { .. })
            }
            Access::Device => caller.key == Key::Device,
            Access::ApprovedPhone => caller.key == Key::Device && is_approved_phone(caller),
            Access::SetPin => {
                let has_proved = caller.facts.session.is_some_and(|session| session.pin_proved);
                let is_its_own = caller.key == Key::Device || (caller.key == Key::Session && has_proved);
                is_its_own && is_approved_phone(caller)
            }
            Access::Ready => has_session && caller.step == Step::Ready,
            Access::Admin => has_session && caller.step == Step::Ready && caller.role == Role::Admin,
            Access::Audit => {
                has_session && caller.step == Step::Ready && matches!(caller.role, Role::Admin | Role::Auditor)
            }
            // No members: the guard never looks for one.
            Access::BackEnd | Access::Proxy => false,
        };
        if admitted {
            return Ok(());
        }
        let is_done = caller.step == Step::Ready && has_session;
        Err(if matches!(self, Access::Admin | Access::Audit) && is_done {
            Error::Forbidden
        } else {
            Error::StepRequired
        })
    }
}

/// What the guard of one route knows.
type Guarded = (Portal, Audience, Access);

/// Collects the routes of the JSON interface with their descriptions.
pub struct Api {
    portal: Portal,
    router: OpenApiRouter<Portal>,
    declared: Vec<Declared>,
}

impl Api {
    /// No routes yet.
    pub fn new(portal: Portal, document: OpenApi) -> Self {
        Self { portal, router: OpenApiRouter::with_openapi(document), declared: Vec::new() }
    }

    /// Adds what `utoipa_axum::routes!` made, behind the guard.
    pub fn route(mut self, access: Access, routes: UtoipaMethodRouter<Portal>) -> Self {
        self.declared.extend(declare_described(&routes.1, access));
        let guarded = routes.layer(from_fn_with_state((self.portal.clone(), Audience::Programs, access), guard));
        Self { router: self.router.routes(guarded), ..self }
    }

    /// The routes with their description, which is served too, what was declared, and the description.
    pub fn finish(mut self) -> (axum::Router<Portal>, Vec<Declared>, OpenApi) {
        let (router, document) = self.router.split_for_parts();
        let json = Arc::new(document.to_json().unwrap_or_default());
        let describe = get(move || async move {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json.to_string())
        });
        let (audience, access) = (Audience::Programs, Access::Public);
        let (methods, declared) = describe.declare(access, DESCRIPTION, audience);
        self.declared.extend(declared);
        let guarded = methods.layer(from_fn_with_state((self.portal.clone(), audience, access), guard));
        (router.route(DESCRIPTION, guarded), self.declared, document)
    }
}

/// Collects the pages.
pub struct Pages {
    portal: Portal,
    router: axum::Router<Portal>,
    declared: Vec<Declared>,
}

impl Pages {
    /// No pages yet.
    pub fn new(portal: Portal) -> Self {
        Self { portal, router: axum::Router::new(), declared: Vec::new() }
    }

    /// Adds a page, behind the guard.
    pub fn route(mut self, access: Access, path: &str, methods: PageMethods) -> Self {
        let (methods, declared) = methods.declare(access, path, Audience::People);
        self.declared.extend(declared);
        let guarded = methods.layer(from_fn_with_state((self.portal.clone(), Audience::People, access), guard));
        Self { router: self.router.route(path, guarded), ..self }
    }

    /// The router, and what was declared.
    pub fn finish(self) -> (axum::Router<Portal>, Vec<Declared>) {
        (self.router, self.declared)
    }
}

async fn guard(State((portal, audience, access)): State<Guarded>, request: Request, next: Next) -> Response {
    let is_signed = is_signed(request.headers());
    // Before anything is looked up: what a page does is meant for a cookie's session alone.
    if is_signed && audience == Audience::People {
        return Refusal::from(Error::BadRequest)
            .with_detail("Pages are for browsers. Send signed requests to /v1/.")
            .into_response();
    }
    let target = request.uri().path_and_query().map(ToString::to_string).filter(|_| request.method() == Method::GET);
    let mut words = request.extensions().get::<Words>().cloned().unwrap_or_default();
    let mut response = match admit(&portal, access, request, is_signed, &mut words).await {
        Ok(request) => next.run(request).await,
        Err(refusal) if audience == Audience::People => page::lead_to_step(&refusal, access, target.as_deref()),
        Err(refusal) => refusal.into_response(),
    };
    // For the page of a refusal.
    response.extensions_mut().insert(words);
    if is_signed {
        let fresh = portal.now_ms().and_then(|now_ms| nonce::generate(portal.key_wrap.nonce_key(), now_ms));
        if let Some(value) = fresh.ok().and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
            response.headers_mut().insert(NONCE_HEADER, value);
        }
    }
    response
}

async fn admit(
    portal: &Portal,
    access: Access,
    request: Request,
    is_signed: bool,
    words: &mut Words,
) -> Result<Request, Refusal> {
    let (mut parts, mut body) = request.into_parts();
    let request_id = parts.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let address = parts.extensions.get::<ClientAddress>().map(|found| found.0.to_string()).unwrap_or_default();
    let origin = Origin { address, agent: open_sessions::agent(&parts.headers), request_id, words: words.clone() };
    match access {
        Access::BackEnd => {
            let back_end = back_ends::authenticate(portal, &parts.headers).await?;
            parts.extensions.insert(Arc::new(back_end));
        }
        Access::Proxy if !parts.extensions.get::<Peer>().is_some_and(|peer| peer.is_trusted) => {
            let detail = "Only a proxy that the configuration trusts may ask about somebody else's request.";
            return Err(Refusal::from(Error::Forbidden).with_detail(detail));
        }
        _ => {}
    }
    if matches!(access, Access::BackEnd | Access::Proxy) {
        // What looks like a signature or a cookie here is somebody else's.
        parts.extensions.insert(origin);
        return Ok(Request::from_parts(parts, body));
    }
    let mut signed_body = None;
    if is_signed {
        // Read whole, to compare its digest.
        let bytes = extract::read(body).await?;
        body = Body::from(bytes.clone());
        signed_body = Some(bytes);
    }
    let identity = identify(portal, &parts, signed_body.as_deref(), &origin).await?;
    if let Identity::Known(caller) = &identity {
        words.clone_from(&caller.words);
        // Whoever is blocked learns that, and no policy.
        if !matches!(caller.step, Step::Blocked { .. }) {
            refuse_outdated(portal, caller).await?;
        }
    }
    access.admit(&identity)?;
    match identity {
        Identity::Known(mut caller) => {
            caller.access = access;
            parts.extensions.insert(Arc::new(*caller));
        }
        Identity::Enclosed(presented) => {
            parts.extensions.insert(Arc::new(*presented));
        }
        Identity::Stranger => {}
    }
    parts.extensions.insert(origin);
    Ok(Request::from_parts(parts, body))
}

async fn refuse_outdated(portal: &Portal, caller: &Caller) -> Result<(), Refusal> {
    if caller.claimed_policy.is_none_or(|claimed| claimed == caller.policy_version) {
        return Ok(());
    }
    let pack = policy::pack(portal, caller.organisation.clone(), caller.member.clone(), caller.now_ms).await?;
    Err(Refusal::policy_outdated(Some(pack), caller.step.clone()))
}

/// A desktop has no PIN: its key sets none and tries none, or one would open what asks a desktop for a code.
fn is_approved_phone(caller: &Caller) -> bool {
    let device = caller.facts.device.as_ref();
    caller.surface == Surface::Phone && device.is_some_and(|device| device.state == DeviceState::Approved)
}

/// What a blocked caller is told.
pub fn blocked(reason: BlockedReason) -> Error {
    match reason {
        BlockedReason::Revoked | BlockedReason::KeyLost => Error::DeviceRevoked,
        BlockedReason::Suspended => Error::Suspended,
        BlockedReason::AuthenticatorDisabled => Error::CodeDisabled,
        BlockedReason::UpdateApp => Error::VersionUnsupported,
    }
}
