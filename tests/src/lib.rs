//! The demo and the journeys: a real portal, an admin's browser, an authenticator that nobody here wrote, and a phone.
//!
//! `tests/scenario/main_job.json` is the walk as data. [`drive`](drive::drive) reads it; what happens in the world (the
//! admin) it does itself, what happens on the phone it asks of a process that speaks the line protocol of [`phone`].
//! Kotlin and Swift join by answering the same lines.

pub mod authenticator;
pub mod back_end;
pub mod browser;
pub mod database;
pub mod database_server;
pub mod drive;
pub mod line_world;
pub mod phone;
pub mod portal;
pub mod rust_phone;
pub mod scenario;
pub mod secrets;
pub mod terminal;
pub mod world;

/// What stopped the demo, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Fault>;

/// A fault that says what was being done.
pub(crate) fn because(doing: impl std::fmt::Display) -> impl FnOnce(&dyn std::fmt::Display) -> Fault {
    move |fault| Fault(format!("{doing}: {fault}"))
}

/// Turns any error into a [`Fault`] that begins with what was being done.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl std::fmt::Display) -> Result<T>;
}

impl<T, E: std::fmt::Display> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl std::fmt::Display) -> Result<T> {
        self.map_err(|fault| because(what)(&fault))
    }
}

impl<T> Doing<T> for Option<T> {
    fn doing(self, what: impl std::fmt::Display) -> Result<T> {
        self.ok_or_else(|| Fault(what.to_string()))
    }
}
