//! A panic's text may hold anything; only its place is told.

use std::panic::{PanicHookInfo, set_hook};
use std::sync::Once;

static QUIET: Once = Once::new();

/// Replaces Rust's own hook, which prints the text to standard error, where a phone's system log may pick it up.
///
/// The library has a standard library of its own, so no other code's panics are touched. The panic itself still arrives
/// at the caller as `Internal` (TL-9001).
pub(crate) fn tell_places_only() {
    QUIET.call_once(|| set_hook(Box::new(tell)));
}

fn tell(panic: &PanicHookInfo<'_>) {
    match panic.location() {
        Some(place) => log::error!(target: "twinlock", "TL-9001 panic at {}:{}", place.file(), place.line()),
        None => log::error!(target: "twinlock", "TL-9001 panic"),
    }
}
