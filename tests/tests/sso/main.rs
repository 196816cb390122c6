//! Sign-in by an organisation's identity provider: one that nobody here wrote, and one that forges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod assurance;
mod forged;
mod hostile_provider;
mod linking;
mod provider;
mod settings;
mod tab;
mod way;
