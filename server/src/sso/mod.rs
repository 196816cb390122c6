//! Sign-in by the organisation's own identity provider: OpenID Connect Core 1.0, code flow with PKCE (RFC 7636).
//!
//! The provider says who somebody is; whether that counts as two-step is another question, and the answer is in the token
//! of this very sign-in ([`assurance`]). It is never yes because it is SSO. No member is created by a sign-in.

mod assurance;
mod attempt;
mod flow;
mod http;
mod provider;
mod settings;
mod sign_in;
mod token;

pub use attempt::sweep;
pub use flow::{BROWSER_COOKIE, Callback, Ended, begin, finish};
pub use provider::Providers;
pub use settings::{Door, NameClaim, NewSettings, find, find_by_name, find_door, remove, set, unlink};

pub(crate) use attempt::STATEMENTS as ATTEMPT_STATEMENTS;
pub(crate) use settings::STATEMENTS as SETTINGS_STATEMENTS;
pub(crate) use sign_in::STATEMENTS as SIGN_IN_STATEMENTS;

use crate::problem::Refusal;
use crate::store::StoreError;
use twinlock_core::Error;

/// Where a provider sends members back to; `public_url` stands before it.
pub const CALLBACK: &str = "/sign-in/sso/callback";

/// Why a sign-in by the provider ended.
#[derive(Debug)]
pub enum Fault {
    /// For a reason that has nothing to do with the provider.
    Portal(Box<Refusal>),
    /// The provider cannot be reached, or does not say what a provider has to say; an admin or the operator looks at it.
    Unreachable,
    /// The provider did not confirm a member of this organisation.
    Refused(Reason),
}

/// Why somebody was not let in; goes into the audit log by its name and never to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No sign-in under way with this state in this browser: used, too old, or another browser's.
    State,
    /// The provider's settings changed while the sign-in was under way.
    Settings,
    /// The answer names another issuer (RFC 9207 §2.4).
    Issuer,
    /// The provider answered with an error.
    Provider,
    /// The provider did not exchange the code for a token that can be read.
    Exchange,
    /// The token is not what it has to be (OpenID Connect Core §3.1.3.7).
    Token,
    /// The token does not carry the claim that members are found by.
    NoName,
    /// The provider has not verified the e-mail address.
    EmailUnverified,
    /// Nobody of this organisation has the name.
    NoMember,
    /// The member is already linked with another subject of this provider.
    SecondSubject,
    /// The member is suspended.
    Suspended,
}

impl Reason {
    /// As it stands in the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Reason::State => "state",
            Reason::Settings => "settings_changed",
            Reason::Issuer => "other_issuer",
            Reason::Provider => "provider_error",
            Reason::Exchange => "code_not_exchanged",
            Reason::Token => "token_refused",
            Reason::NoName => "no_name_claim",
            Reason::EmailUnverified => "email_unverified",
            Reason::NoMember => "no_member",
            Reason::SecondSubject => "second_subject",
            Reason::Suspended => "suspended",
        }
    }
}

impl From<StoreError> for Fault {
    fn from(fault: StoreError) -> Self {
        Fault::Portal(Box::new(fault.into()))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Portal(Box::new(error.into()))
    }
}
