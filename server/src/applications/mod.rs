//! Other people's applications: their back ends ask about requests that they received, their proxies before they serve.

pub mod back_ends;
pub mod forward_auth;
pub mod hand_over;
pub mod host_sessions;
pub mod introspection;
pub mod protected_hosts;
mod received;
mod vouched;

pub(crate) use vouched::STATEMENTS as VOUCHED_STATEMENTS;
