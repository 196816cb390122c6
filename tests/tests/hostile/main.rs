//! Clients that mean harm, on every route that the portal describes: each answer is a refusal that tells nothing, the
//! database stays as it was, and the portal goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod body;
mod caller;
mod mutation;
mod page;
mod route;
mod socket;
mod verdict;
mod walk;

/// Stands in everything hostile that is text; no answer may repeat it.
const MARK: &str = "h0st1le-<b>&\"'";
