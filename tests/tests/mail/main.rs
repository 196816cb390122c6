//! Mails: by a real SMTP server, from the real program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod announcement;
mod confirm_set_up;
mod connection;
mod freeze;
mod outage;
mod server;
mod told;
